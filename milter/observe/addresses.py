"""How addresses of people stand in the log: in full, as a code, or only as their domain (`log_addresses`)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import Literal

from milter.addresses import normal_address

How = Literal["full", "hashed", "domain"]
CODE_DIGITS = 12
_ADDRESS = re.compile(r"[^\s<>\"'(),;:=]+@[^\s<>\"'(),;:=@]+")


def shown_by(how: How, key: bytes) -> Callable[[str], str]:
    """An address as it may be shown; "" stays so. key is that of the codes."""
    if how == "full":
        return str
    if how == "domain":
        return lambda address: "@" + address.rpartition("@")[2] if "@" in address else "@" if address else ""

    def code(address: str) -> str:
        if not address:
            return ""
        known = (normal_address(address) or address.lower()).encode("utf-8", "surrogateescape")
        return hmac.digest(key, known, "sha256").hex()[:CODE_DIGITS]

    return code


def in_text(text: str, shown: Callable[[str], str]) -> str:
    """A text with each address in it as it may be shown."""
    if shown is str or "@" not in text:
        return text
    return _ADDRESS.sub(lambda found: shown(found[0]), text)
