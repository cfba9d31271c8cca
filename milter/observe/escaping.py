"""Texts of strangers in the log: none may end a line, move the cursor of a terminal or pass for another field."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DELIMITERS = re.compile(r'[<>"\\]')


def plain(text: str) -> str:
    """The text in printable ASCII; what is none stands as a backslash and a code."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROL.sub(_coded, text).encode("ascii", "backslashreplace").decode("ascii")


def enclosed(text: str) -> str:
    """The same, and nothing in it ends the <> or quotes around it."""
    return _DELIMITERS.sub(_coded, text)


def _coded(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"
