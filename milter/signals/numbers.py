"""Numbers as people write them: with separators of any country, with letters for digits, in words."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache

from milter.signals.words import CJK_DIGITS, CJK_SCALES, WORDS

MARKS = re.compile("[\u0300-\u036f\u3099\u309a]")
UNDISGUISED = str.maketrans("lIOo", "1100")
# A sum in digits; letters for digits only inside one unbroken run.
DIGITS = r"\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d{1,2})?(?!\d)|[0-9lIOo]+(?:[.,'’][0-9lIOo]+)*"


def folded(text: str) -> str:
    """Text in compatibility form without accents, case kept; "ё" becomes "е" and "й" becomes "и"."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", MARKS.sub("", unicodedata.normalize("NFKD", text)))


def decimal(written: str, *, thousands: bool = True) -> Decimal | None:
    """The value of a sum in digits; None without any digit.

    thousands: whether one separator with three digits behind it groups thousands ("1.450 €") or is a decimal one.
    """
    if not any(map(str.isdigit, written)):
        return None
    digits = re.sub(r"[ '’]", "", written.translate(UNDISGUISED))
    separators = [char for char in digits if char in ".,"]
    if not separators:
        return Decimal(digits)
    last = separators[-1]
    whole, fraction = digits.rsplit(last, 1)
    grouped = separators.count(last) > 1 or (len(separators) == 1 and len(fraction) == 3 and thousands)
    if grouped and not whole.startswith("0"):
        return Decimal(re.sub("[.,]", "", digits))
    return Decimal(f"{re.sub('[.,]', '', whole) or '0'}.{fraction}")


@cache
def _vocabulary(language: str) -> dict[str, int]:
    items = WORDS[language].numbers.split()
    return {folded(word): int(value) for word, value in zip(items[::2], items[1::2], strict=True)}


@cache
def words_before(language: str) -> re.Pattern[str]:
    """A pattern for number words of a language at the end of a text."""
    words = "|".join(sorted(map(re.escape, _vocabulary(language)), key=len, reverse=True))
    joiner = WORDS[language].joiners
    between = rf"[\s-]*(?:{joiner}[\s-]*)?" if joiner else r"[\s-]*"
    return re.compile(rf"(?<!\w)(?:{words})(?:{between}(?:{words}))*$", re.IGNORECASE)


def spelt(words: str, language: str) -> int:
    """The value of number words: "two thousand five hundred", "achtundvierzig"."""
    vocabulary = _vocabulary(language)
    pattern = "|".join(sorted(map(re.escape, vocabulary), key=len, reverse=True))
    total = current = 0
    for word in re.findall(pattern, words, re.IGNORECASE):
        value = vocabulary[word.lower()]
        if value == 1000:
            total, current = total + max(1, current) * value, 0
        elif value == 100:
            current = max(1, current) * value
        else:
            current += value
    return total + current


def cjk(numeral: str) -> int:
    """The value of a numeral in Chinese, Japanese or Sino-Korean characters: "四十八", "三千", "오백"."""
    total = section = digit = 0
    for char in numeral:
        if char in CJK_DIGITS:
            digit = CJK_DIGITS[char]
        elif CJK_SCALES[char] == 10_000:
            total, section, digit = total + max(1, section + digit) * 10_000, 0, 0
        else:
            section, digit = section + max(1, digit) * CJK_SCALES[char], 0
    return total + section + digit
