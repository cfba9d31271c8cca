"""The header fields of a mail as bytes, for everything that signs or verifies them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from milter.content.headers import split_headers

# Beyond this no honest header goes; what lies there is not read.
MAX_HEADER = 1 << 18
LINE_END = re.compile(rb"\r?\n")


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
    """A mail cut into fields (top first) and body; sound is False if no blank line parts them."""

    raw: bytes
    fields: tuple[Field, ...]
    body_at: int
    sound: bool

    def named(self, name: bytes) -> tuple[Field, ...]:
        """The fields of this lower-case name, top first."""
        return tuple(field for field in self.fields if field.name.lower() == name)


def cut(raw: bytes) -> RawMail:
    """Cut a mail as received; CRLF and bare LF both end a line, as the signers that send bare LF assume."""
    headers, body_at = split_headers(raw, 0, min(len(raw), MAX_HEADER))
    fields = (Field(name.encode("ascii"), LINE_END.sub(b"\r\n", value) + b"\r\n") for name, value in headers.raw)
    before = raw[max(0, body_at - 4) : body_at].replace(b"\r", b"")
    sound = body_at == len(raw) or before.endswith(b"\n\n") or before == b"\n"
    return RawMail(raw, tuple(fields), body_at, sound)
