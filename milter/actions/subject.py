"""The word of warning before a subject, once."""

from __future__ import annotations

import base64
import re
from functools import cache

from milter.actions.headers import FOLD_AT
from milter.content.headers import decode_value
from milter.i18n import LANGUAGES
from milter.reason import subject_tag

# Of a longer subject the beginning tells enough.
LOOKED_AT = 500
# "Re:", "AW:", "Antw:", "SV[2]:", "回复：", "[list]": words that programs put in front of a subject.
IN_FRONT = r"\s*(?:(?:\[[^\[\]]{1,60}\]|[^\s:：\[\]]{1,20}(?:\s?\[\d{1,3}\])?\s?[:：])\s*)*?"
BLANKS = re.compile(r"\s+")


def tagged(line: bytes, language: str) -> bytes:
    """A Subject field, folds and line end included, with the tag in front of its value, which stays as it is.

    The same object if a tag in any of the languages stands there already, perhaps behind "Re:" and the like.
    """
    name, _, value = line.partition(b":")
    if _any_tag().match(BLANKS.sub(" ", decode_value(value)[:LOOKED_AT])):
        return line
    rest = value.lstrip(b" \t\r\n")
    line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    head = name + b": " + _encoded(subject_tag(language), before_word=rest.startswith(b"=?"))
    if not rest:
        return head + line_end
    first = rest.partition(b"\n")[0].rstrip(b"\r")
    return head + (b" " if len(head) + 1 + len(first) <= FOLD_AT else line_end + b" ") + rest


def _encoded(tag: str, *, before_word: bool) -> bytes:
    """The tag as it stands in a field; blanks between two encoded words would not be shown (RFC 2047 §6.2)."""
    if tag.isascii():
        return tag.encode()
    text = tag + " " if before_word else tag
    return b"=?utf-8?b?" + base64.b64encode(text.encode()) + b"?="


@cache
def _any_tag() -> re.Pattern[str]:
    tags = "|".join(re.escape(BLANKS.sub(" ", subject_tag(language))) for language in LANGUAGES)
    return re.compile(f"{IN_FRONT}(?:{tags})", re.IGNORECASE)
