"""HTML that would keep a parser busy for minutes or fill its memory, told before it is parsed.

The rules of HTML parsing copy unclosed formatting elements into each block that follows (WHATWG §13.2.4.3), look
through all open elements at many tags, and compare each attribute with those before it: small pages can cost squares.
"""

from __future__ import annotations

import re
from collections import Counter
from html import unescape

FORMATTING = {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "wbr"}
ONCE = {"html", "body"}  # a second one adds its attributes to the first
TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
MARKUP = re.compile(r"<[^<>]*+>")
# Open elements times tags: about 0.1 s and 100 MB of the parser.
MOST_COPIES = 400_000
MOST_VISITS = 10_000_000
STRIDE = 4000  # a tag longer than twice this …
MOST_BLANKS = 400  # … with more blanks than this in that much of it has too many attributes


def is_tangled(source: str, blocks: int) -> bool:
    """Whether a page costs a parser too much. blocks: how many of its tags are those of block elements."""
    tags = source.count("<")
    if tags * (tags - blocks) > MOST_COPIES or tags * tags > MOST_VISITS:
        formatting, depth = _deepest(source)
        if formatting * tags > MOST_COPIES or depth * tags > MOST_VISITS:
            return True
    return any(_crowded(source, at) for at in range(0, len(source) - STRIDE, STRIDE))


def _deepest(source: str) -> tuple[int, int]:
    """How many formatting elements, and how many elements, are open at once."""
    still: Counter[str] = Counter()
    formatting = depth = most_formatting = most = 0
    for closing, name in TAG.findall(source):
        tag = name.lower()
        if tag in VOID:
            continue
        step = -1 if closing else 1
        if closing and (tag in ONCE or not still[tag]):
            continue
        still[tag] += step
        depth += step
        if tag in FORMATTING:
            formatting += step
            most_formatting = max(most_formatting, formatting)
        most = max(most, depth)
    return most_formatting, most


def _crowded(source: str, at: int) -> bool:
    """Whether a stride of the page lies within one tag and is full of blanks, as between attributes."""
    if source.find(">", at, at + STRIDE) >= 0:
        return False
    inside = source.rfind("<", 0, at) > source.rfind(">", 0, at)
    return inside and len(source[at : at + STRIDE].split(None, MOST_BLANKS)) > MOST_BLANKS


def without_tags(source: str) -> str:
    """The text of a page that is not to be parsed: without tags, entities read."""
    return unescape(MARKUP.sub("", source))
