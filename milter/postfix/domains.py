"""The domains that Postfix takes mail for, read from its own settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from milter.addresses import to_ascii

PARAMETERS = ("mydestination", "virtual_mailbox_domains", "relay_domains")
# type:name of a look-up table, or a file of patterns (postconf(5), mydestination); inline tables may hold blanks.
ITEM = re.compile(r"[a-z][a-z0-9_-]*:\{[^}]*\}|[^\s,]+")


@dataclass(frozen=True, slots=True)
class PostfixDomains:
    """domains: those named outright; tables: look-up tables that may name more, as Postfix writes them."""

    domains: tuple[str, ...]
    tables: tuple[str, ...]


def read_postconf(run: Callable[[Sequence[str]], str]) -> PostfixDomains:
    """Ask Postfix for its domains. run: runs a command and returns its output."""
    domains: dict[str, None] = {}
    tables: dict[str, None] = {}
    # -x expands $myhostname and its like, -h leaves out the names.
    for item in ITEM.findall(run(["postconf", "-xh", *PARAMETERS])):
        if ":" in item or item.startswith("/"):
            tables[item] = None
        elif (domain := to_ascii(item)) and "." in domain and not domain.endswith(".localdomain"):
            domains[domain] = None
    return PostfixDomains(tuple(domains), tuple(tables))
