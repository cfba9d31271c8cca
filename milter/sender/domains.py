"""Domain names as mail has them: A-labels for the DNS, U-labels for the eye, and who they belong to."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from milter.addresses import to_ascii

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def to_unicode(domain: str) -> str:
    """The domain as a reader sees it; labels that are no valid Punycode stay as they are."""
    return ".".join(_label(label) for label in domain.lower().split("."))


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


@lru_cache(maxsize=4096)
def organisational(domain: str) -> str:
    """The registered domain above it by the public suffix list; the domain itself if it is a suffix or unknown."""
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415  reading the list takes 90 ms

    return PublicSuffixList()


def is_within(domain: str, parent: str) -> bool:
    """Whether the domain is parent or lies below it."""
    return domain == parent or domain.endswith(f".{parent}")


def domain_of(address: str) -> str | None:
    """The domain of a mail address in A-labels; None if it has none."""
    return to_ascii(address.rpartition("@")[2]) if "@" in address else None
