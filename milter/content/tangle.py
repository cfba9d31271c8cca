"""HTML that would keep a parser busy for minutes or fill its memory, told before it is parsed.

The rules of HTML parsing copy unclosed formatting elements into each block that follows (WHATWG §13.2.4.3), look
through all open elements at many tags, and compare each attribute with those before it: small pages can cost squares.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from html import unescape

# Formatting elements that may be open several times at once; a new <a> or <nobr> closes the one before.
FORMATTING = ("b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "wbr"}
ONCE = {"html", "body"}  # a second one adds its attributes to the first
SAME_AT_ONCE = 3  # elements with the same attributes that are copied


def branches(names: Iterable[str]) -> str:
    """A regular expression of tag names in any case that decides letter by letter, which is twice as fast as a list."""
    tails: dict[str, list[str]] = {}
    for name in names:
        tails.setdefault(name[:1], []).append(name[1:])
    choices = [f"[{head}{head.upper()}]{branches(rest)}" if head else r"(?=[\s/>])" for head, rest in tails.items()]
    return choices[0] if len(choices) == 1 else f"(?:{'|'.join(choices)})"


FORMATTING_TAG = re.compile(f"<(?=[bceifstuBCEIFSTU]){branches(FORMATTING)}[^>]*")
TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
MARKUP = re.compile(r"<[^<>]*+>")
# Elements times tags: about 0.1 s and 100 MB of the parser.
MOST_COPIES = 400_000
MOST_VISITS = 10_000_000
STRIDE = 4000  # a tag longer than twice this …
MOST_BLANKS = 400  # … with more blanks than this in that much of it has too many attributes


def is_tangled(source: str, blocks: int) -> bool:
    """Whether a page costs a parser too much. blocks: how many of its tags are those of block elements."""
    tags = source.count("<")
    if tags * (tags - blocks) > MOST_COPIES:
        copied = SAME_AT_ONCE * len(set(FORMATTING_TAG.findall(source)))
        if copied * tags > MOST_COPIES and _deepest(source, set(FORMATTING)) * tags > MOST_COPIES:
            return True
    if tags * tags > MOST_VISITS and _deepest(source, None) * tags > MOST_VISITS:
        return True
    return _crowded(source)


def _deepest(source: str, names: set[str] | None) -> int:
    """How many elements of these names (None: of any) are open at once."""
    still: Counter[str] = Counter()
    depth = most = 0
    for closing, name in TAG.findall(source):
        tag = name.lower()
        if tag in VOID or (names is not None and tag not in names):
            continue
        if not closing:
            still[tag] += 1
            depth += 1
            most = max(most, depth)
        elif still[tag] and tag not in ONCE:
            still[tag] -= 1
            depth -= 1
    return most


def _crowded(source: str) -> bool:
    """Whether a stride of the page lies within one tag and is full of blanks, as between attributes."""
    inside = False
    for at in range(0, len(source) - STRIDE, STRIDE):
        closed = source.rfind(">", at, at + STRIDE)
        if inside and closed < 0 and len(source[at : at + STRIDE].split(None, MOST_BLANKS)) > MOST_BLANKS:
            return True
        opened = source.rfind("<", at, at + STRIDE)
        if opened != closed:
            inside = opened > closed
    return False


def without_tags(source: str) -> str:
    """The text of a page that is not to be parsed: without tags, entities read."""
    return unescape(MARKUP.sub("", source))
