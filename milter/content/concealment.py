"""The elements of a page whose text no reader sees."""

from __future__ import annotations

import re
from typing import TypeVar

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from milter.content.looks import GONE, WHITE, Look, hiding_selectors, look, near

HOLE = "\ue002"  # stands for hidden text
MANY_LOOKS = 200  # more than these on one page are not compared with each other
CHILD = re.compile(r"\s*>\s*")
T = TypeVar("T")


def conceal(tree: LexborHTMLParser, sheet: str) -> list[str]:
    """Replace what is out of sight by holes; returns the texts that stood there, in order. sheet: all of <style>."""
    nodes = tree.css("[style],[bgcolor],[hidden],font[color]")
    looks = _looks_of(nodes)
    suspects = _suspects(set(looks))
    by_sheet = {node.mem_id: node for selector in hiding_selectors(sheet) for node in _selected(tree, selector)}
    if not suspects and not by_sheet:
        return []
    concealment = _Concealment({node.mem_id: own for node, own in zip(nodes, looks, strict=True)})
    for node, own in zip(nodes, looks, strict=True):
        if own in suspects and (own.hides or concealment.melts(node, own)):
            concealment.remove(node, own)
    for node in by_sheet.values():
        concealment.remove(node, GONE)
    return concealment.hidden


def _looks_of(nodes: list[LexborNode]) -> list[Look]:
    """The look that each element's own attributes give it; many elements of a page have the same ones."""
    looks = []
    known: dict[tuple[str | None, ...], Look] = {}
    for node in nodes:
        attributes = node.attributes
        color = attributes.get("color")
        key = (attributes.get("style"), attributes.get("bgcolor"), color if color and node.tag == "font" else None)
        own = GONE if "hidden" in attributes else known.get(key)
        if own is None:
            own = known[key] = look(*(value or "" for value in key))
        looks.append(own)
    return looks


def _suspects(looks: set[Look]) -> set[Look]:
    """The looks of a page that hide text, or may hide it as its background has about the same colour."""
    grounds = {own.background for own in looks if own.background} | {WHITE}
    return {
        own
        for own in looks
        if own.hides
        or (own.colour and (len(looks) > MANY_LOOKS or any(near(own.colour, ground) for ground in grounds)))
    }


def _selected(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """The elements that a selector means, if it is a valid one (Selectors 4)."""
    try:
        return [node for path in selector.split(",") for node in _at_end(tree, path)]
    except SelectolaxError:
        return []


def _at_end(tree: LexborHTMLParser, path: str) -> list[LexborNode]:
    """The elements at the end of a path like "p.a > b i", step by step.

    The library goes each way up the tree instead, for hours where elements of the same name are nested.
    """
    first, *steps = CHILD.sub(" >", path).split() or [""]
    found = tree.css(first)
    for step in steps:
        within = dict.fromkeys((node.mem_id for node in found), True)
        found = [node for node in tree.css(step.removeprefix(">")) if _is_in(node.parent, within, step[0] == ">")]
    return found


def _is_in(outer: LexborNode | None, within: dict[int, bool], directly: bool) -> bool:
    if outer is None:
        return False
    return within.get(outer.mem_id, False) if directly else _inherited(outer, within, False)


class _Concealment:
    """Takes hidden text out of a page whose elements have these looks."""

    def __init__(self, looks: dict[int, Look]) -> None:
        self.looks = looks
        self.hidden: list[str] = []
        self.done: set[int] = set()
        self.grounds = {key: own.background for key, own in looks.items() if own.background or own.painted}

    def melts(self, node: LexborNode, own: Look) -> bool:
        """Whether text has about the colour behind it: that of the nearest element that has one, if no picture."""
        ground = _inherited(node, self.grounds, WHITE)
        return own.colour is not None and ground is not None and near(own.colour, ground)

    def remove(self, node: LexborNode, own: Look) -> None:
        """Take out the text of a node, but for elements in it that come into sight again by their own style."""
        way = [iter([node])]
        while way:
            for at in way[-1]:
                if at.is_text_node:
                    self.hide(at)
                elif at.mem_id not in self.done and (at is node or own.gone or not self.shown(at, own)):
                    self.done.add(at.mem_id)
                    way.append(iter(list(at.iter(include_text=True, skip_empty=True))))
                    break
            else:
                way.pop()

    def hide(self, text: LexborNode) -> None:
        content = text.text_content or ""
        if content and not content.isspace():
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


def _inherited(node: LexborNode, known: dict[int, T], default: T) -> T:
    """What is known of the nearest element from a node outwards, which then is known of all on the way."""
    at: LexborNode | None = node
    passed = []
    while at is not None and at.mem_id not in known:
        passed.append(at.mem_id)
        at = at.parent
    value = default if at is None else known[at.mem_id]
    known.update(dict.fromkeys(passed, value))
    return value
