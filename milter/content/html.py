"""HTML to the text that a reader sees (WHATWG parsing by Lexbor), and what it hides."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

BLOCK = re.compile(
    r"<(?=/?(?:p|div|br|tr|td|th|li|ul|ol|dl|dt|dd|h[1-6]|hr|table|blockquote|pre|center|section|article|header"
    r"|footer|form|option|title|body)\b)",
    re.IGNORECASE,
)
UNSEEN = "script,style,head,title,noscript,template,noframes,iframe,object,svg"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows, what it cites, and what it hides."""

    text: str
    quoted: str = ""
    hidden: str = ""
    filler: bool = False


def read(html: str) -> Page:
    """Never raises."""
    tree = LexborHTMLParser(BLOCK.sub("\n<", html))
    for node in tree.css(UNSEEN):
        node.decompose()
    return Page(tree.root.text() if tree.root else "")
