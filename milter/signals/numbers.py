"""Numbers as people write them: with the separators of any country, with letters for digits, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

from milter.signals.vocabulary import folded
from milter.signals.words import CJK_DIGITS, CJK_SCALES, WORDS

UNDISGUISED = str.maketrans("lIOo", "1100")
# A sum in digits; letters stand for digits only inside one unbroken run.
DIGITS = r"(?>\d{1,3}(?:[ '’]\d{3})+(?!\d)(?:[.,]\d{1,2})?|[0-9lIOo]+(?:[.,'’][0-9lIOo]+)*|\.\d{1,8})"
# What a number may not follow; it may follow a word without blanks ("有48小时").
NUMBER_BORDER = r"(?<![0-9A-Za-z])(?<!\d[.,])"
NUMERAL_AT_END = re.compile(rf"([{''.join(CJK_DIGITS)}{''.join(CJK_SCALES)}]{{1,8}}) ?$")
GROUPING = re.compile("[ '’]")
THREE_DIGITS = 3
LONGEST = 20


def decimal(written: str, *, thousands: bool = True) -> Decimal | None:
    """The value of a sum in digits; None where no digit is among them, or too many are.

    thousands: a single separator before three digits groups thousands ("1.450 €"); else it is a decimal one.
    """
    if len(written) > LONGEST or not any(map(str.isdigit, written)):
        return None
    digits = GROUPING.sub("", written.translate(UNDISGUISED))
    separators = [char for char in digits if char in ".,"]
    if not separators:
        return Decimal(digits)
    whole, fraction = digits.rsplit(separators[-1], 1)
    once = len(separators) == 1 and not whole.startswith("0")
    grouped = separators.count(separators[-1]) > 1 or (once and thousands and whole and len(fraction) == THREE_DIGITS)
    whole = whole.replace(".", "").replace(",", "")
    return Decimal(whole + fraction) if grouped else Decimal(f"{whole or 0}.{fraction}")


def number_at_end(text: str, languages: Sequence[str]) -> tuple[int | None, int]:
    """The value of the number words, or of the Chinese or Korean numeral, that a text ends with, and their length."""
    found = ((match[0], language) for language in languages if (match := _words_at_end(language).search(text)))
    words, language = max(found, key=lambda candidate: len(candidate[0]), default=("", ""))
    if words:
        return _spelt(words, language), len(words)
    numeral = NUMERAL_AT_END.search(text)
    return (_numeral(numeral[1]), len(numeral[0])) if numeral else (None, 0)


@cache
def _vocabulary(language: str) -> dict[str, int]:
    items = folded(WORDS[language].numbers).split()
    return {word: int(value) for word, value in zip(items[::2], items[1::2], strict=True)}


@cache
def _one_word(language: str) -> str:
    return "|".join(sorted(map(re.escape, _vocabulary(language)), key=len, reverse=True))


@cache
def _words_at_end(language: str) -> re.Pattern[str]:
    word, joiner = _one_word(language), WORDS[language].joiner
    between = rf"[\s-]*(?:{joiner}[\s-]*)?" if joiner else r"[\s-]*"
    return re.compile(rf"(?<!\w)(?:{word})(?:{between}(?:{word}))*$", re.IGNORECASE)


def _spelt(words: str, language: str) -> int:
    """Number words add up and multiply: "two thousand five hundred", "achtundvierzig"."""
    total = current = 0
    for word in re.findall(_one_word(language), words, re.IGNORECASE):
        value = _vocabulary(language)[word.lower()]
        if value == 1000:
            total, current = total + max(1, current) * value, 0
        elif value == 100:
            current = max(1, current) * value
        else:
            current += value
    return total + current


def _numeral(numeral: str) -> int:
    """Numerals of Chinese characters or their Korean readings: "四十八", "三千", "오백"."""
    total = section = digit = 0
    for char in numeral:
        if char in CJK_DIGITS:
            digit = CJK_DIGITS[char]
        elif CJK_SCALES[char] == 10_000:
            total, section, digit = total + max(1, section + digit) * 10_000, 0, 0
        else:
            section, digit = section + max(1, digit) * CJK_SCALES[char], 0
    return total + section + digit
