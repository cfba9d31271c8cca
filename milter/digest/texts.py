"""What strangers wrote, made harmless for a mail or a page of ours."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 150
SCHEME = re.compile(r"\b(h)tt(ps?)\b", re.IGNORECASE)
# A dot in a host name, not one in a number or at the end of a sentence.
DOT = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_]{2})")


def printable(text: str) -> str:
    """One line, without control characters, marks of direction and other invisible ones."""
    kept = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text)
    line = " ".join("".join(c for c in kept if unicodedata.category(c) not in {"Cf", "Cs", "Co", "Cn"}).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def defanged(text: str) -> str:
    """The same, with addresses and links that no program makes live: hxxps://example[.]org, anna[at]example[.]org."""
    return DOT.sub("[.]", SCHEME.sub(r"\1xx\2", printable(text))).replace("@", "[at]")
