"""Sums of money in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from milter.signals.currencies import ADJECTIVES, CODES, COINS, DOLLARS, IN_CAPITALS, NAMES, SHARED, SIGNS, WIDE_NAMES
from milter.signals.numbers import DIGITS, NUMBER_BORDER, decimal, number_at_end
from milter.signals.payment_uri import plain_decimal
from milter.signals.vocabulary import MAX_MENTIONS, folded, mentions
from milter.signals.words import MULTIPLIERS

# How many characters before its currency a sum may begin.
REACH = 60
CURRENCY_OF_NAME = {word: currency for currency, words in NAMES.items() for word in folded(words).split()}
CURRENCY_OF_WIDE = {folded(word): currency for currency, words in WIDE_NAMES.items() for word in words.split()}
WORDS = CURRENCY_OF_NAME | CODES
SIGN = re.compile("[" + "".join(SIGNS) + "]")
WIDE = re.compile("|".join(sorted(CURRENCY_OF_WIDE, key=len, reverse=True)))
BEFORE_DOLLAR = re.compile(rf"(?<![a-z])({'|'.join(map(re.escape, DOLLARS))}) ?$")
# "$" for a letter: "da$", "$chool"; not "2OO$".
IN_WORD = re.compile(r"(?:^|[^0-9lio.,])[lio]*$(?<=[a-z])|[a-hj-kmnp-z]$")
AFTER_DOLLAR = re.compile(r"(?!us)[a-z]|\d+(?!k|us|cad|aud|mil)[a-z]")
ADJECTIVE = re.compile(rf"(?<![a-z])({'|'.join(ADJECTIVES)}|u\.s\.)[ -]$")
KANA = re.compile("[\u3040-\u30ff]")
HAN = re.compile("[\u4e00-\u9fff]")

_MULTIPLIER = "|".join(f"({folded(words).replace(' ', '|')})" for words in MULTIPLIERS.values())
BEFORE = re.compile(
    rf"{NUMBER_BORDER}({DIGITS})(?:[.,]-{{1,2}})?(?:[ \t-]?(?:{_MULTIPLIER})\.?)?(?:[ \t\n-]{{0,2}}|[个個])$",
    re.IGNORECASE,
)
AFTER = re.compile(rf"[ \t]?:?[ \t]?({DIGITS})(?:[ \t-]?(?:{_MULTIPLIER})(?![^\W\d_]))?(?![\w%])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum as it stands in text[start:end]; explicit: its currency is not just a sign that several share."""

    amount: str
    currency: str
    explicit: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Mention:
    """A currency in text[start:end]; beside: its sum may also follow."""

    currency: str
    start: int
    end: int
    explicit: bool = True
    beside: bool = False


def find_sums(text: str, languages: Sequence[str]) -> Iterator[Sum]:
    """Sums with a currency in text without accents; number words are read in these languages."""
    for mention in _currencies(text, languages):
        value, start, end = _value(text, mention, languages)
        amount = plain_decimal(value) if value is not None else None
        if amount:
            yield Sum(amount, mention.currency, mention.explicit, start, end)


def _currencies(text: str, languages: Sequence[str]) -> Iterator[_Mention]:
    lower = text.lower()
    for sign in islice(SIGN.finditer(text), MAX_MENTIONS):
        if mention := _sign(text, lower, sign):
            yield mention
    for start, end in mentions(lower, WORDS):
        word = lower[start:end]
        if word not in IN_CAPITALS or text[start:end].isupper():
            yield _name(lower, word, start, end, languages)
    if not text.isascii():
        for wide in islice(WIDE.finditer(text), MAX_MENTIONS):
            yield _Mention(CURRENCY_OF_WIDE[wide[0]], wide.start(), wide.end())


def _sign(text: str, lower: str, sign: re.Match[str]) -> _Mention | None:
    """A currency sign; none where it stands for a letter ("$chool")."""
    start, end = sign.span()
    if sign[0] != "$":
        currency = "CNY" if sign[0] == "¥" and HAN.search(text) and not KANA.search(text) else SIGNS[sign[0]]
        return _Mention(currency, start, end, explicit=sign[0] not in SHARED, beside=True)
    if country := BEFORE_DOLLAR.search(lower[max(0, start - 5) : start]):
        return _Mention(DOLLARS[country[1]], start - len(country[0]), end, beside=True)
    if IN_WORD.search(lower[max(0, start - 6) : start]) or AFTER_DOLLAR.match(lower, end):
        return None
    return _Mention("USD", start, end, explicit=False, beside=True)


def _name(lower: str, word: str, start: int, end: int, languages: Sequence[str]) -> _Mention:
    currency = "DKK" if word == "kr" and list(languages) == ["da"] else WORDS[word]
    if word == "bitcoin" and lower.startswith(" cash", end):
        return _Mention("BCH", start, end + 5)
    if adjective := ADJECTIVE.search(lower[max(0, start - 16) : start]):
        currency = ADJECTIVES.get(adjective[1]) or currency
        start -= len(adjective[0])
    return _Mention(currency, start, end, explicit=word not in SHARED, beside=word in CODES)


def _value(text: str, mention: _Mention, languages: Sequence[str]) -> tuple[Decimal | None, int, int]:
    """The number that belongs to a currency, and where both stand."""
    start, end = mention.start, mention.end
    earlier = text[max(0, start - REACH) : start]
    before = BEFORE.search(earlier)
    after = AFTER.match(text, end) if mention.beside else None
    if after and (not before or after.start(1) == end):
        return _product(after, mention.currency), start, after.end()
    if before:
        return _product(before, mention.currency), start - len(earlier) + before.start(), end
    spelt, length = number_at_end(earlier.rstrip(" -\n"), languages)
    return (None if spelt is None else Decimal(spelt)), start - length - 1, end


def _product(found: re.Match[str], currency: str) -> Decimal | None:
    value = decimal(found[1], thousands=currency not in COINS)
    for factor, word in zip(MULTIPLIERS, found.groups()[1:], strict=True):
        if value is not None and word:
            return value * factor
    return value
