"""Words in a text: where those of a list stand, and whether any of a list is near."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import cache

from milter.content.language import guess
from milter.content.normalise import fold
from milter.signals.words import WORDS

# Words of Latin, Greek and Cyrillic letters in lower case; others are written without blanks.
LETTER = "a-zß-\u024f\u0370-\u052f"
WORD = re.compile(f"[{LETTER}]+")
IS_LETTER = re.compile(f"[{LETTER}]").match
# Combining accents, and the voicing marks of kana.
MARKS = re.compile("[\u0300-\u036f\u3099\u309a]")
UNDECOMPOSED = str.maketrans({"ı": "i", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ß": "ss"})
# Bounds the work on hostile text; real mail names a handful of sums and times.
MAX_MENTIONS = 200
SHORT = 3
# The beginning of a text tells its language.
SAMPLE = 4000
# "h0urs", "Doll4r": digits for letters inside a word; "b-i-t-c-o-i-n".
LEET_WORD = re.compile(r"(?<![\w$])[A-Za-z][a-z]*[0-9$][\w$]*")
LEET = str.maketrans("013457$", "oieasts")
SPELT_OUT = re.compile(r"(?<![\w-])[^\W\d_](?:-[^\W\d_]){3,}(?![\w-])")
LONGEST_STEM = 12


def folded(text: str) -> str:
    """Text in compatibility form without accents, case kept: "Kč" is "Kc", "４８" is "48", "й" is "и"."""
    if text.isascii():
        return text
    bare = unicodedata.normalize("NFC", MARKS.sub("", unicodedata.normalize("NFKD", text)))
    return bare.translate(UNDECOMPOSED)


def language_of(text: str) -> str | None:
    """The language of readable text, or None; see `guess`."""
    return guess(fold(text[:SAMPLE]))


def undisguised(text: str) -> str:
    """Text with digits inside words read as letters, and words that are spelt out put together."""
    text = LEET_WORD.sub(lambda word: word[0].translate(LEET), text)
    return SPELT_OUT.sub(lambda word: word[0].replace("-", ""), text)


def mentions(text: str, words: Collection[str]) -> list[tuple[int, int]]:
    """(start, end) of these words in lower-case text, in order, the first 200."""
    places = []
    for word in set(WORD.findall(text)).intersection(words):
        start = text.find(word)
        while start >= 0:
            end = start + len(word)
            if not IS_LETTER(text, end) and (start == 0 or not IS_LETTER(text, start - 1)):
                places.append((start, end))
            start = text.find(word, end)
    return sorted(places)[:MAX_MENTIONS]


def has_beginning(text: str, stems: frozenset[str]) -> bool:
    """Whether a word of a short lower-case text begins with one of these; stems up to three letters are whole words."""
    for word in WORD.findall(text):
        if word in stems or any(word[:length] in stems for length in range(SHORT + 1, min(len(word), LONGEST_STEM))):
            return True
    return False


@cache
def words_of(field: str, languages: tuple[str, ...]) -> frozenset[str]:
    """The words that these languages have in one field of `Words`."""
    return frozenset(word for language in languages for word in folded(getattr(WORDS[language], field)).split())
