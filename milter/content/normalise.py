"""Text without disguise: `plain` is what people read, `fold` is what rules are matched on.

    text → plain   case and punctuation kept; look-alikes, invisible characters, stacked marks gone (NFKC, UTS #39)
         → fold    lower case, no accents; words between single blanks, numbers as "#", disguised words spelled out
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, product
from operator import itemgetter

from milter.content import disguises
from milter.content.letters import CYRILLIC, EXPANDED, LATIN, shapes, transcribe
from milter.content.plain import INVISIBLE_CHARS, MARK_CHARS, NONE, Plain, plain
from milter.content.spotter import Literals, Pattern

__all__ = ["Excerpts", "Normal", "Plain", "evasions", "excerpt", "fold", "fold_word", "normalise", "plain"]


@dataclass(frozen=True, slots=True)
class Normal:
    """A text in both forms, and the evasions (`evasion.lookalike`, …) seen on the way to them."""

    plain: str
    folded: str
    evasions: frozenset[str] = NONE


def normalise(text: str) -> Normal:
    """Plain and folded form of a text at once."""
    readable = plain(text)
    folded, found = _fold(readable.text)
    if not readable.text.isascii() and _accented_stem(readable.text, folded):
        found |= {"evasion.lookalike"}
    return Normal(readable.text, folded, readable.evasions | found)


def evasions(text: str) -> frozenset[str]:
    """The names of all disguises that a text wears."""
    return normalise(text).evasions


ACCENTLESS = ("bitcoin", "password", "wallet", "webcam", "masturb")


def _accented_stem(text: str, folded: str) -> bool:
    """Whether a word that no language writes with accents has some: bìtcöin."""
    present = [stem for stem in ACCENTLESS if stem in folded]
    if not present:
        return False
    lower = text.replace("İ", "i").replace("ı", "i").lower()
    fewer = [stem for stem in present if lower.count(stem) < folded.count(stem)]
    if not fewer:
        return False
    # Other disguises make stems appear in the folded text, too.
    bare = "".join(map(_unaccented, lower))
    return any(bare.count(stem) > lower.count(stem) for stem in fewer)


def _unaccented(char: str) -> str:
    return char if char.isascii() else unicodedata.normalize("NFD", char)[0]


# --- fold ------------------------------------------------------------------------------------------------------

_EAST_ASIAN = (
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3040-\u30fa\u30fc-\u31ff\u3400-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
EAST_ASIAN = re.compile(f"[{_EAST_ASIAN}]++(?: ++[{_EAST_ASIAN}]++)*+")
UNWANTED = re.compile(f"[{INVISIBLE_CHARS}{MARK_CHARS}]+")
_SINGLE = rf"[^\W\d_{_EAST_ASIAN}](?![^ ])"
SPACED = re.compile(f"(?<![^ ]){_SINGLE}(?: {{1,4}}{_SINGLE}){{3,}}")
# Shapes (letters.shape_char) of runs that may hide something.
SUSPICIOUS_WITHOUT_SIGNS = Literals(b"a0", b"0a", b".a.", b"-a-", b"aI")
SUSPICIOUS = Literals(b"a0", b"0a", b".a.", b"-a-", b"aI", b"a@a", b"a@@", b"@a@")
SINGLE_LETTERS = b" a a a a "
ASCII_SINGLE_LETTERS = Pattern(b" [a-z] [a-z] [a-z] [a-z] ")


def fold(text: str) -> str:
    """What rules are matched on: " word word # word ", pure ASCII for Latin scripts. fold(fold(x)) == fold(x)."""
    return _fold(text)[0]


def _fold(text: str) -> tuple[str, frozenset[str]]:
    if not text.isascii():
        text = _cleaned(text)
    letters, shape = transcribe(text)
    found: set[str] = set()
    edits = _edits(text, shape, found)
    if edits:
        letters = _edited(letters, edits)
    if "#" in letters:
        letters = disguises.NUMBER.sub(" # ", letters)
    letters = _parted(letters)
    folded = _collapsed(f" {letters} ")
    if _has_single_letters(folded):
        if "\n" in text:
            return _fold(text.replace("\n", "   "))  # in text set in single letters a line ends a word
        folded = _respaced(letters, found)
    return folded, frozenset(found)


BLANKS = re.compile(b"  +")
ASCII_PARTED = bytes(32 if chr(code) in ".,'" else code for code in range(256))


def _parted(letters: str) -> str:
    """Words parted by nothing but blanks."""
    if letters.isascii():
        return letters.encode().translate(ASCII_PARTED).decode()
    return _expanded(letters.replace(".", " ").replace(",", " ").replace("'", " "))


def _collapsed(text: str) -> str:
    """One blank between words; quicker on bytes, and than split and join where most gaps are of one blank."""
    return BLANKS.sub(b" ", text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _has_single_letters(folded: str) -> bool:
    if folded.isascii():
        return ASCII_SINGLE_LETTERS.is_in(folded.encode())
    return SINGLE_LETTERS in shapes(folded)


def _cleaned(text: str) -> str:
    """A text that `plain` has not seen still folds: without invisible characters, marks and compatibility forms."""
    if LATIN.pack(text) is not None or CYRILLIC.pack(text) is not None:
        return text
    text = unicodedata.normalize("NFKC", UNWANTED.sub("", text).replace("µ", "u"))
    return UNWANTED.sub("", text)


def _edits(text: str, shape: bytes, found: set[str]) -> list[tuple[int, int, str]]:
    """Runs of non-blank characters that may hide something, with what they fold to."""
    runs = _suspicious_runs(shape)
    if not runs:
        return []
    leet = disguises.is_leet([text[start:end] for start, end in runs], shape.count(b" "))
    read = disguises.read_leet if leet else disguises.undisguise
    edits = []
    for start, end in runs:
        folded, evasion = read(text[start:end])
        if folded is not None:
            edits.append((start, end, folded))
        if evasion:
            found.add(evasion)
    return edits


def _suspicious_runs(shape: bytes) -> list[tuple[int, int]]:
    patterns = SUSPICIOUS if b"@" in shape else SUSPICIOUS_WITHOUT_SIGNS
    runs = []
    end = -1
    for at in patterns.ends(shape):
        if at > end:
            start = shape.rfind(b" ", 0, at) + 1
            end = shape.find(b" ", at)
            end = end if end >= 0 else len(shape)
            runs.append((start, end))
    return runs


def _edited(letters: str, edits: list[tuple[int, int, str]]) -> str:
    pieces = []
    last = 0
    for start, end, folded in edits:
        pieces += [letters[last:start], folded]
        last = end
    return "".join([*pieces, letters[last:]])


def _expanded(letters: str) -> str:
    """ß, æ, œ, þ spelled out; East Asian text without blanks, set apart from other words."""
    for letter, two in EXPANDED.items():
        letters = letters.replace(letter, two)
    if letters.isascii() or not EAST_ASIAN.search(letters):
        return letters
    return EAST_ASIAN.sub(lambda m: f" {m[0].replace(' ', '')} ", letters)


def _respaced(letters: str, found: set[str]) -> str:
    """Letters set apart are joined; wider gaps between them part words: "s e n d  b i t c o i n"."""

    def join(run: re.Match[str]) -> str:
        gaps = re.split(" {2,}", run[0])
        words = ["".join(part.split()) for part in (gaps if any(len(gap) > 1 for gap in gaps) else [run[0]])]
        hidden = [disguises.STEMS.search(word) for word in words]
        if any(hidden):
            found.add("evasion.split_letters")
        # A word of one letter may stand before: "w b i t c o i n a c h".
        return " ".join(
            f"{word[:1]} {word[1:]}" if stem and stem.start() == 1 else word
            for word, stem in zip(words, hidden, strict=True)
        )

    # What is still single letters after this would be joined by folding again.
    return _collapsed(SPACED.sub(join, _collapsed(f" {SPACED.sub(join, letters)} ")))


# --- words and excerpts ----------------------------------------------------------------------------------------

SPELLINGS = {"ä": ("a", "ae"), "ö": ("o", "oe"), "ü": ("u", "ue"), "å": ("a", "aa"), "ø": ("o", "oe")}
SPELLINGS |= {"æ": ("ae", "a"), "ß": ("ss", "s")}
MAX_SPELLINGS = 16


def fold_word(word: str) -> tuple[str, ...]:
    """All spellings of a rule's word or phrase in folded form, without the outer blanks; the plain one first."""
    lower = unicodedata.normalize("NFC", word).lower()
    choices = [SPELLINGS.get(char, (char,)) for char in lower]
    spelled = ("".join(choice) for choice in product(*choices))
    variants = (fold(variant).strip() for variant, _ in zip(spelled, range(MAX_SPELLINGS), strict=False))
    return tuple(dict.fromkeys(variants))


