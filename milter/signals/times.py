"""Stretches of time in a text, in hours: "48 hours", "zwei Tage", "3日以内"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from milter.signals.numbers import NUMBER_BORDER, decimal, number_at_end
from milter.signals.vocabulary import MAX_MENTIONS, folded, mentions
from milter.signals.words import BARE, CJK_DAY, CJK_HOUR, CJK_SPANS, CJK_WEEK, DAY, HOUR, WEEK, WORDS

# How many characters before its unit a number may begin.
REACH = 60
COUNT = re.compile(rf"{NUMBER_BORDER}([0-9lIOo]{{1,4}})$")
# Between number and unit: "3 full days", "48 (forty-eight) hours", "2个小时".
BETWEEN = re.compile(
    r"[\s()–-]*(?:\b(?:business|working|calendar|full|whole|more|short|volle[nr]?|ganze[nr]?|pelne|cele|hele|hela|полных|tam)\b"
    r"|[个個])?[\s()–-]*$",
    re.IGNORECASE,
)
MONTHS = ("月", "월")
WIDE_UNIT = re.compile("|".join(f"({folded(units)})" for units in (CJK_HOUR, CJK_DAY, CJK_WEEK)))
WIDE_SPAN = re.compile("|".join(sorted(CJK_SPANS, key=len, reverse=True)))
HOURS = (HOUR, DAY, WEEK)
# A day of a month, unless it is named as a period before or after.
BARE_DAY = re.compile("[日일]")
PERIOD_BEFORE = re.compile(rf"(?:{folded('猶予|期限|期間|기한|유예|기간|시한')})[{folded('はがの은는이가')}:]?\s?$")
# "22h" after these is a time of day.
CLOCK_BEFORE = re.compile(r"(?<!\w)(?:as|at|um|a|las|alle|kl|om|vers|by|before)\W{1,2}$")


def _units() -> dict[str, tuple[int, tuple[str, ...]]]:
    """Unit → its hours, and the languages that have it."""
    units: dict[str, tuple[int, tuple[str, ...]]] = {"h": (HOUR, ())}
    for language, words in WORDS.items():
        for hours, names in ((HOUR, words.hours), (DAY, words.days), (WEEK, words.weeks)):
            for name in folded(names).split():
                units[name] = (hours, (*units.get(name, (hours, ()))[1], language))
    return units


UNITS = _units()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A length of time as it stands in text[start:end], its unit in hours, and the languages that have the unit."""

    hours: int
    start: int
    end: int
    unit: int
    languages: tuple[str, ...] = ()


def find_times(text: str) -> Iterator[Stretch]:
    """Stretches of time in lower-case text without accents."""
    for start, end in mentions(text, UNITS):
        unit, languages = UNITS[text[start:end]]
        count, first = _count(text, start, languages)
        if count is None and text[start:end] in BARE:
            count = 1
        if count and not _is_clock(text, first, start, end):
            yield Stretch(count * unit, first, end, unit, languages)
    if not text.isascii():
        yield from _wide(text)


def _is_clock(text: str, first: int, start: int, end: int) -> bool:
    """Whether a number with an h is a time of day, or part of a word with digits for letters ("7h3")."""
    if text[end : end + 1].isdigit():
        return True
    return text[start:end] == "h" and bool(CLOCK_BEFORE.search(text[max(0, first - 10) : first]))


def _wide(text: str) -> Iterator[Stretch]:
    for match in islice(WIDE_UNIT.finditer(text), MAX_MENTIONS):
        unit = HOURS[(match.lastindex or 1) - 1]
        count, first = _count(text, match.start(), ())
        if count:
            yield Stretch(count * unit, first, match.end(), unit)
    for match in islice(BARE_DAY.finditer(text), MAX_MENTIONS):
        count, first = _count(text, match.start(), ())
        if count and PERIOD_BEFORE.search(text[max(0, first - 10) : first]):
            yield Stretch(count * DAY, first, match.end(), DAY)
    for match in islice(WIDE_SPAN.finditer(text), MAX_MENTIONS):
        yield Stretch(CJK_SPANS[match[0]], match.start(), match.end(), DAY)


def _count(text: str, start: int, languages: tuple[str, ...]) -> tuple[int | None, int]:
    """The number before a unit, and where number or unit begin; a day of a month is none."""
    earlier = text[max(0, start - REACH) : start]
    bare = BETWEEN.sub("", earlier)
    first = start - len(earlier) + len(bare)
    found = COUNT.search(bare)
    if not found:
        count, length = number_at_end(bare, languages)
        return count, first - length
    value = decimal(found[1])
    dated = bare[: found.start()].rstrip().endswith(MONTHS)
    return (None if value is None or dated else int(value)), first - len(found[0])
