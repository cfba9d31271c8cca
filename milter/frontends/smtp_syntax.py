"""The arguments of MAIL, RCPT, XFORWARD and XCLIENT: taken apart, kept as written."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from milter.actions.nexthop import Reply, extension_of

# www.postfix.org/XFORWARD_README.html
XFORWARD_ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")
# www.postfix.org/XCLIENT_README.html
XCLIENT_ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")
TOO_LARGE = (552, "5.3.4 Message is too large")
# RFC 5321 §4.5.3.1.10: the client sends the mail to this recipient again.
ANOTHER_POLICY = (452, "4.5.3 This recipient has settings of its own, please send it a copy of its own")
UNKNOWN = {"[UNAVAILABLE]", "[TEMPUNAVAIL]"}

# A quoted local part may hold spaces and brackets (RFC 5321 §4.1.2).
_PATH = re.compile(r'\s*(<(?:"(?:[^"\\]|\\.)*"|[^<>"\s])*>)\s*(.*)', re.DOTALL)
_BARE = re.compile(r"\s*([^<>\s]+)\s*(.*)", re.DOTALL)
_ROUTE = re.compile(r"@[^:]*:")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s=\x00-\x1f\x7f]+))?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_XTEXT_HEX = re.compile(rb"\+([0-9A-F]{2})")


class RefusedError(Exception):
    """A command of the client is answered with this reply."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.reply = Reply(code, (text,))


class Path(NamedTuple):
    """A reverse or forward path: as written, as plain address without brackets and source route, parameters."""

    path: str
    address: str
    parameters: Mapping[str, str]
    parameters_as_written: tuple[str, ...]


def parse_path(argument: str | None, keyword: str) -> Path:
    """Take "FROM:<a@b> X=y" or "TO:<a@b>" apart. Raises RefusedError."""
    if argument is None or argument[: len(keyword)].upper() != keyword:
        raise RefusedError(501, f"5.5.4 Syntax: {keyword}<address>")
    rest = argument[len(keyword) :]
    if _CONTROL.search(rest):
        raise RefusedError(501, "5.5.4 Control characters in the argument")
    if found := _PATH.fullmatch(rest):
        path, text = found.groups()
    elif found := _BARE.fullmatch(rest):
        # Old clients leave the brackets out.
        path, text = f"<{found[1]}>", found[2]
    else:
        raise RefusedError(501, "5.5.4 Malformed address")
    address = path[1:-1]
    if address.startswith("@"):
        address = _ROUTE.sub("", address, count=1)
    words = tuple(text.split())
    return Path(path, address, _parameters(words), words)


def _parameters(words: tuple[str, ...]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for word in words:
        found = _PARAMETER.fullmatch(word)
        if not found:
            raise RefusedError(501, "5.5.4 Malformed parameter")
        name = found[1].upper()
        if name in parameters:
            raise RefusedError(501, f"5.5.4 {name} is given twice")
        parameters[name] = found[2] or ""
    return parameters


def check_parameters(path: Path, offered: Container[str], max_size: int) -> None:
    """Refuse parameters that were not offered, have a value that their RFC does not know, or promise too much."""
    if "SMTPUTF8" in path.parameters and "SMTPUTF8" not in offered:
        # RFC 6531 §3.5
        raise RefusedError(550, "5.6.7 The next hop takes no internationalized mail (SMTPUTF8)")
    if any(extension_of(word) not in offered for word in path.parameters_as_written):
        raise RefusedError(555, "5.5.4 Parameter is not offered here")
    if path.parameters.get("BODY", "7BIT").upper() not in {"7BIT", "8BITMIME"}:
        raise RefusedError(501, "5.5.4 BODY is 7BIT or 8BITMIME")
    size = path.parameters.get("SIZE", "0")
    # RFC 1870 §3: up to 20 digits.
    if not (size.isascii() and size.isdigit() and len(size) <= 20):
        raise RefusedError(501, "5.5.4 SIZE is a number")
    if int(size) > max_size:
        raise RefusedError(*TOO_LARGE)


def parse_attributes(argument: str | None, command: str, known: Container[str]) -> dict[str, str]:
    """Attributes of an XFORWARD or XCLIENT command, values as written. Raises RefusedError."""
    attributes: dict[str, str] = {}
    for word in (argument or "").split():
        name, equals, value = word.partition("=")
        name = name.upper()
        if name not in known or not equals or not value.isascii() or _CONTROL.search(value):
            raise RefusedError(501, f"5.5.4 Bad {command} attribute")
        if name in {"ADDR", "DESTADDR"}:
            _check_address(xtext(value), command)
        attributes[name] = value
    if not attributes:
        raise RefusedError(501, f"5.5.4 Syntax: {command} attribute=value...")
    return attributes


def xtext(value: str) -> str:
    """Decode xtext (RFC 3461 §4); what is known to be unknown becomes ""."""
    if value.upper() in UNKNOWN:
        return ""
    raw = _XTEXT_HEX.sub(lambda found: bytes([int(found[1], 16)]), value.encode("ascii", "replace"))
    return _CONTROL.sub("?", raw.decode("utf-8", "replace"))


def client_address(value: str) -> str:
    """An IP address as XFORWARD writes it ("IPV6:" before IPv6), in plain form; "" if unknown."""
    text = xtext(value)
    return text[5:] if text[:5].upper() == "IPV6:" else text


def _check_address(text: str, command: str) -> None:
    if not text:
        return
    try:
        ip_address(client_address(text))
    except ValueError:
        raise RefusedError(501, f"5.5.4 Bad {command} address") from None
