"""The address of the host that handed the mail to us or our relays, and the fields that stand above its hand-over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from milter.model import Envelope
from milter.sender.fields import Field

Network = IPv4Network | IPv6Network
IpAddress = IPv4Address | IPv6Address

# Hosts that SPF cannot speak of: loopback, private, link-local, shared and unspecified addresses.
LOCAL = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)

# The clause "from HELO (RDNS [ADDRESS])" (RFC 5321 §4.4); the HELO is the client's to choose, so the address is sought
# in the comment first, and never behind "helo=".
FROM_CLAUSE = re.compile(r"\s*from\s+(?P<helo>\S+)(?P<rest>.*?)(?:\sby\s|$)", re.I | re.S)
HELO_IN_COMMENT = re.compile(r"\b(?:helo|ehlo)[= ]\s*(?P<helo>[^\s)]+)", re.I)
# Local delivery: its line names no address.
LMTP = re.compile(r"\swith\s+LMTPS?A?\s", re.I)
ADDRESS = re.compile(r"[\[(](?:IPv6:)?(?P<address>[0-9A-Fa-f.:]{2,45})[\])]", re.I)
NAME = re.compile(r"\(\s*(?P<name>[^\s()\[\]]+)\s+(?:\([^()]*\)\s*)?\[")
HOST = re.compile(r"(?!unknown$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\.?", re.I)


@dataclass(frozen=True, slots=True)
class Client:
    """The real client; address is "" if unknown or local. above: the fields that we and our relays put on top."""

    address: str = ""
    helo: str = ""
    above: tuple[Field, ...] = ()
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    """What a Received line tells of the client: its address, HELO name, and name in the DNS ("" if none was found)."""

    address: IpAddress
    helo: str
    name: str = ""


def find_client(envelope: Envelope, fields: tuple[Field, ...], trusted: Iterable[Network]) -> Client:
    """Who handed the mail over: the envelope says it, or else the newest Received line of a trusted relay.

    ours is True if the mail comes from a user who logged in, or from a trusted host and no line tells of another: it
    was made by ourselves.
    """
    if envelope.authenticated:
        return Client(ours=True)
    networks = tuple(trusted)
    named = parse_ip(envelope.client_addr)
    if named and not within(named, networks):
        return Client(_public(named), envelope.helo_name, _above_hand_over(envelope, named, fields))
    for position, field in enumerate(fields):
        if field.name.lower() != b"received" or LMTP.search(text := field.text()):
            continue
        if not FROM_CLAUSE.match(text):
            return Client(above=fields[:position], ours=named is not None)
        hop = read_handover(text)
        if hop is None or not within(hop.address, networks):
            known = hop if named else None
            return Client(_public(known.address) if known else "", known.helo if known else "", fields[:position])
    return Client(above=fields if named is None else (), ours=named is not None)


def _above_hand_over(envelope: Envelope, client: IpAddress, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields above our relay's own Received line, known by a queue id that no sender can guess."""
    for position, field in enumerate(fields):
        if field.name.lower() == b"received" and envelope.queue_id:
            hop = read_handover(text := field.text())
            written = re.search(rf"\sid\s+{re.escape(envelope.queue_id)}\b", text)
            return fields[:position] if written and hop and hop.address == client else ()
    return ()


def read_handover(received: str) -> Handover | None:
    """The client of a Received line; None if it names no address.

    Its name in the DNS stands before the address, or in place of the HELO name where that is told in a comment.
    """
    clause = FROM_CLAUSE.match(received)
    if not clause:
        return None
    helo = HELO_IN_COMMENT.search(clause["rest"])
    rest = HELO_IN_COMMENT.sub("", clause["rest"])
    found = [*ADDRESS.finditer(rest)] or [*ADDRESS.finditer(clause["helo"])]
    addresses = [address for one in found if (address := parse_ip(one["address"]))]
    if not addresses:
        return None
    named = NAME.search(rest)
    name = named["name"] if named else clause["helo"] if helo else ""
    return Handover(addresses[-1], helo["helo"] if helo else clause["helo"], name if HOST.fullmatch(name) else "")


def parse_ip(text: str) -> IpAddress | None:
    """An address, IPv4 in IPv6 as IPv4; None if it is none."""
    try:
        address = ip_address(text.removeprefix("IPv6:"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def within(address: IpAddress, networks: Iterable[Network]) -> bool:
    """Whether the address lies in one of the networks."""
    return any(address in network for network in networks)


def _public(address: IpAddress) -> str:
    return "" if within(address, LOCAL) else str(address)
