"""Write milter/data/confusables.tsv from Unicode's confusables.txt (UTS #39).

usage: python tools/build_confusables.py confusables.txt > milter/data/confusables.tsv

The input is https://www.unicode.org/Public/security/latest/confusables.txt (ICU ships it, too). Kept are
single letters that look like one ASCII letter and that neither NFKC nor the removal of accents turns into it.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

# A prototype of UTS #39 that is no ASCII letter itself, but that readers take for one.
NEARLY = dict(zip("ĸʍπƅꞓɅƩᴎᴙɸ6", "kmnbeAEnrob", strict=True))
# What these stand for in real disguises, where UTS #39 has no row or another letter.
SEEN = {"ω": ("w", "loose"), "χ": ("x", "loose"), "μ": ("u", "loose"), "ʋ": ("v", "strict")}
SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL (?:REVERSED )?([A-Z])$")
# Latin letters of living orthographies keep their own folding; these scripts never pose as Latin words.
ORTHOGRAPHY = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
NOT_ALPHABETS = re.compile("CJK|HIRAGANA|KATAKANA|HANGUL|BOPOMOFO|YI SYLLABLE|KANGXI|ARABIC|MATHEMATICAL")


def rows(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of source and prototype of confusables.txt."""
    for line in lines:
        fields = line.split("#")[0].split(";")
        if len(fields) >= 2:
            source, target = ("".join(chr(int(code, 16)) for code in field.split()) for field in fields[:2])
            yield source, target


def without_marks(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def nearly(char: str) -> str:
    """The ASCII letter that a look-alike at second sight stands for, or ""."""
    small = SMALL_CAPITAL.match(unicodedata.name(char, ""))
    return NEARLY.get(char) or (small[1].lower() if small else "")


def wanted(char: str) -> bool:
    name = unicodedata.name(char, "")
    return (
        unicodedata.category(char).startswith("L")
        and not char.isascii()
        and not ORTHOGRAPHY.match(char)
        and not NOT_ALPHABETS.search(name)
        and not unicodedata.normalize("NFKC", char).isascii()
    )


def as_letter(source: str, target: str) -> tuple[str, str] | None:
    """The ASCII letter that target shows, and whether it is the same ("strict") or nearly so ("loose")."""
    shown = without_marks(target)
    if len(shown) != 1:
        return None
    strength = "strict" if shown == target and shown.isascii() and shown.isalpha() else "loose"
    letter = shown if shown.isascii() and shown.isalpha() else nearly(shown)
    if letter == "l" and unicodedata.category(source) == "Lu":
        letter = "I"
    return (letter, strength) if letter else None


def table(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for source, target in pairs:
        if len(source) == 1 and wanted(source) and (shown := as_letter(source, target)):
            found[source] = shown
    for char in map(chr, range(0x250, 0x1D2C)):
        if char not in found and wanted(char) and (letter := nearly(char)):
            found[char] = (letter, "loose")
    return found | SEEN


def head(lines: Iterable[str]) -> Iterator[str]:
    kept = [line.rstrip() for line in lines if re.match("# (Date|Version|©)", line)]
    yield "# Letters that look like an ASCII letter; made by tools/build_confusables.py, not by hand."
    yield "# Source: https://www.unicode.org/Public/security/latest/confusables.txt"
    yield from kept
    yield "# Unicode License v3 (Unicode-3.0): https://www.unicode.org/license.txt"
    yield "# strict: UTS #39 gives this letter; loose: a small capital, or alike but for a mark or stroke."
    yield "# code\tletter\tstrength\tname"


def main() -> None:
    lines = Path(sys.argv[1]).read_text(encoding="utf-8-sig").splitlines()
    out = list(head(lines))
    for char, (letter, strength) in sorted(table(rows(lines)).items()):
        out.append(f"{ord(char):04X}\t{letter}\t{strength}\t{unicodedata.name(char)}")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
