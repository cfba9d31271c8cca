"""Mail addresses and domains in the one form in which they are compared, and what may stand for many of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Underscores are no host names, yet DKIM and DMARC names and some senders have them.
DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*")
QUOTED_PAIR = re.compile(r"\\(.)", re.S)


def to_ascii(domain: str) -> str | None:
    """The domain in lower case and A-labels (RFC 5890 §2.3); None if it cannot be a domain name."""
    domain = domain.strip().rstrip(".")
    if not domain.isascii():
        encoded = _encode(domain)
        if encoded is None:
            return None
        domain = encoded
    domain = domain.lower()
    return domain if DOMAIN.fullmatch(domain) else None


def _encode(domain: str) -> str | None:
    import idna  # noqa: PLC0415  its tables are needed by few mails

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:
        return None


def normal_address(address: str) -> str:
    """An address for comparison: lower case, no blanks, local part unquoted, domain in A-labels where it is one."""
    local, at, domain = "".join(address.split()).rpartition("@")
    if not at:
        return ""
    local = QUOTED_PAIR.sub(r"\1", local.strip('"')).lower()
    return f"{local}@{to_ascii(domain) or domain.lower()}"


def normal_pattern(text: str) -> str:
    """An address, a domain, or with a dot in front all domains below one, as names_of() gives them.

    Raises ValueError.
    """
    name = text.strip().removeprefix("@")
    local, at, domain = name.rpartition("@")
    dot = "." if not at and name.startswith(".") else ""
    ascii_domain = to_ascii(domain.removeprefix(dot))
    if ascii_domain is None or (at and not local):
        raise ValueError("write an address (anna@example.org), a domain (example.org) or all below one (.example.org)")
    return normal_address(name) if at else dot + ascii_domain


def names_of(address: str) -> Iterator[str]:
    """What may stand for an address (see normal_address), the most specific first."""
    yield address
    domain = address.rpartition("@")[2]
    yield domain
    while domain:
        _, dot, domain = domain.partition(".")
        if dot:
            yield f".{domain}"


def without_detail(address: str) -> str:
    """The address of the mailbox: "anna" of "anna+lists" (RFC 5233)."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"
