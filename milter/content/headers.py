"""Header fields of a mail or part: as received, and decoded (RFC 5322 §2.2, RFC 2047)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from milter.content.charset import decode

FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)\n?")
FIELDS = re.compile(rb"(?:[!-9;-~]++[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n?)*+")
FOLDING = re.compile(rb"\r?\n[ \t]*|\r")
ENCODED_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?]*)\?=")
# White space between encoded words is no part of the text (RFC 2047 §6.2).
BETWEEN = re.compile(r"(\?=)\s+(=\?)")
QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Headers:
    """Ordered header fields. raw holds names and values as received: without the colon and the last line end."""

    raw: tuple[tuple[str, bytes], ...] = ()
    _first: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    _decoded: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, fields: Iterable[tuple[str, bytes]]) -> Headers:
        """Header fields given as names and raw values."""
        raw = tuple(fields)
        return cls(raw, {name.lower(): value for name, value in reversed(raw)})

    def get(self, name: str) -> str:
        """The first field of that name, decoded and unfolded; "" if there is none."""
        key = name.lower()
        if key not in self._first:
            return ""
        if key not in self._decoded:
            self._decoded[key] = decode_value(self._first[key])
        return self._decoded[key]

    def all(self, name: str) -> list[str]:
        """All fields of that name, decoded and unfolded."""
        wanted = name.lower()
        return [decode_value(value) for name, value in self.raw if name.lower() == wanted]

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._first


def header_end(raw: bytes) -> int:
    """Just behind the last line of the header, whichever line ends the mail has."""
    if raw.startswith((b"\r\n", b"\n")):
        return 0
    end = raw.find(b"\n\r\n") + 1 or len(raw)
    return raw.find(b"\n\n", 0, end) + 1 or end


def split_headers(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The header fields from start, and where the body begins: after a blank line, or at a line that is no field.

    An mbox "From " line in front is passed over.
    """
    at = start
    if raw.startswith(b"From ", at):
        at = _next_line(raw, at, end)
    # A continuation of nothing is passed over if fields follow, as other parsers do.
    if raw.startswith((b" ", b"\t"), at) and FIELD.match(raw, after := _next_line(raw, at, end), end):
        at = after
    block = FIELDS.match(raw, at, end)
    after = block.end() if block else at
    fields = [(name.decode("ascii"), value.rstrip(b"\r")) for name, value in FIELD.findall(raw, at, after)]
    body = _next_line(raw, after, end) if raw.startswith((b"\n", b"\r\n"), after) else after
    return Headers.of(fields), min(body, end)


def _next_line(raw: bytes, at: int, end: int) -> int:
    newline = raw.find(b"\n", at, end)
    return newline + 1 if newline >= 0 else end


def decode_value(value: bytes) -> str:
    """One header value as a reader sees it."""
    text = decode(FOLDING.sub(b" ", value) if b"\n" in value or b"\r" in value else value).replace("\0", "").strip()
    if "=?" not in text:
        return text
    return ENCODED_WORD.sub(_decode_word, BETWEEN.sub(r"\1\2", text))


def _decode_word(found: re.Match[str]) -> str:
    label, encoding, payload = found.groups()
    data = payload.encode("utf-8", "replace")
    decoded = _from_base64(data) if encoding in "Bb" else _from_q(data)
    return decode(decoded, label)


def _from_q(data: bytes) -> bytes:
    return QUOTED.sub(lambda m: bytes([int(m[1], 16)]), data.replace(b"_", b" "))


def _from_base64(data: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    try:
        return base64.b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")
    except binascii.Error:
        return data


PARAMETER = re.compile(r""";\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))""")


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """A structured value ("text/plain; charset=x") as its first word in lower case and its parameters (RFC 2231)."""
    main, semicolon, rest = value.partition(";")
    if not semicolon:
        return main.strip().lower(), {}
    found: dict[str, str] = {}
    for match in PARAMETER.finditer(semicolon + rest):
        text = match[2] if match[2] is not None else match[3].strip()
        found.setdefault(match[1].lower(), BACKSLASH.sub(r"\1", text) if "\\" in text else text)
    if "*" in rest:
        found = _continued(found)
    return main.strip().lower(), found


BACKSLASH = re.compile(r"\\(.)")


def _continued(options: dict[str, str]) -> dict[str, str]:
    """Parameters in pieces (name*0, name*1) and with a charset (name*=utf-8''x) put together (RFC 2231 §3, §4)."""
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for key, text in options.items():
        name, _, number = key.partition("*")
        digits = number.rstrip("*")
        position = int(digits) if digits.isdecimal() and len(digits) < 4 else 0
        pieces.setdefault(name, []).append((position, key.endswith("*"), text))
    return {name: _assembled(sorted(parts)) for name, parts in pieces.items()}


def _assembled(parts: list[tuple[int, bool, str]]) -> str:
    if not any(encoded for _, encoded, _ in parts):
        return "".join(text for _, _, text in parts)
    charset, data = "", b""
    for position, encoded, piece in parts:
        text = piece
        if encoded and position == 0 and piece.count("'") >= 2:
            charset, _language, text = piece.split("'", 2)
        data += unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace")
    return decode(data, charset)
