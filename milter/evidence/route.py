"""The way of a mail from host to host, by its Received lines, and how far they can be trusted (RFC 5321 §4.4).

Every host puts its line on top. Whoever sends a mail can write what he likes below, so that the lines can be trusted
only down to the one that the first host of the recipient's own side wrote: it names who handed the mail over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_network
from typing import Literal

from milter.model import Envelope
from milter.sender.client import FROM_CLAUSE, LMTP, LOCAL, IpAddress, Network, parse_ip, read_handover, within

# ours: between hosts of the recipient's side. handover: the first that this side saw. claimed: anybody may have written
# it.
Standing = Literal["ours", "handover", "claimed"]

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
COMMENT = re.compile(r"\([^()]*\)")
CLAUSES = {
    "by": re.compile(r"(?:^|\s)by\s+([^\s;]+)", re.I),
    "protocol": re.compile(r"\swith\s+([^\s;]+)", re.I),
    "queue_id": re.compile(r"\sid\s+<?([^\s;>]+)", re.I),
    "recipient": re.compile(r"\sfor\s+<?([^\s;>]+)", re.I),
}


@dataclass(frozen=True, slots=True)
class Hop:
    """One hand-over of the mail; what is not told is "" or None.

    name is the host's name in the DNS as the receiver found it, helo what the host called itself. at is in UTC; delay
    is the time since the hop before. line is the Received field; "" for our own SMTP session.
    """

    standing: Standing
    helo: str = ""
    name: str = ""
    address: str = ""
    by: str = ""
    protocol: str = ""
    queue_id: str = ""
    recipient: str = ""
    at: datetime | None = None
    delay: timedelta | None = None
    line: str = ""

    @property
    def public(self) -> bool:
        """Whether the address means something outside the network that wrote it down."""
        address = parse_ip(self.address)
        return address is not None and not within(address, LOCAL)


@dataclass(frozen=True, slots=True)
class Route:
    """The hops, newest first. witnessed: our own filter took the mail in and knows the client; else it is a file."""

    hops: tuple[Hop, ...] = ()
    witnessed: bool = False

    @property
    def handover(self) -> Hop | None:
        """Where the mail came from, as the recipient's side saw it; None for mail made there, or without any line."""
        return next((hop for hop in self.hops if hop.standing == "handover"), None)


def trace(
    received: Sequence[str], envelope: Envelope, at: datetime | None, *, trusted: Iterable[Network] = LOOPBACK
) -> Route:
    """The route by the Received fields (top first, unfolded) and our own session, which began at `at`.

    trusted: networks of relays on the recipient's side; in the lines, private addresses belong to it, too.
    """
    relays = tuple(trusted)
    own = (*relays, *LOCAL)
    hops = [read_hop(line) for line in received]
    client = parse_ip(envelope.client_addr)
    if client is None:
        hops = _judged(hops, own)
    elif within(client, relays):
        hops = [_session(envelope, at, "ours"), *_judged(hops, own)]
    elif hops and envelope.queue_id and _is_ours(hops[0], envelope, client):
        hops = [replace(hops[0], standing="handover"), *hops[1:]]
    else:
        hops = [_session(envelope, at, "handover"), *hops]
    return Route(tuple(_with_delays(hops)), witnessed=client is not None)


def read_hop(line: str) -> Hop:
    """A Received field, as a claim."""
    head, _, date = line.rpartition(";") if ";" in line else (line, "", "")
    plain = _without_comments(head)
    told = {key: found[1] if (found := pattern.search(plain)) else "" for key, pattern in CLAUSES.items()}
    said = FROM_CLAUSE.match(head)
    handover = read_handover(head)
    return Hop(
        "claimed",
        helo=handover.helo if handover else said["helo"] if said else "",
        name=handover.name if handover else "",
        address=str(handover.address) if handover else "",
        by=told["by"],
        protocol=told["protocol"],
        queue_id=told["queue_id"],
        recipient=told["recipient"],
        at=read_date(date),
        line=line,
    )


def read_date(text: str) -> datetime | None:
    """A date and time of a header field in UTC (RFC 5322 §3.3); None if it is none."""
    try:
        moment = parsedate_to_datetime(_without_comments(text).strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _without_comments(text: str) -> str:
    """Comments may be nested (RFC 5322 §3.2.2); deeper than this nobody nests them."""
    for _ in range(4):
        text = COMMENT.sub(" ", text)
    return text


def _session(envelope: Envelope, at: datetime | None, standing: Standing) -> Hop:
    """What our own side saw for itself when the client called."""
    return Hop(
        standing,
        helo=envelope.helo_name,
        name="" if envelope.client_name.lower() == "unknown" else envelope.client_name,
        address=envelope.client_addr.removeprefix("IPv6:"),
        queue_id=envelope.queue_id,
        at=at.astimezone(UTC) if at else None,
    )


def _is_ours(hop: Hop, envelope: Envelope, client: IpAddress) -> bool:
    """Whether our own relay wrote this line: it names the client, and a queue id that no sender can guess."""
    return hop.queue_id == envelope.queue_id and hop.address == str(client)


def _judged(hops: list[Hop], own: tuple[Network, ...]) -> list[Hop]:
    """Lines of our own side are those above the first that names a host from outside."""
    for position, hop in enumerate(hops):
        address = parse_ip(hop.address)
        inside = within(address, own) if address else _is_internal(hop.line)
        if not inside:
            ours = [replace(own_hop, standing="ours") for own_hop in hops[:position]]
            return [*ours, replace(hop, standing="handover"), *hops[position + 1 :]]
    return [replace(hop, standing="ours") for hop in hops]


def _is_internal(line: str) -> bool:
    """Local deliveries and steps inside one host name no address (RFC 3848: LMTP)."""
    return not FROM_CLAUSE.match(line) or bool(LMTP.search(line))


def _with_delays(hops: list[Hop]) -> list[Hop]:
    before = [*(hop.at for hop in hops[1:]), None]
    return [
        replace(hop, delay=hop.at - last if hop.at and last else None) for hop, last in zip(hops, before, strict=False)
    ]
