"""Text as a reader understands it: disguise is gone, case and punctuation stay (NFKC, UTS #39)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from milter.content import disguises, lookalikes
from milter.content.letters import CYRILLIC, LATIN

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plain:
    """Readable text without disguise, and which disguises it wore."""

    text: str
    evasions: frozenset[str] = NONE


# Characters that show nothing (general category Cf, fillers, variation selectors, tags).
INVISIBLE_CHARS = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
MARK_CHARS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
# Scripts whose words need no joiners and no marks beyond those that NFC composes.
_WESTERN = "A-Za-z\u00aa-\u024f\u0370-\u052f\u1e00-\u1fff"
INVISIBLE = re.compile(f"[{INVISIBLE_CHARS}]+")
INVISIBLE_IN_WORD = re.compile(f"[{_WESTERN}]([{INVISIBLE_CHARS}]+)(?=[{_WESTERN}])")
SOFT_HYPHENS = re.compile(f"\u00ad[{_WESTERN}]\u00ad[{_WESTERN}]\u00ad")
MARKS = re.compile(f"[{MARK_CHARS}]+")
MARKED_LETTERS = re.compile(f"[{_WESTERN}](?:[{MARK_CHARS}]{{2}}|[{MARK_CHARS}][{_WESTERN}][{MARK_CHARS}])")
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
