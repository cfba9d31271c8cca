"""Addresses of sockets, and of the places where mail goes, as they are written in settings."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

# sun_path of unix(7) has 108 bytes, a closing NUL among them.
MAX_UNIX_PATH = 107
# Who listens on every address of a machine is reached there on loopback.
REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}
HOST_PORT = re.compile(r"^(?:\[(?P<ip6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]/]+)):(?P<port>\d{1,5})$")


class Address(BaseModel):
    """A TCP address; port 0 asks the kernel for a free one."""

    model_config = ConfigDict(frozen=True)
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reached_at(self) -> Address:
        """Where a client on this machine reaches who listens here."""
        return Address(host=REACHED_AT.get(self.host, self.host), port=self.port)


class UnixAddress(BaseModel):
    """A Unix socket."""

    model_config = ConfigDict(frozen=True)
    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


Endpoint = Address | UnixAddress


def address_of_host(host: str) -> IPv4Address | IPv6Address:
    """An IP address as a socket names it, without its zone; IPv4 in IPv6 (RFC 4291 §2.5.5.2) as IPv4.

    Raises ValueError.
    """
    address = ip_address(host.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


class SmtpNextHop(BaseModel):
    """Relay over SMTP."""

    model_config = ConfigDict(frozen=True)
    address: Endpoint


class LmtpNextHop(BaseModel):
    """Delivery over LMTP (RFC 2033)."""

    model_config = ConfigDict(frozen=True)
    address: Endpoint


class MaildirNextHop(BaseModel):
    """Deliver into a Maildir; the default, so that a newcomer needs no mail server."""

    model_config = ConfigDict(frozen=True)
    path: Path


SomeNextHop = SmtpNextHop | LmtpNextHop | MaildirNextHop


def parse_address(value: object) -> object:
    """Read "host:port" or "[ip6]:port"."""
    if isinstance(value, BaseModel):
        return value
    found = HOST_PORT.match(str(value))
    if not found or int(found["port"]) > 65535:
        raise ValueError("write it as host:port, for instance 127.0.0.1:10025")
    return Address(host=found["ip6"] or found["host"], port=int(found["port"]))


def parse_endpoint(value: object) -> object:
    """Read "host:port", "[ip6]:port" or "unix:/PATH"."""
    if isinstance(value, str) and value.startswith("unix:/"):
        return _unix(value.removeprefix("unix:"))
    try:
        return parse_address(value)
    except ValueError:
        raise ValueError("write it as host:port or unix:/PATH, for instance 127.0.0.1:10025") from None


def _behind(scheme: str, rest: str) -> object:
    try:
        return parse_address(rest)
    except ValueError:
        raise ValueError(f"write it as {scheme}://host:port, for instance {scheme}://127.0.0.1:10026") from None


def _unix(path: str) -> UnixAddress:
    if len(path.encode()) > MAX_UNIX_PATH:
        raise ValueError(f"the path of a Unix socket has {MAX_UNIX_PATH} bytes at most; choose a shorter one")
    return UnixAddress(path=Path(path))


def parse_next_hop(value: object) -> object:
    """Read `smtp://host:port`, `lmtp://host:port`, `smtp+unix:PATH`, `lmtp+unix:PATH` or `maildir:PATH`."""
    if not isinstance(value, str):
        return value
    scheme, _, rest = value.partition(":")
    if scheme in {"smtp", "lmtp"} and rest.startswith("//"):
        return (SmtpNextHop if scheme == "smtp" else LmtpNextHop)(address=_behind(scheme, rest[2:]))
    if scheme in {"smtp+unix", "lmtp+unix"} and rest:
        return (SmtpNextHop if scheme == "smtp+unix" else LmtpNextHop)(address=_unix(rest))
    if scheme == "maildir" and rest:
        return MaildirNextHop(path=Path(rest))
    raise ValueError("write it as smtp://host:port, lmtp://host:port, smtp+unix:PATH, lmtp+unix:PATH or maildir:PATH")


def parse_next_hops(value: object) -> object:
    """Read one next hop, or several in the order in which they are tried."""
    each = value if isinstance(value, list | tuple) else [value]
    hops = tuple(parse_next_hop(one) for one in each)
    if not hops:
        raise ValueError("name at least one next hop")
    if len({type(hop) for hop in hops}) > 1:
        raise ValueError("next hops that stand in for each other are all smtp or all lmtp")
    if len(hops) > 1 and isinstance(hops[0], MaildirNextHop):
        raise ValueError("a Maildir needs no other next hop")
    return hops


AddressField = Annotated[Address, BeforeValidator(parse_address)]
EndpointField = Annotated[Endpoint, BeforeValidator(parse_endpoint)]
NextHopsField = Annotated[tuple[SomeNextHop, ...], BeforeValidator(parse_next_hops)]
