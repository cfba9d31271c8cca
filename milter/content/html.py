"""HTML to the text that a reader sees (WHATWG parsing by Lexbor), and what it hides from readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from milter.content.charset import unix_lines
from milter.content.concealment import HOLE, conceal
from milter.content.disguises import STEMS
from milter.content.tangle import branches, is_tangled, without_tags

BLOCKS = (
    "p", "div", "br", "tr", "td", "th", "li", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "table", "caption", "blockquote", "pre", "center", "section", "article", "header", "footer", "main",
    "nav", "aside", "form", "fieldset", "option", "address", "body", "html",
)  # fmt: skip
UNSEEN = "script,style,title,template,noframes,iframe,object,noembed"
APART = f"{UNSEEN},img,blockquote"
# Private-use characters that mark places while text is taken from the tree; pages lose their own.
QUOTE_OPEN, QUOTE_CLOSE = "\ue000", "\ue001"
OWN_MARKS = QUOTE_OPEN + QUOTE_CLOSE + HOLE
HOLE_IN_WORD = re.compile(f"{HOLE}(?<=[^\\W\\d_]{HOLE}){HOLE}*(?=[^\\W\\d_])")
PAYMENT = re.compile(r"\s*(?:[a-z]*coin|bitcoincash|ecash|monero|ethereum|dash|tron|ripple|zcash):", re.IGNORECASE)
LONE_CR = re.compile(r"\r(?!\n)")
TEXT_OF_ITS_OWN = re.compile(r"(?:[^\W\d_][\W\d_]*+){40}")  # hidden text of fewer letters is none
# Most other tags (a, img, span, strong, i) differ in their first two letters, and so are passed over at once.
BLOCK = re.compile(f"<(?=/?+(?![aAiIsS][ >mMpPtT]){branches(BLOCKS)})")

# glibc hands the memory of each tree back to the system, and gets it anew page by page, which takes as long as parsing,
# until a large piece was freed once (mallopt(3), M_MMAP_THRESHOLD).
bytes(4 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Page:
    """text is what is seen, quoted what stands in citations, hidden what is not seen.

    filler: something invisible stands within words. links: payment URIs that links carry. tangled: the page was not
    parsed, since that would take too long; text is all of it without tags.
    """

    text: str
    quoted: str = ""
    hidden: str = ""
    filler: bool = False
    links: tuple[str, ...] = ()
    tangled: bool = False


def read(source: str) -> Page:
    """The text of a page. Never raises."""
    if any(mark in source for mark in OWN_MARKS):
        source = re.sub(f"[{OWN_MARKS}]", "", source)
    if LONE_CR.search(source):
        source = unix_lines(source)  # the parser takes CR LF for one line end, and so would a CR before a mark be
    pieces = BLOCK.split(source)
    marked = "\n<".join(pieces)
    if is_tangled(source, len(pieces) - 1):
        return Page(without_tags(unix_lines(marked)), tangled=True)
    tree = LexborHTMLParser(marked)
    root = tree.root
    if root is None:
        return Page("")
    links = tuple(_payment_links(tree))
    sheet = _prepared(tree)
    hidden = conceal(tree, sheet)
    return _page(root.text(), hidden, links)


def _prepared(tree: LexborHTMLParser) -> str:
    """Take out what no reader sees, put in what is seen of pictures, mark citations; returns the style sheets."""
    sheets = []
    for node in tree.css(APART):
        tag = node.tag
        if tag == "img":
            if alt := node.attributes.get("alt"):
                node.insert_before(f" {alt} ")
        elif tag == "blockquote":
            node.insert_before(f"\n{QUOTE_OPEN}")
            node.insert_after(f"{QUOTE_CLOSE}\n")
        else:
            if tag == "style":
                sheets.append(node.text())
            # Not decompose: it frees the memory of elements nested in this one, which may come next.
            node.replace_with("")
    return "\n".join(sheets)


def _payment_links(tree: LexborHTMLParser) -> Iterator[str]:
    for link in tree.css('a[href]:not([href^="http"])'):
        target = link.attributes.get("href") or ""
        if PAYMENT.match(target):
            yield target


def _page(text: str, hidden: list[str], links: tuple[str, ...]) -> Page:
    own, quoted = _parted(text) if QUOTE_OPEN in text else (text, "")
    filler = False
    if HOLE in text:
        filler = _fills_words(text)
        own, quoted = own.replace(HOLE, ""), quoted.replace(HOLE, "")
    unseen = " ".join(hidden)
    return Page(own, quoted, unseen if TEXT_OF_ITS_OWN.search(unseen) else "", filler, links)


def _parted(text: str) -> tuple[str, str]:
    """Own text and text within citations."""
    kept: tuple[list[str], list[str]] = ([], [])
    depth = 0
    for piece in re.split(f"([{QUOTE_OPEN}{QUOTE_CLOSE}])", text):
        if piece == QUOTE_OPEN:
            depth += 1
        elif piece == QUOTE_CLOSE:
            depth = max(0, depth - 1)
        else:
            kept[depth > 0].append(piece)
    return "\n".join(kept[0]), "\n".join(kept[1])


def _fills_words(text: str) -> bool:
    """Whether hidden things part words: several, or one whose removal uncovers a word of the crime."""
    holes = len(HOLE_IN_WORD.findall(text))
    if holes != 1:
        return holes > 1
    lower = text.lower()
    return len(STEMS.findall(lower.replace(HOLE, ""))) > len(STEMS.findall(lower))
