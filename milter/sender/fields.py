"""The header fields of a mail as bytes, for everything that signs or verifies them."""

from __future__ import annotations

import re
from dataclasses import dataclass

END_OF_HEADER = re.compile(rb"(?:\A|\r?\n)\r?\n")
# Beyond these no honest mail goes; the rest of such a header is not read.
MAX_HEADER = 1 << 20
MAX_LINES = 10_000
FIELD_NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name as written, and everything after the colon, folds and final CRLF included."""

    name: bytes
    value: bytes

    def text(self) -> str:
        """The value unfolded, as characters; UTF-8 (RFC 6532) or, where it is not, Latin-1."""
        flat = self.value.replace(b"\r\n", b"").strip()
        try:
            return flat.decode()
        except UnicodeDecodeError:
            return flat.decode("latin-1")


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail cut into fields (top first) and body; sound is False if the header is not all fields, or is cut off."""

    raw: bytes
    fields: tuple[Field, ...]
    body_at: int
    sound: bool

    def named(self, name: bytes) -> tuple[Field, ...]:
        """The fields of this lower-case name, top first."""
        return tuple(field for field in self.fields if field.name.lower() == name)


def cut(raw: bytes) -> RawMail:
    """Cut a mail as received; CRLF and bare LF both end a line, as the signers that send bare LF assume."""
    end = END_OF_HEADER.search(raw, 0, MAX_HEADER)
    header = raw[: end.start()] if end else raw[:MAX_HEADER]
    lines = header.split(b"\n", MAX_LINES) if header else []
    fields: list[tuple[bytes, list[bytes]]] = []
    sound = len(lines) <= MAX_LINES and (end is not None or len(raw) < MAX_HEADER)
    for line in lines[:MAX_LINES]:
        text = line.removesuffix(b"\r")
        found = FIELD_NAME.match(text)
        if text[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(text)
        elif found:
            fields.append((found[1], [text[found.end() :]]))
        elif not text.startswith((b"From ", b">From ")):
            sound = False
    whole = tuple(Field(name, b"\r\n".join(parts) + b"\r\n") for name, parts in fields)
    return RawMail(raw, whole, end.end() if end else len(raw), sound)
