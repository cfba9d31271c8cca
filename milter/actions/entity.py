"""A mail taken apart and put together on its bytes, so that what is not meant to change does not."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from milter.content.headers import FIELD, split_headers
from milter.content.mime import MAX_DEPTH, Part, split
from milter.content.transfer import DECODERS

# What a signature covers, what only the recipient can read (RFC 1847, 3156, 8551), and pieces of mails (RFC 2046 §5.2).
CLOSED_TYPES = {
    "multipart/signed",
    "multipart/encrypted",
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
    "application/pgp",
    "application/pgp-encrypted",
    "message/partial",
    "message/external-body",
}
INLINE_PGP = re.compile(rb"^-----BEGIN PGP (?:SIGNED )?MESSAGE-----", re.MULTILINE)
FIELD_LINES = re.compile(rb"^" + FIELD.pattern, re.MULTILINE)


class Entity(NamedTuple):
    """A MIME entity (RFC 2045 §2.4): its fields, of a mail those about its content, and its body."""

    fields: bytes
    body: bytes

    @property
    def part(self) -> Part:
        """As its fields declare it; its source is the body alone."""
        headers, _ = split_headers(self.fields, 0, len(self.fields))
        return Part.declared(headers, self.body, 0, len(self.body))

    @property
    def is_closed(self) -> bool:
        """Whether it is signed or encrypted, or no whole mail, so that it must stay as it is."""
        return self.part.content_type in CLOSED_TYPES or INLINE_PGP.search(self.body) is not None


class Mail(NamedTuple):
    """A mail: its header as it is, without the empty line; its content; and how its lines end."""

    header: bytes
    content: Entity
    line_end: bytes


def is_content_field(line: bytes) -> bool:
    """Whether a field is about the content and goes with it (RFC 2045 §9)."""
    return line[:8].lower() == b"content-"


def take_apart(raw: bytes) -> Mail:
    """Cut a mail; its header ends at an empty line, or at a line that is no field."""
    _, body_at = split_headers(raw, 0, len(raw))
    header = raw[:body_at]
    line_end = b"\n" if b"\n" in raw and b"\r\n" not in raw else b"\r\n"
    if header.endswith((b"\n\n", b"\n\r\n")) or header in (b"\n", b"\r\n"):
        header = header[: -2 if header.endswith(b"\r\n") else -1]
    elif header and not header.endswith(b"\n"):
        header += line_end
    content = b"".join(found[0] for found in FIELD_LINES.finditer(header) if is_content_field(found[0]))
    return Mail(header, Entity(content, raw[body_at:]), line_end)


def change_fields(header: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A header in which each field, with its folds and line ends, is what change makes of it."""
    return FIELD_LINES.sub(lambda found: change(found[0]), header)


def change_leaves(
    entity: bytes, change: Callable[[bytes, Part], bytes], *, default: str = "text/plain", depth: int = 0
) -> bytes:
    """An entity in which each leaf, header included, is what change makes of it; what is closed stays as it is.

    change gets a leaf as bytes, and as a part whose source these bytes are.
    """
    headers, body_at = split_headers(entity, 0, len(entity))
    part = Part.declared(headers, entity, body_at, len(entity), default=default)
    if part.content_type in CLOSED_TYPES or depth > MAX_DEPTH:
        return entity
    if part.is_message and part.encoding not in DECODERS:
        return entity[:body_at] + change_leaves(entity[body_at:], change, depth=depth + 1)
    multipart = part.content_type.startswith("multipart/")
    spans = split(part) if multipart and part.boundary else []
    if not spans:
        # A multipart without its boundary is shown as text.
        return change(entity, part._replace(content_type="text/plain") if multipart else part)
    inner = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    pieces, at = [], 0
    for start, end in spans:
        pieces += [entity[at:start], change_leaves(entity[start:end], change, default=inner, depth=depth + 1)]
        at = end
    return b"".join([*pieces, entity[at:]])


def boundary(content: bytes) -> str:
    """A boundary that stands in none of the parts: nobody can write the hash of a text into it (RFC 2046 §5.1.1)."""
    return f"=_blackmail_{sha256(content).hexdigest()[:32]}"


def text_part(content_type: str, text: str, line_end: bytes) -> bytes:
    """A text as a part in UTF-8, encoded so that seven bits and short lines carry it; its last line end is its own."""
    data = text.encode().replace(b"\n", line_end)
    quoted = binascii.b2a_qp(data, istext=True)
    coded = base64.encodebytes(data).replace(b"\n", line_end)
    encoding, body = (b"quoted-printable", quoted) if len(quoted) <= len(coded) else (b"base64", coded)
    fields = [b"Content-Type: %b; charset=utf-8" % content_type.encode(), b"Content-Transfer-Encoding: " + encoding]
    return line_end.join([*fields, b"", body])


def joined(subtype: str, parts: list[bytes], line_end: bytes) -> Entity:
    """Parts as one entity; none of them is changed by a byte."""
    mark = boundary(b"".join(parts))
    delimiter = b"--" + mark.encode()
    lines = [line for part in parts for line in (delimiter, part)]
    fields = [f'Content-Type: multipart/{subtype}; boundary="{mark}"'.encode()]
    if not all(part.isascii() for part in parts):
        fields.append(b"Content-Transfer-Encoding: 8bit")
    return Entity(line_end.join([*fields, b""]), line_end.join([*lines, delimiter + b"--", b""]))
