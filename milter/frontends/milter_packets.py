"""Packets of the milter protocol, version 6, as Sendmail 8.14 and Postfix speak it (libmilter, mfdef.h).

A packet is its length in four bytes (network order), a letter, and data; texts in the data end with NUL.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntFlag
from typing import Final, NamedTuple

VERSION: Final = 6
# The longest packet that an MTA sends is 1 MiB (SMFIP_MDS_1M): a letter and one byte less of data.
PACKET_LIMIT: Final = 1024 * 1024

# What an MTA takes at once (MILTER_CHUNK_SIZE).
BODY_CHUNK: Final = 65535

_LENGTH = struct.Struct("!I")
_NEGOTIATION = struct.Struct("!III")


class Edit(IntFlag):
    """What a filter may do to a mail (SMFIF_*)."""

    ADD_HEADER = 0x1
    CHANGE_BODY = 0x2
    CHANGE_HEADER = 0x10
    QUARANTINE = 0x20


class Step(IntFlag):
    """What the MTA leaves out, and where it waits for no reply (SMFIP_*)."""

    NO_EOH = 0x40
    NO_REPLY_HEADER = 0x80
    NO_UNKNOWN = 0x100
    NO_REPLY_CONNECT = 0x1000
    NO_REPLY_HELO = 0x2000
    NO_REPLY_MAIL = 0x4000
    NO_REPLY_RCPT = 0x8000
    NO_REPLY_UNKNOWN = 0x20000
    NO_REPLY_EOH = 0x40000
    NO_REPLY_BODY = 0x80000
    LEADING_SPACE = 0x100000


class MalformedError(Exception):
    """The other end does not speak the protocol as it is."""


class Packet(NamedTuple):
    """A command of the MTA: its letter and data."""

    command: bytes
    data: bytes


class Negotiation(NamedTuple):
    """SMFIC_OPTNEG: a version, and bits of Edit and Step."""

    version: int
    edits: int
    steps: int

    def __bytes__(self) -> bytes:
        """The packet, the same in both directions."""
        return packet(b"O", _NEGOTIATION.pack(*self))


class Connection(NamedTuple):
    """The MTA's client: host name, address and port; "" and 0 unless it came by IP."""

    name: bytes
    address: bytes
    port: int


class PacketBuffer:
    """Bytes as they arrive → packets."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete by now. Raises MalformedError."""
        self._bytes += data
        at = 0
        try:
            while len(self._bytes) >= at + 4:
                (length,) = _LENGTH.unpack_from(self._bytes, at)
                if not 1 <= length <= PACKET_LIMIT:
                    raise MalformedError(f"a packet of {length} bytes")
                start, end = at + 4, at + 4 + length
                if end > len(self._bytes):
                    return
                at = end
                yield Packet(bytes(self._bytes[start : start + 1]), bytes(self._bytes[start + 1 : end]))
        finally:
            del self._bytes[:at]


def read_negotiation(data: bytes) -> Negotiation:
    """What the MTA offers; some add more, which is of no use here. Raises MalformedError."""
    if len(data) < _NEGOTIATION.size:
        raise MalformedError("a short negotiation")
    return Negotiation(*_NEGOTIATION.unpack_from(data))


def texts(data: bytes) -> list[bytes]:
    """The texts of a packet. Raises MalformedError if the last one does not end."""
    *found, rest = data.split(b"\0")
    if rest or not found:
        raise MalformedError("a text without its end")
    return found


def read_header(data: bytes) -> tuple[bytes, bytes]:
    """Name and value of SMFIC_HEADER, folded by CRLF. Raises MalformedError."""
    found = texts(data)
    if len(found) != 2 or not found[0]:
        raise MalformedError("a header without name or value")
    return found[0], found[1].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def read_connect(data: bytes) -> Connection:
    """SMFIC_CONNECT. Raises MalformedError."""
    name, nul, rest = data.partition(b"\0")
    family = rest[:1]
    if not nul or family not in (b"4", b"6", b"L", b"U"):
        raise MalformedError("a connection from nowhere")
    if family in (b"L", b"U"):
        return Connection(name, b"", 0)
    return Connection(name, texts(rest[3:])[0], int.from_bytes(rest[1:3]))


def read_macros(data: bytes) -> dict[bytes, bytes]:
    """Names and values of SMFIC_MACRO, which begins with the command that they belong to. Raises MalformedError."""
    if len(data) < 2:
        return {}
    found = texts(data[1:])
    return dict(zip(found[::2], found[1::2], strict=False))


def packet(letter: bytes, data: bytes = b"") -> bytes:
    """One packet to be sent."""
    return _LENGTH.pack(1 + len(data)) + letter + data


CONTINUE: Final = packet(b"c")


def insert_header(name: bytes, value: bytes) -> bytes:
    """A field on top of all others, that of the MTA's own Received included."""
    return packet(b"i", bytes(4) + _field(name, value))


def change_header(number: int, name: bytes, value: bytes) -> bytes:
    """A new value for the field of that name and number, from 1, among those that the MTA showed; empty deletes it."""
    return packet(b"m", _LENGTH.pack(number) + _field(name, value))


def replace_body(body: bytes) -> bytes:
    """Another body in place of the one that was shown (SMFIR_REPLBODY)."""
    return b"".join(packet(b"b", body[at : at + BODY_CHUNK]) for at in range(0, len(body), BODY_CHUNK))


def _field(name: bytes, value: bytes) -> bytes:
    """Folds are LF here (libmilter, smfi_addheader)."""
    return name + b"\0" + value.replace(b"\r\n", b"\n") + b"\0"


def quarantine(reason: bytes) -> bytes:
    """Keep the mail in the MTA's queue until somebody releases it."""
    return packet(b"q", reason + b"\0")


def reply_code(reply: bytes) -> bytes:
    """Answer the client with this SMTP reply; a per cent sign is doubled, since Sendmail takes it for a format."""
    return packet(b"y", reply.replace(b"%", b"%%") + b"\0")
