"""What is asked for and until when: a sum with its currency, and hours to pay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from milter.model import Demand
from milter.signals import currencies
from milter.signals.numbers import DIGITS, cjk, decimal, folded, spelt, words_before
from milter.signals.payment_uri import find_payment_requests, plain_decimal
from milter.signals.words import (
    CJK_ASKING,
    CJK_DIGITS,
    CJK_GIVING,
    CJK_PAST,
    CJK_SCALES,
    CJK_UNITS,
    CJK_WHOLE,
    DAY,
    HOUR,
    MULTIPLIERS,
    WEEK,
    WORDS,
)

MAX_HOURS = 60 * DAY
# How far before a unit or currency its number may begin, in characters.
BACK = 60
NUMERAL = "[" + "".join(CJK_DIGITS) + "".join(CJK_SCALES) + "]"
NOT_LETTER_BEFORE, NOT_LETTER_AFTER = r"(?<![^\W\d_])", r"(?![^\W\d_])"


def _any(pieces: Iterable[str]) -> str:
    return "|".join(f"(?:{piece})" for piece in pieces)


def _boundary(pattern: str) -> str:
    """Latin and Cyrillic words need borders; Chinese, Japanese and Korean words have none."""
    parts = _split_alternatives(pattern)
    return _any(p if p[-1] > "\u2e80" else f"{NOT_LETTER_BEFORE}(?:{p}){NOT_LETTER_AFTER}" for p in parts)


def _split_alternatives(pattern: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for char in pattern:
        depth += (char in "([") - (char in ")]")
        if char == "|" and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


SIGN_GROUPS = [(code, pattern, True) for code, pattern in currencies.SIGNS.items()]
CODE_GROUPS = [(code, _boundary(pattern), True) for code, pattern in currencies.CODES.items()]
NAME_GROUPS = [(code, _boundary(pattern), False) for code, pattern in currencies.NAMES.items()]
GROUPS = [*NAME_GROUPS, *CODE_GROUPS, *SIGN_GROUPS]
CURRENCY = re.compile("|".join(f"({pattern})" for _, pattern, _ in GROUPS), re.IGNORECASE)
_multipliers = "|".join(sorted(MULTIPLIERS, key=len, reverse=True))
BEFORE = re.compile(rf"(?<![0-9A-Za-z.,])({DIGITS})(?:[.,]-{{1,2}})?[ \t]*({_multipliers})?\.?[ \t\n-]{{0,2}}$", re.IGNORECASE)
AFTER = re.compile(rf"[ \t]?[:=]?[ \t]?({DIGITS})[ \t]*((?:{_multipliers})(?!\w))?(?![\w%])", re.IGNORECASE)
CJK_BEFORE = re.compile(rf"({NUMERAL}{{1,8}})\s?$")
SCALED = re.compile(rf"(?:(\d[\d.,]*)\s?)?((?:mil|mila|mille|thousand|tausend|тысячи?|tys\w*|tis[iy]c\w*|bin|tusen|tusind\w?|duizend))\s?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Sum:
    amount: str
    currency: str
    explicit: bool
    start: int
    end: int


@cache
def _stems(kind: str) -> re.Pattern[str]:
    words = sorted({folded(w) for language in WORDS.values() for w in getattr(language, kind).split()})
    cjk_words = {"asking": CJK_ASKING, "giving": CJK_GIVING}[kind].split()
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})|{'|'.join(map(folded, cjk_words))}", re.IGNORECASE)


WALLET_LIKE = re.compile(r"(?<!\w)(?:[13]|bc1|ltc1|0x|T|4|8)[0-9A-Za-z]{25,}")


def find_demand(text: str) -> Demand:
    """The sum that is asked for and the hours that are given, from readable text; unknown parts stay None.

    Of several sums the one near words of asking or a payment address counts, money before coins; of several times
    the one near words of giving time. Times beyond 60 days and those that lie behind the reader do not count.
    """
    readable = folded(text)
    languages = _languages(readable)
    best = max(_sums(readable, languages), key=lambda s: _weight(readable, s), default=None)
    amount, currency = (best.amount, best.currency) if best else _requested(text)
    return Demand(amount, currency, _deadline(readable, languages))


def _requested(text: str) -> tuple[str | None, str | None]:
    """The sum of a payment URI."""
    return next(((r.amount, r.currency) for r in find_payment_requests(text) if r.amount), (None, None))


def _languages(text: str) -> list[str]:
    """Languages the text may be in: those whose words of asking and giving it has most of."""
    sample = text[:20_000].lower()
    words = set(re.findall(r"[^\W\d_]+", sample))
    counts = {language: sum(word in words for word in _common(language)) for language in WORDS}
    most = max(counts.values())
    return [language for language, count in counts.items() if count * 3 >= most * 2]


@cache
def _common(language: str) -> frozenset[str]:
    words = WORDS[language]
    return frozenset(folded(f"{words.giving} {words.past} {words.asking} {words.joiners} {FUNCTION_WORDS[language]}").lower().split())


FUNCTION_WORDS = {
    "en": "the you your i of to is this my will and that with", "de": "der die das ich sie du ihr ihre nicht und ist mit auf von",
    "fr": "le la les vous votre je et de des que est pas sur vos", "es": "el la los usted su tu yo y de que no con sus",
    "it": "il la le tu tuo tuoi io e di che non con suo ho", "nl": "de het ik je jouw u uw en van niet dat is met",
    "pt": "o a os voce seu sua eu e de que nao com seus", "pl": "i na nie ze sie to jest twoj twoje moj z",
    "cs": "a na ne ze se je vas vase jsem to s", "sv": "och jag du din det att inte ar pa med", "da": "og jeg du din det at ikke er pa med",
    "ru": "и я вы ваш ваши на не что с это мне", "tr": "ve ben sen bir bu icin siz sizin",
}  # fmt: skip


def _sums(text: str, languages: list[str]) -> Iterator[_Sum]:
    for match in CURRENCY.finditer(text):
        code, _, either_side = GROUPS[match.lastindex - 1] if match.lastindex else GROUPS[0]
        currency = _currency(code, text)
        value, start, end = _value(text, match, currency, languages, either_side)
        amount = plain_decimal(value) if value is not None else None
        if amount:
            yield _Sum(amount, currency, code not in ("$", "¥", "kr"), start, end)


def _currency(code: str, text: str) -> str:
    if code in ("$", "US$"):
        return "USD"
    if code == "¥":
        return "CNY" if re.search("[\u4e00-\u9fff]", text) and not re.search("[\u3040-\u30ff]", text) else "JPY"
    if code == "kr":
        return "DKK" if re.search("[æøÆØ]", text) else "SEK"
    return code


def _value(
    text: str, match: re.Match[str], currency: str, languages: list[str], either_side: bool
) -> tuple[Decimal | None, int, int]:
    start, end = match.span()
    before = text[max(0, start - BACK) : start]
    after = AFTER.match(text, end) if either_side else None
    found = BEFORE.search(before)
    if after and (not found or (after.start(1) == end and not before[-1:].isdigit())):
        value = decimal(after[1], thousands=currency not in currencies.COINS)
        return _times(value, after[2]), start, after.end()
    if found:
        value = decimal(found[1], thousands=currency not in currencies.COINS)
        return _times(value, found[2]), start - len(before) + found.start(), end
    return _in_words(before, languages), max(0, start - BACK), end


def _times(value: Decimal | None, multiplier: str | None) -> Decimal | None:
    return value * MULTIPLIERS[multiplier.lower()] if value is not None and multiplier else value


def _in_words(before: str, languages: list[str]) -> Decimal | None:
    """A number in words, or digits with a word for thousand, at the end of a text."""
    if scaled := SCALED.search(before):
        if scaled[1] and (value := decimal(scaled[1])) is not None:
            return value * 1000
    for language in languages:
        if words := words_before(language).search(before.rstrip(" -")):
            return Decimal(spelt(words[0], language))
    if numeral := CJK_BEFORE.search(before):
        return Decimal(cjk(numeral[1]))
    return None


def _weight(text: str, found: _Sum) -> tuple[bool, bool, bool, int]:
    around = text[max(0, found.start - 80) : found.start] + "\n" + text[found.end : found.end + 50]
    near = bool(_stems("asking").search(around)) or bool(
        WALLET_LIKE.search(text[max(0, found.start - 200) : found.end + 200])
    )
    return near, found.currency not in currencies.CRYPTO, found.explicit, -found.start


UNITS = [
    *((f"{language}", WORDS[language].hour, HOUR) for language in WORDS),
    *((f"{language}", WORDS[language].day, DAY) for language in WORDS),
    *((f"{language}", WORDS[language].week, WEEK) for language in WORDS),
]


@cache
def _unit_pattern(languages: tuple[str, ...]) -> re.Pattern[str]:
    """Units of these languages in three groups: hours, days, weeks."""
    groups = []
    for hours, kind in ((HOUR, "hour"), (DAY, "day"), (WEEK, "week")):
        names = [folded(getattr(WORDS[language], kind)) for language in languages]
        names += ["h"] if hours == HOUR else []
        spaced = f"{NOT_LETTER_BEFORE}(?:{'|'.join(names)}){NOT_LETTER_AFTER}"
        unspaced = "|".join(folded(p) for p, value in CJK_UNITS.items() if value == hours)
        groups.append(f"({spaced}|{unspaced})")
    return re.compile("|".join(groups), re.IGNORECASE)


COUNT = re.compile(r"(?<![0-9A-Za-z.,])([0-9lIOo]{1,4})$")
ADJECTIVE = re.compile(
    r"(?:business|working|calendar|full|whole|more|volle[nr]?|ganze[nr]?|个|個|short|pelne|cele|hele|hela|полных|полные|tam)\s*$",
    re.IGNORECASE,
)


def _deadline(text: str, languages: list[str]) -> int | None:
    best: tuple[int, int] | None = None
    for hours, start, end in _times_given(text, languages):
        weight = _time_weight(text, start, end)
        if 1 <= hours <= MAX_HOURS and weight is not None and (best is None or weight > best[0]):
            best = weight, hours
    return best[1] if best else None


def _times_given(text: str, languages: list[str]) -> Iterator[tuple[int, int, int]]:
    """(hours, start, end) of each stretch of time."""
    for match in _unit_pattern(tuple(languages)).finditer(text):
        unit = (HOUR, DAY, WEEK)[(match.lastindex or 1) - 1]
        before = text[max(0, match.start() - BACK) : match.start()]
        bare = ADJECTIVE.sub("", before.rstrip(" -–()\n")).rstrip(" -–()\n")
        count = _count(bare, languages)
        if count:
            yield count * unit, match.start() - (len(before) - len(bare)), match.end()
    for word, hours in CJK_WHOLE.items():
        for match in re.finditer(folded(word), text):
            yield hours, match.start(), match.end()


def _count(before: str, languages: list[str]) -> int | None:
    if found := COUNT.search(before):
        value = decimal(found[1])
        return int(value) if value is not None and value > 0 and not before[: found.start()].endswith("月") else None
    for language in languages:
        if words := words_before(language).search(before):
            return spelt(words[0], language)
    if numeral := CJK_BEFORE.search(before):
        return cjk(numeral[1])
    return None


@cache
def _past() -> re.Pattern[str]:
    words = sorted({folded(w).replace("-", r"\s") for language in WORDS.values() for w in language.past.split()}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)|{'|'.join(folded(CJK_PAST).split())}", re.IGNORECASE)


def _time_weight(text: str, start: int, end: int) -> int | None:
    """How much a stretch of time looks like one to pay in; None where it lies in the past."""
    if _past().search(text[end : end + 8]):
        return None
    before, after = text[max(0, start - 50) : start], text[end : end + 30]
    giving = bool(_stems("giving").search(before)) + bool(_stems("giving").search(after))
    asking = bool(_stems("asking").search(text[max(0, start - 60) : end + 60]))
    return 2 * giving + asking
