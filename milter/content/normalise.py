"""Text without disguise: `plain` is what people read, `fold` is what rules are matched on.

    text → plain   case and punctuation kept; look-alikes, invisible characters, stacked marks gone (NFKC, UTS #39)
         → fold    lower case, no accents; words between single blanks, numbers as "#", disguised words spelled out
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from itertools import product

from milter.content import disguises, lookalikes
from milter.content.letters import CYRILLIC, EXPANDED, LATIN, shapes, transcribe

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plain:
    """Readable text without disguise, and which disguises it wore."""

    text: str
    evasions: frozenset[str] = NONE


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


# --- plain -----------------------------------------------------------------------------------------------------

# Characters that show nothing (general category Cf, fillers, variation selectors, tags).
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
# Scripts whose words need no joiners and no marks beyond those that NFC composes.
_WESTERN = "A-Za-z\u00aa-\u024f\u0370-\u052f\u1e00-\u1fff"
INVISIBLE = re.compile(f"[{_INVISIBLE}]+")
INVISIBLE_IN_WORD = re.compile(f"[{_WESTERN}]([{_INVISIBLE}]+)(?=[{_WESTERN}])")
SOFT_HYPHENS = re.compile(f"\u00ad[{_WESTERN}]\u00ad[{_WESTERN}]\u00ad")
MARKS = re.compile(f"[{_MARKS}]+")
MARKED_LETTERS = re.compile(f"[{_WESTERN}](?:[{_MARKS}]{{2}}|[{_MARKS}][{_WESTERN}][{_MARKS}])")
REVERSED = re.compile("\u202e([^\u202c\n]*)\u202c?")
STYLED_IN_WORD = re.compile("[A-Za-z][\uff21-\uff5a\U0001d400-\U0001d6a3\u24b6-\u24e9]+[A-Za-z]")
NEGATIVE = {
    first + offset: chr(65 + offset) for first in (0x1F150, 0x1F170) for offset in range(26)
}  # white on black letters, which NFKC leaves
BEFORE_NFKC = NEGATIVE | {0x2122: " ", 0x2120: " ", 0xB5: "u"}


def plain(text: str) -> Plain:
    """The text as a reader understands it; case, punctuation and line ends stay."""
    if text.isascii():
        return Plain(text)
    if LATIN.pack(text) is not None or _ordinary_cyrillic(text):
        return Plain(text.replace("\xa0", " "))
    found: set[str] = set()
    text = _reordered(text, found)
    text = _without_invisible(text, found)
    text = _compatible(text, found)
    text = _without_marks(text, found)
    text, posed = lookalikes.reveal(text)
    if posed:
        found.add("evasion.lookalike")
    return Plain(text, frozenset(found))


def _ordinary_cyrillic(text: str) -> bool:
    """Only Latin and Cyrillic words, none of them mixed, most of them Cyrillic."""
    packed = CYRILLIC.pack(text)
    if packed is None:
        return False
    scripts = packed.translate(CYRILLIC_SCRIPTS)
    return b"CL" not in scripts and b"LC" not in scripts and scripts.count(b"C") > scripts.count(b"L")


CYRILLIC_SCRIPTS = bytes(
    76 if bytes([code]).isalpha() else 67 if char == ord("a") else 32 for code, char in enumerate(CYRILLIC.shapes)
)


def _reordered(text: str, found: set[str]) -> str:
    """Undo right-to-left override, which shows "nioctib" as bitcoin."""
    if "\u202e" not in text:
        return text
    found.add("evasion.invisible")
    return REVERSED.sub(lambda m: m[1][::-1], text)


def _without_invisible(text: str, found: set[str]) -> str:
    if not INVISIBLE.search(text):
        return text
    hits = INVISIBLE_IN_WORD.findall(text)
    # One soft hyphen or joiner in a word is typography; a word riddled with them, or several words, is not.
    if SOFT_HYPHENS.search(text) or sum(hit != "\u00ad" for hit in hits) > 1:
        found.add("evasion.invisible")
    bare = INVISIBLE.sub("", text)
    if "evasion.invisible" not in found and any(hit != "\u00ad" for hit in hits):
        covered = INVISIBLE.sub("|", text.replace("\u00ad", ""))
        if _stems(bare) > _stems(covered):
            found.add("evasion.invisible")
    return bare


def _stems(text: str) -> int:
    return len(disguises.STEMS.findall(text.lower()))


def _compatible(text: str, found: set[str]) -> str:
    """NFKC: full width, mathematical, circled and squared letters become ordinary ones, letters take their marks."""
    if STYLED_IN_WORD.search(text):
        found.add("evasion.lookalike")
    if MARKS.search(text):
        return unicodedata.normalize("NFKC", text.translate(BEFORE_NFKC))
    return COMPATIBLE.sub(_ordinary, text)


def _ordinary(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0].translate(BEFORE_NFKC))


# Blocks that hold all characters which NFKC changes by themselves, without a mark that follows.
COMPATIBLE = re.compile(
    "[\xa0-\xbf\u0132\u0133\u013f\u0140\u0149\u017f\u01c4-\u01cc\u01f1-\u01f3\u02b0-\u02e4\u037a\u0384-\u038f\u03ac-\u03ff"
    "\u1d2c-\u1dbf\u1e9a\u1e9b\u1f00-\u218f\u2460-\u24ff\u2c7c\u2c7d\u2d6f\u2e9f\u2ef3\u2f00-\u2fdf\u3000\u3036-\u303a"
    "\u309b-\u309f\u30ff\u3130-\u33ff\ua69c-\ua7ff\uab5c-\uab5f\uf900-\ufdff\ufe10-\uffef\U0001d400-\U0001d7ff"
    "\U0001ee00-\U0001eeff\U0001f100-\U0001f25f\U0002f800-\U0002fa1f]+"
)


def _without_marks(text: str, found: set[str]) -> str:
    """Marks that NFC could not compose: strokes through letters, towers of accents."""
    if not MARKS.search(text):
        return text
    if MARKED_LETTERS.search(text):
        found.add("evasion.combining")
    return MARKS.sub("", text)


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
UNWANTED = re.compile(f"[{_INVISIBLE}{_MARKS}]+")
_SINGLE = rf"[^\W\d_{_EAST_ASIAN}](?![^ ])"
SPACED = re.compile(f"(?<![^ ]){_SINGLE}(?: {{1,4}}{_SINGLE}){{3,}}")
SUSPICIOUS_WITHOUT_SIGNS = (b"a0", b"0a", b".a.", b"-a-", b"aI")
SUSPICIOUS = (*SUSPICIOUS_WITHOUT_SIGNS, b"a@a", b"a@@", b"@a@")


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
    if SINGLE_LETTERS in shapes(folded):
        if "\n" in text:
            return _fold(text.replace("\n", "   "))  # in text set in single letters a line ends a word
        folded = _respaced(letters, found)
    return folded, frozenset(found)


SINGLE_LETTERS = b" a a a a "
ASCII_PARTED = bytes(32 if chr(code) in ".,'" else code for code in range(256))


def _parted(letters: str) -> str:
    """Words parted by nothing but blanks."""
    if letters.isascii():
        return letters.encode().translate(ASCII_PARTED).decode()
    return _expanded(letters.replace(".", " ").replace(",", " ").replace("'", " "))


def _collapsed(text: str) -> str:
    """One blank between words; quicker than split and join where most gaps are of one or two blanks."""
    text = text.replace("    ", " ").replace("  ", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def _cleaned(text: str) -> str:
    """A text that `plain` has not seen still folds: without invisible characters, marks and compatibility forms."""
    if LATIN.pack(text) is not None or CYRILLIC.pack(text) is not None:
        return text
    text = unicodedata.normalize("NFKC", UNWANTED.sub("", text).replace("µ", "u"))
    return UNWANTED.sub("", text)


def _edits(text: str, shape: bytes, found: set[str]) -> list[tuple[int, int, str]]:
    """Runs of non-blank characters that may hide something, with what they fold to."""
    spans: dict[int, int] = {}
    for pattern in SUSPICIOUS if b"@" in shape else SUSPICIOUS_WITHOUT_SIGNS:
        at = shape.find(pattern)
        while at >= 0:
            start = shape.rfind(b" ", 0, at) + 1
            spans[start] = end = _end_of_run(shape, at)
            at = shape.find(pattern, end)
    edits = []
    for start, end in sorted(spans.items()):
        folded, evasion = disguises.undisguise(text[start:end])
        if folded is not None:
            edits.append((start, end, folded))
        if evasion:
            found.add(evasion)
    return edits


def _end_of_run(shape: bytes, at: int) -> int:
    end = shape.find(b" ", at)
    return end if end >= 0 else len(shape)


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
        if any(disguises.STEMS.search(word) for word in words):
            found.add("evasion.split_letters")
        return " ".join(words)

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

    The way from folded offsets back to words is found by folding the text again, in chunks of words.
    """

    CHUNK = 64

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: list[tuple[int, int]] = []
        self._chunk_starts: list[int] = []
        self._reached: dict[int, int] = {}

    def at(self, start: int, end: int, *, context: int = 40) -> str:
        """The words under folded offsets start to end with some around; at most 160 characters."""
        first, last = self._words_under(start, end)
        return shorten(self._text, self._words, first, last, context)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the words under folded offsets start to end stand in the plain text."""
        first, last = self._words_under(start, end)
        return (self._words[first][0], self._words[last][1]) if self._words else (0, 0)

    def _words_under(self, start: int, end: int) -> tuple[int, int]:
        if not self._words:
            self._measure()
        first = self._word_at(start)
        return first, max(first, self._word_at(max(start, end - 1)))

    def _measure(self) -> None:
        self._words = [found.span() for found in re.finditer(r"\S+", self._text)]
        reached = 0
        for first in range(0, len(self._words), self.CHUNK):
            self._chunk_starts.append(reached)
            last = min(first + self.CHUNK, len(self._words)) - 1
            reached += len(fold(self._text[self._words[first][0] : self._words[last][1]])) - 1

    def _word_at(self, offset: int) -> int:
        """The index of the word under a folded offset."""
        chunk = max(bisect_right(self._chunk_starts, offset) - 1, 0)
        low = chunk * self.CHUNK
        high = min(low + self.CHUNK, len(self._words)) - 1
        while low < high:
            middle = (low + high) // 2
            if self._reach(chunk, middle) > offset:
                high = middle
            else:
                low = middle + 1
        return max(low, 0)

    def _reach(self, chunk: int, word: int) -> int:
        """The folded offset where a word of a chunk ends."""
        if word not in self._reached:
            beginning = self._words[chunk * self.CHUNK][0]
            folded = fold(self._text[beginning : self._words[word][1]])
            self._reached[word] = self._chunk_starts[chunk] + len(folded) - 1
        return self._reached[word]


def shorten(text: str, words: list[tuple[int, int]], first: int, last: int, context: int, limit: int = 160) -> str:
    """Words first to last with context on both sides, whole words only, one blank between them."""
    if not words:
        return ""
    begin, end = words[first][0], words[last][1]
    left = next((word[0] for word in words if word[0] >= begin - context), begin)
    right = max((word[1] for word in words if word[1] <= end + context), default=end)
    shown = " ".join(text[left:right].split())
    cut = len(shown) > limit - 4
    if cut:
        shown = shown[: limit - 4].rsplit(" ", 1)[0]
    before = "… " if left > words[0][0] else ""
    after = " …" if cut or right < words[-1][1] else ""
    return f"{before}{shown}{after}"
