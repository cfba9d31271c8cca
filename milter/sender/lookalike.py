"""Domains that look like another: the same letters to the eye (UTS #39 §4), or one keystroke away."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from milter.content.lookalikes import as_latin
from milter.sender.domains import is_within, organisational, to_unicode

# In shorter names one keystroke leads to somebody else.
MIN_TYPO = 5
SHAPES = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"))


@lru_cache(maxsize=4096)
def resembled(domain: str, own: tuple[str, ...]) -> str | None:
    """The domain of ours that this foreign one (in A-labels) looks like; None if it is ours, or like none."""
    if not (domain and own) or any(is_within(domain, one) for one in own):
        return None
    shown = to_unicode(organisational(domain))
    return next((one for one in own if _alike(shown, to_unicode(organisational(one)))), None)


def _alike(shown: str, ours: str) -> bool:
    if shown == ours:
        return False
    return skeleton(shown) == skeleton(ours) or (len(ours.partition(".")[0]) >= MIN_TYPO and is_typo(shown, ours))


@lru_cache(maxsize=4096)
def skeleton(name: str) -> str:
    """What the eye makes of a name: Latin letters without marks for all that look so, one shape for look-alikes."""
    name = unicodedata.normalize("NFKC", name)
    name = ".".join(as_latin(label) or label for label in name.split("."))
    name = "".join(char for char in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(char))
    for parts, whole in SHAPES:
        name = name.replace(parts, whole)
    return name


def is_typo(one: str, other: str) -> bool:
    """Whether one change, insertion, omission or swap of neighbours leads from one name to the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
    return a[1:] == b or a == b[1:]
