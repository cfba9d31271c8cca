"""Inline style sheets, as far as they decide whether text can be seen (CSS 2.2, CSS Color 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
NEAR = 16  # channels that differ by this much of 255 at most cannot be told apart
NAMED: dict[str, Colour] = {
    "white": WHITE, "black": (0, 0, 0), "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255),
    "yellow": (255, 255, 0), "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192),
    "whitesmoke": (245, 245, 245), "snow": (255, 250, 250), "ivory": (255, 255, 240), "navy": (0, 0, 128),
    "ghostwhite": (248, 248, 255), "floralwhite": (255, 250, 240), "azure": (240, 255, 255),
}  # fmt: skip
DECLARATION = re.compile(
    r"(?:^|[;\s])(display|visibility|opacity|font-size|font|color|background(?:-color|-image)?|max-height|height"
    r"|max-width|width|overflow|text-indent|left|top)\s*:\s*([^;]*)"
)
FLAT = ("max-height", "height", "max-width", "width")
AWAY = ("text-indent", "left", "top")
NUMBER = re.compile(r"-?\d*\.?\d+")
HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})(?:[0-9a-f]{2}|[0-9a-f])?\b")
RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+([\d.]+%?))?")
LONG = 1000  # characters of a style that is not remembered
TINY = {"px": 1.5, "pt": 1.2, "em": 0.12, "rem": 0.12, "%": 12.0, "": 0.5}
SIZE = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|)")


class Look(NamedTuple):
    """What one element's own style says; None: nothing, so that it is inherited. A painted background is unknown."""

    gone: bool = False
    tiny: bool | None = None
    unseen: bool | None = None
    colour: Colour | None = None
    background: Colour | None = None
    painted: bool = False

    @property
    def hides(self) -> bool:
        return bool(self.gone or self.tiny or self.unseen)


ORDINARY = Look()
GONE = Look(gone=True)


def look(style: str, bgcolor: str = "", font_color: str = "") -> Look:
    """Read a style attribute, and the attributes of HTML 3.2 that it goes before."""
    short = len(style) + len(bgcolor) + len(font_color) < LONG
    return (_remembered if short else _read)(style, bgcolor, font_color)


def _read(style: str, bgcolor: str, font_color: str) -> Look:
    found = {name: value.strip() for name, value in DECLARATION.findall(style.lower())}
    if not found and not bgcolor and not font_color:
        return ORDINARY
    background = found.get("background-color", found.get("background", ""))
    transparent = found.get("color", "").startswith(("transparent", "rgba(0,0,0,0)"))
    return Look(
        gone=_gone(found),
        tiny=_tiny(found.get("font-size", found.get("font", ""))),
        unseen=True if transparent else _unseen(found.get("visibility")),
        colour=colour(found.get("color", "")) or colour(font_color),
        background=colour(background) or colour(bgcolor),
        painted="url(" in background or "gradient" in background or "background-image" in found,
    )


_remembered = lru_cache(4096)(_read)


def _gone(found: dict[str, str]) -> bool:
    """Whether the element and all in it is out of sight."""
    if found.get("display", "").startswith("none") or _number(found.get("opacity")) in (0.0, 0.01):
        return True
    if _number(found.get("max-height")) == 0.0 or any((_number(found.get(side)) or 0) < -400 for side in AWAY):
        return True
    clipped = found.get("overflow", "").startswith("hidden")
    return clipped and any(_number(found.get(side)) in (0.0, 1.0) for side in FLAT)


def _number(value: str | None) -> float | None:
    number = NUMBER.match(value) if value else None
    return float(number[0]) if number else None


def _tiny(value: str) -> bool | None:
    """Whether letters are too small to read; "font: 0/0 a" counts, too."""
    size = SIZE.search(value)
    return float(size[1]) <= TINY[size[2]] if size else None


def _unseen(visibility: str | None) -> bool | None:
    return None if visibility is None else visibility.startswith(("hidden", "collapse"))


def colour(value: str) -> Colour | None:
    """A CSS or HTML colour as red, green, blue; None if there is none or it is not known."""
    if not value:
        return None
    value = value.strip().lower()
    if (digits := HEX.search(value)) is not None:
        wide = digits[1] if len(digits[1]) == 6 else "".join(digit * 2 for digit in digits[1])
        return int(wide[:2], 16), int(wide[2:4], 16), int(wide[4:], 16)
    if (rgb := RGB.search(value)) is not None:
        return _channel(rgb[1]), _channel(rgb[2]), _channel(rgb[3])
    first = value.split(None, 1)[0] if value else ""
    return NAMED.get(first)


def _channel(digits: str) -> int:
    return int(min(float(digits), 255))  # int() refuses thousands of digits


def near(one: Colour, other: Colour) -> bool:
    (red, green, blue), (r, g, b) = one, other
    return abs(red - r) <= NEAR and abs(green - g) <= NEAR and abs(blue - b) <= NEAR


HIDING = re.compile(r"display|visibility|opacity|font-size|max-height|text-indent")
SIMPLE = re.compile(r"[\w.#,>\s-]{1,200}")
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
STEP = re.compile(r"[^\s,>]+")
MOST_STEPS = 50  # names in all selectors; each is sought on the whole page


def hiding_selectors(sheet: str) -> list[str]:
    """Selectors of a <style> sheet that take text out of sight."""
    found: list[str] = []
    steps = 0
    for selector, declarations in _rules(sheet):
        if HIDING.search(declarations) and SIMPLE.fullmatch(selector) and look(declarations).hides:
            steps += len(STEP.findall(selector))
            if steps > MOST_STEPS:
                break
            found.append(selector)
    return found


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations outside of blocks that hold for some screens only (@media)."""
    selector, depth = "", 0
    for block in COMMENT.sub("", sheet).split("}"):
        *outer, declarations = block.split("{")
        if depth == 0 and len(outer) == 1:
            selector = outer[0].strip()
            if not selector.startswith("@"):
                yield selector, declarations
        depth = max(0, depth + len(outer) - 1)
