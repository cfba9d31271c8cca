"""Letters of one script that pose as letters of another (UTS #39 §4), and how words written so are read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from importlib.resources import files

TABLE = files("milter") / "data" / "confusables.tsv"


def _rows() -> Iterator[tuple[str, str, str]]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            code, letter, strength, _name = line.split("\t")
            yield chr(int(code, 16)), letter, strength


LATIN: dict[str, str] = {}
STRICT: set[str] = set()
for _char, _letter, _strength in _rows():
    LATIN[_char] = _letter
    if _strength == "strict":
        STRICT.add(_char)
# Latin letters that pose as Russian ones: the same pairs the other way round, and a few of handwriting.
RUSSIAN = {letter: char for char, letter in LATIN.items() if char in STRICT and "А" <= char <= "я"}
RUSSIAN |= {"k": "к", "ë": "ё", "Ë": "Ё"}

# Blocks that hold the sources of the table: phonetic letters, Greek to Hebrew, and the rare alphabets.
_FOREIGN = (
    "\u0250-\u02af\u0370-\u05ff\u07c0-\u07ff\u10a0-\u10ff\u13a0-\u167f\u16a0-\u16ff\u1c90-\u1cbf\u1d00-\u1d7f"
    "\u2c60-\u2dff\ua4d0-\ua7ff\uab30-\uabbf\U00010280-\U00011fff\U00016f00-\U00016f9f"
)
_LETTER = r"[^\W\d_]"
_NATIVE = rf"[^\W\d_{_FOREIGN}]"
FOREIGN = re.compile(f"[{_FOREIGN}]")
FOREIGN_WORD = re.compile(rf"(?<!{_LETTER}){_NATIVE}*+[{_FOREIGN}]{_LETTER}*+")
MIXED_WORD = re.compile(
    rf"(?<!{_LETTER})(?:[A-Za-z]++[{_FOREIGN}]|[{_FOREIGN}]++[A-Za-z\u00c0-\u024f]){_LETTER}*+"
)
GREEK = re.compile("[\u0370-\u03ff]")
LATIN_ONLY = "tnrdlhgbmfvwzqsiuDFGLNQRUVWZ"


def latin_dominates(text: str) -> bool:
    """Whether more letters are surely Latin than surely of another alphabet (a sample of the text decides)."""
    sample = text[:4000]
    latin = sum(map(sample.count, LATIN_ONLY))
    other = sum(1 for char in FOREIGN.findall(sample) if char not in STRICT)
    return latin > other or (latin == other and any(char.isascii() and char.isalpha() for char in sample))


def reveal(text: str) -> tuple[str, bool]:
    """Read look-alikes as the letters they show; also tells whether one stood inside a word."""
    if not FOREIGN.search(text):
        return text, False
    reader = _LatinReader() if latin_dominates(text) else _ForeignReader()
    return reader.read(text)


class _LatinReader:
    """Reads words of a Latin text: whatever can be Latin is."""

    def __init__(self) -> None:
        self.mixed = 0
        self.whole = 0
        self.genuine = 0

    def read(self, text: str) -> tuple[str, bool]:
        text = FOREIGN_WORD.sub(self.word, text)
        return text, self.mixed > 0 or (self.whole > 0 and self.genuine == 0)

    def word(self, found: re.Match[str]) -> str:
        word = found[0]
        foreign = FOREIGN.findall(word)
        whole = len(foreign) == len(word)
        if whole and not all(char in STRICT for char in foreign):
            self.genuine += 1
            return word
        latin = as_latin(word)
        if latin is None:
            return word
        if whole:
            self.whole += len(word) > 2
        elif inside(word):
            self.mixed += not transcribes_sound(found)
        return latin


class _ForeignReader:
    """Reads words of a text in another script (Russian, Greek, Japanese …): only mixed words can be disguised."""

    def __init__(self) -> None:
        self.swapped = 0

    def read(self, text: str) -> tuple[str, bool]:
        text = MIXED_WORD.sub(self.word, text)
        # One letter typed on the wrong keyboard is a slip.
        return text, self.swapped > 1

    def word(self, found: re.Match[str]) -> str:
        word = found[0]
        surely_latin = any(char in LATIN_ONLY for char in word)
        surely_foreign = any(FOREIGN.match(char) and char not in STRICT for char in word)
        if surely_latin and surely_foreign:
            return word
        read = as_latin(word) if surely_latin else as_russian(word)
        if read is None:
            return word
        self.swapped += sum(map(str.__ne__, word, read))
        return read


def as_latin(word: str) -> str | None:
    """The word in Latin letters, or None if a letter of it looks like none."""
    letters: list[str] = []
    for char in word:
        letter = char
        if FOREIGN.match(char):
            shown = LATIN.get(char) or LATIN.get(unicodedata.normalize("NFD", char)[0])
            if shown is None:
                return None
            # A capital I after a small letter is read as l, which it looks like.
            letter = "l" if shown == "I" and letters and letters[-1].islower() else shown
        letters.append(letter)
    return "".join(letters)


def as_russian(word: str) -> str | None:
    """The word in Russian letters, or None if a Latin letter of it looks like none."""
    letters = [char if FOREIGN.match(char) else RUSSIAN.get(char) for char in word]
    return None if None in letters else "".join(filter(None, letters))


def inside(word: str) -> bool:
    """Whether the look-alikes make a word of their own: not "TNFα", "ΔT", "μm" as science writes them."""
    if len(word) < 3:
        return False
    at_edge = word[0] if FOREIGN.match(word[0]) else word[-1]
    return bool(FOREIGN.search(word[1:-1])) or not GREEK.match(at_edge)


def transcribes_sound(found: re.Match[str]) -> bool:
    """Whether the word stands in phonetic brackets: /ˈbɪt.kɔɪn/ in a dictionary is no disguise."""
    before = found.string[max(0, found.start() - 8) : found.start()]
    return any(mark in before for mark in "/[ˈˌ")