def excerpt(text: str, start: int, end: int, *, context: int = 40) -> str:
    """The words of a plain text that fold(text)[start:end] stands on, with some around; at most 160 characters."""
    return Excerpts(text).at(start, end, context=context)


class Excerpts:
    """Cuts passages out of one plain text, by offsets in its folded form. Costs nothing before the first cut.

    The way from folded offsets back to words is found by folding the text again, in chunks of words, as far as needed.
    """

    CHUNK = 64

    def __init__(self, text: str) -> None:
        self._text = text
        self._unread = re.finditer(r"\S+", text)
        self._words: list[tuple[int, int]] = []
        self._chunks: list[str] = []  # folded
        self._chunk_starts = [0]  # in folded offsets; the last one is where the next chunk will begin
        self._reached: dict[int, int] = {}

    def at(self, start: int, end: int, *, context: int = 40) -> str:
        """The words under folded offsets start to end with some around; at most 160 characters."""
        first, last = self._words_under(start, end)
        if self._words:
            self._read_while(lambda: self._words[-1][0] <= self._words[last][1] + context)
        return shorten(self._text, self._words, first, last, context)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the words under folded offsets start to end stand in the plain text."""
        first, last = self._words_under(start, end)
        return (self._words[first][0], self._words[last][1]) if self._words else (0, 0)

    def _words_under(self, start: int, end: int) -> tuple[int, int]:
        self._read_while(lambda: self._chunk_starts[-1] <= max(start, end))
        first = self._word_at(start)
        return first, max(first, self._word_at(max(start, end - 1)))

    def _read_while(self, more: Callable[[], bool]) -> None:
        """Read chunks until there are enough, or none are left."""
        while more() and (words := [found.span() for found in islice(self._unread, self.CHUNK)]):
            self._words += words
            self._chunks.append(fold(self._text[words[0][0] : words[-1][1]]))
            self._chunk_starts.append(self._chunk_starts[-1] + len(self._chunks[-1]) - 1)

    def _word_at(self, offset: int) -> int:
        """The index of the word under a folded offset."""
        if not self._chunks:
            return 0
        chunk = min(max(bisect_right(self._chunk_starts, offset) - 1, 0), len(self._chunks) - 1)
        low, folded = chunk * self.CHUNK, self._chunks[chunk]
        count = min(self.CHUNK, len(self._words) - low)
        within = offset - self._chunk_starts[chunk]
        # Mostly each word has folded to one: then a look at this one proves it.
        index = min(max(folded.count(" ", 0, within + 1) - 1, 0), count - 1)
        words = folded.split()
        if len(words) == count and fold(self._slice(low + index, low + index)).strip() == words[index]:
            return low + index
        reaches = range(low, low + count)
        return low + min(bisect_right(reaches, within, key=lambda word: self._reach(low, word)), count - 1)

    def _reach(self, first: int, word: int) -> int:
        """How far into its chunk, which begins with the first word, a word reaches when folded."""
        if word not in self._reached:
            self._reached[word] = len(fold(self._slice(first, word))) - 1
        return self._reached[word]

    def _slice(self, first: int, last: int) -> str:
        return self._text[self._words[first][0] : self._words[last][1]]


def shorten(text: str, words: list[tuple[int, int]], first: int, last: int, context: int, limit: int = 160) -> str:
    """Words first to last with context on both sides, whole words only, one blank between them."""
    if not words:
        return ""
    begin, end = words[first][0], words[last][1]
    left = words[bisect_left(words, begin - context, key=itemgetter(0))][0]
    right = words[bisect_right(words, end + context, key=itemgetter(1)) - 1][1]
    shown = " ".join(text[left:right].split())
    cut = len(shown) > limit - 4
    if cut:
        shown = shown[: limit - 4].rsplit(" ", 1)[0]
    before = "… " if left > words[0][0] else ""
    after = " …" if cut or right < words[-1][1] else ""
    return f"{before}{shown}{after}"
