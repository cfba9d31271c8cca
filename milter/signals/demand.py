"""What is asked for and until when: of all sums and times in a text, the ones that a demand stands beside."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from itertools import islice

from milter.model import Demand
from milter.signals.currencies import CRYPTO
from milter.signals.payment_uri import find_payment_requests
from milter.signals.sums import Sum, find_sums
from milter.signals.times import Stretch, find_times
from milter.signals.vocabulary import MAX_MENTIONS, folded, has_beginning, language_of, undisguised, words_of
from milter.signals.words import CJK_AFTER, CJK_ASKING, CJK_BEFORE, CJK_GIVING, DAY, HOUR, WORDS

MAX_HOURS = 60 * DAY
# Characters before and after a sum in which words of asking are looked for, and count each time.
NEARNESS = ((20, 15), (40, 30), (80, 50))
# Nobody blackmails for less, in any currency but coins; such a sum is a misread word.
LEAST_DEMAND = 10
SENTENCE_END = re.compile(r"[.!?。\n]\s")
WALLET_LIKE = re.compile(r"(?<!\w)(?:[13t48]|bc1|ltc1|0x)[0-9a-z]{25,110}")


def find_demand(text: str) -> Demand:
    """The sum that is asked for and the hours that are given, from readable text; unknown parts stay None.

    Of several sums the one near words of asking or a payment address counts, then money before coins; of several
    times the one near words of giving time. Times beyond 60 days and those behind the reader do not count.
    """
    readable = folded(text)
    language = language_of(text)
    languages = tuple(WORDS) if language is None else (language,) if language in WORDS else ()
    best = _sum(readable, languages) or _sum(undisguised(readable), languages)
    amount, currency = (best.amount, best.currency) if best else _requested(text)
    deadline = _deadline(readable.lower(), languages) or _deadline(undisguised(readable).lower(), languages)
    return Demand(amount, currency, deadline)


def _sum(text: str, languages: tuple[str, ...]) -> Sum | None:
    lower = text.lower()
    sums = islice(find_sums(text if len(lower) == len(text) else lower, languages), MAX_MENTIONS)
    return max(sums, key=lambda found: _weight(lower, found, languages), default=None)


def _requested(text: str) -> tuple[str | None, str | None]:
    """The sum of a payment URI."""
    return next(((r.amount, r.currency) for r in find_payment_requests(text) if r.amount), (None, None))


def _weight(text: str, found: Sum, languages: tuple[str, ...]) -> tuple[bool, bool, bool, int, bool, int]:
    """How much a sum looks like the one that is asked for: what stands how close to it, then its currency."""
    places = (_around(text, found, before, after) for before, after in NEARNESS)
    asked = sum(_names(place, "asking", CJK_ASKING, languages) for place in places)
    wallet = bool(WALLET_LIKE.search(_around(text, found, 200, 200)))
    fiat = found.currency not in CRYPTO
    worth = not fiat or Decimal(found.amount) >= LEAST_DEMAND
    return worth, bool(asked or wallet), fiat, asked, found.explicit, -found.start


def _around(text: str, found: Sum, before: int, after: int) -> str:
    return text[max(0, found.start - before) : found.start] + "\n" + text[found.end : found.end + after]


def _deadline(text: str, languages: tuple[str, ...]) -> int | None:
    times = [time for time in find_times(text) if time.hours <= MAX_HOURS and not _is_past(text, time)]
    best = max(times, key=lambda time: (_time_weight(text, time, languages), -time.start), default=None)
    if best is None:
        return None
    exact = (time for time in times if time.unit == HOUR and 0 <= time.start - best.end <= 40)
    return next(exact, best).hours


def _time_weight(text: str, time: Stretch, languages: tuple[str, ...]) -> int:
    """How much a stretch of time looks like one to pay in."""
    before = _names(SENTENCE_END.split(text[max(0, time.start - 50) : time.start])[-1], "giving", CJK_GIVING, languages)
    after = _names(SENTENCE_END.split(text[time.end : time.end + 30])[0], "giving", CJK_GIVING, languages)
    asking = _names(text[max(0, time.start - 60) : time.end + 60], "asking", CJK_ASKING, languages)
    return 2 * (before + after) + asking


def _names(text: str, field: str, wide: str, languages: tuple[str, ...]) -> bool:
    """Whether a word from one field of `Words`, or one of these of Chinese, Japanese or Korean, is in a text."""
    return has_beginning(text, words_of(field, languages)) or (
        not text.isascii() and any(word in text for word in _split(wide))
    )


@cache
def _split(wide: str) -> tuple[str, ...]:
    return tuple(folded(wide).split())


def _is_past(text: str, time: Stretch) -> bool:
    """Whether a time is over or recurs: "3 days ago", "in den letzten 3 Tagen", "24 hours a day"."""
    before, after = _past(time.languages)
    return bool(
        before.search(text[max(0, time.start - 20) : time.start]) or after.match(text[time.end : time.end + 20])
    )


@cache
def _past(languages: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns for what stands right before, and right after, a time that is over or recurs."""
    before = "|".join(word for language in languages for word in folded(WORDS[language].before).split())
    after = "|".join(word for language in languages for word in folded(WORDS[language].after).split())
    wide_before, wide_after = "|".join(_split(CJK_BEFORE)), "|".join(_split(CJK_AFTER))
    return (
        re.compile(rf"(?:(?<!\w)(?:{before or '(?!)'})\W{{1,3}}|(?:{wide_before})\W?)$"),
        re.compile(rf"\W{{1,3}}(?:{after or '(?!)'})(?!\w)| a day\b| ?(?:{wide_after})"),
    )
