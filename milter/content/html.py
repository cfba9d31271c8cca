"""HTML to the text that a reader sees (WHATWG parsing by Lexbor), and what it hides from readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from milter.content.disguises import STEMS
from milter.content.looks import GONE, WHITE, Colour, Look, hiding_selectors, look, near
from milter.content.tangle import branches, is_tangled, without_tags

BLOCKS = (
    "p", "div", "br", "tr", "td", "th", "li", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "table", "caption", "blockquote", "pre", "center", "section", "article", "header", "footer", "main",
    "nav", "aside", "form", "fieldset", "option", "address", "body", "html",
)  # fmt: skip
UNSEEN_TAGS = ("script", "style", "title", "template", "noframes", "iframe", "object", "noembed")
# Private-use characters that mark places while text is taken from the tree; pages lose their own.
QUOTE_OPEN, QUOTE_CLOSE, HOLE = "\ue000", "\ue001", "\ue002"
OWN_MARKS = str.maketrans("", "", QUOTE_OPEN + QUOTE_CLOSE + HOLE)
HOLE_IN_WORD = re.compile(f"[^\\W\\d_]{HOLE}+(?=[^\\W\\d_])")
PAYMENT = re.compile(r"\s*(?:[a-z]*coin|bitcoincash|ecash|monero|ethereum|dash|tron|ripple|zcash):", re.IGNORECASE)
TEXT_OF_ITS_OWN = re.compile(r"(?:[^\W\d_][\W\d_]*+){40}")  # hidden text of fewer letters is none


BLOCK = re.compile(f"<(?=/?{branches(BLOCKS)})")


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
    source = source.translate(OWN_MARKS) if re.search(f"[{QUOTE_OPEN}-{HOLE}]", source) else source
    marked, blocks = BLOCK.subn("\n<", source)
    if is_tangled(source, blocks):
        return Page(without_tags(marked), tangled=True)
    tree = LexborHTMLParser(marked)
    root = tree.root
    if root is None:
        return Page("")
    links = tuple(_payment_links(tree))
    sheet = "\n".join(node.text() for node in tree.tags("style"))
    for name in UNSEEN_TAGS:
        for node in tree.tags(name):
            # Not decompose: it frees the memory of elements nested in this one, which may come next.
            node.replace_with("")
    for image in tree.tags("img"):
        if alt := image.attributes.get("alt"):
            image.insert_before(f" {alt} ")
    for quote in tree.tags("blockquote"):
        quote.insert_before(f"\n{QUOTE_OPEN}")
        quote.insert_after(f"{QUOTE_CLOSE}\n")
    hidden = _Concealment(tree).remove(sheet)
    return _page(root.text(), hidden, links)


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


class _Concealment:
    """Finds the elements of a page whose text no reader sees, and takes them out."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self.tree = tree
        self.looks: dict[int, Look] = {}
        self.hidden: list[str] = []
        self.done: set[int] = set()
        self.grounds: dict[int, Colour | None] = {}

    def remove(self, sheet: str) -> list[str]:
        """Replace what is out of sight by holes; returns the texts that stood there, in order."""
        nodes = self.tree.css("[style],[bgcolor],[hidden],font[color]")
        for node in nodes:
            self.looks[node.mem_id] = _own_look(node)
        by_sheet = [node for selector in hiding_selectors(sheet) for node in self.select(selector)]
        backgrounds = {own.background for own in self.looks.values() if own.background} | {WHITE}
        colours = {own.colour for own in self.looks.values() if own.colour}
        doubtful = {text for text in colours if any(near(text, ground) for ground in backgrounds)}
        for node in nodes:
            own = self.looks[node.mem_id]
            if own.gone or own.tiny or own.unseen:
                self.conceal(node, own)
            elif own.colour in doubtful:
                ground = self.background(node)
                if own.colour and ground and near(own.colour, ground):
                    self.conceal(node, own)
        for node in by_sheet:
            self.conceal(node, GONE)
        return self.hidden

    def select(self, selector: str) -> list[LexborNode]:
        try:
            return self.tree.css(selector)
        except SelectolaxError:
            return []

    def background(self, node: LexborNode) -> Colour | None:
        """The colour behind a node's text: that of the nearest element that has one; None behind a picture."""
        at: LexborNode | None = node
        passed = []
        ground: Colour | None = WHITE
        while at is not None:
            key = at.mem_id
            own = self.looks.get(key)
            if key in self.grounds:
                ground = self.grounds[key]
                break
            passed.append(key)
            if own is not None and (own.background or own.painted):
                ground = own.background
                break
            at = at.parent
        self.grounds.update(dict.fromkeys(passed, ground))
        return ground

    def conceal(self, node: LexborNode, own: Look) -> None:
        """Take out the text of a node, but for elements in it that come into sight again by their own style."""
        waiting = [node]
        while waiting:
            at = waiting.pop()
            if at.mem_id in self.done:
                continue
            self.done.add(at.mem_id)
            for child in list(at.iter(include_text=True)):
                if child.is_text_node:
                    self.hide(child)
                elif own.gone or not self.shown(child, own):
                    waiting.append(child)

    def hide(self, text: LexborNode) -> None:
        content = text.text(deep=False) or ""
        if content.strip():
            self.hidden.append(content)
            text.replace_with(HOLE)

    def shown(self, node: LexborNode, outer: Look) -> bool:
        own = self.looks.get(node.mem_id)
        if own is None:
            return False
        if outer.tiny:
            return own.tiny is False
        if outer.unseen:
            return own.unseen is False
        return own.colour is not None or own.background is not None or own.painted


def _own_look(node: LexborNode) -> Look:
    """The look that an element's attributes give it."""
    attributes = node.attributes
    if "hidden" in attributes:
        return GONE
    font_color = attributes.get("color") if node.tag == "font" else None
    return look(attributes.get("style") or "", attributes.get("bgcolor") or "", font_color or "")
