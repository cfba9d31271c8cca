"""Content-Transfer-Encodings undone (RFC 2045 §6), no further than needed and tolerant of damage."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable

JUNK = re.compile(rb"[^A-Za-z0-9+/]+")
UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE)


def decode(source: bytes, start: int, end: int, encoding: str, head: int, tail: int) -> tuple[bytes, bool]:
    """The first head and last tail bytes of a body with its encoding undone, and whether something lies between."""
    decoder = DECODERS.get(encoding)
    if decoder is None:
        return _ends(source, start, end, head, tail)
    # No encoding needs more than three bytes for one; base64 with its line ends needs 1.4.
    factor = 3 if decoder is _quoted_printable else 1.5
    first, last = int(head * factor), int(tail * factor)
    if end - start <= first + last:
        return _shortened(decoder(source[start:end]), head, tail)
    beginning = decoder(_whole_lines(source[start : start + first]))[:head]
    if not tail:
        return beginning, True
    return beginning + b"\n" + decoder(_aligned(source[end - last : end], encoding))[-tail:], True


def _ends(source: bytes, start: int, end: int, head: int, tail: int) -> tuple[bytes, bool]:
    if end - start <= head + tail:
        return source[start:end], False
    if not tail:
        return source[start : start + head], True
    return source[start : start + head] + b"\n" + source[end - tail : end], True


def _shortened(data: bytes, head: int, tail: int) -> tuple[bytes, bool]:
    return _ends(data, 0, len(data), head, tail)


def _whole_lines(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1] or data


def _aligned(data: bytes, encoding: str) -> bytes:
    """The end of a body from where decoding can begin: a line, and for base64 a group of four letters."""
    if encoding != "base64":
        return data[data.find(b"\n") + 1 :]
    letters = b"".join(data.split())
    return letters[len(letters) % 4 :]


def _base64(data: bytes) -> bytes:
    """Padding in the middle and letters too few or many are taken as they come."""
    try:
        if b"=" not in data.rstrip(b"=\r\n \t"):
            return binascii.a2b_base64(data)
    except binascii.Error:
        pass
    return b"".join(map(_base64_group, data.split(b"=")))


def _base64_group(data: bytes) -> bytes:
    letters = JUNK.sub(b"", data)
    return binascii.a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def _quoted_printable(data: bytes) -> bytes:
    return binascii.a2b_qp(data)


def _uuencode(data: bytes) -> bytes:
    """Lines of uuencode from "begin" on; what is no such line is kept as it is."""
    begin = UU_BEGIN.search(data)
    lines = data[begin.end() :].splitlines() if begin else data.splitlines()
    return b"".join(map(_uu_line, lines))


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders pad lines wrongly: cut to the length that the first letter tells.
        length = ((line[0] - 32 & 63) * 4 + 5) // 3 if line else 0
        try:
            return binascii.a2b_uu(line[:length])
        except binascii.Error:
            return b""


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": _base64,
    "quoted-printable": _quoted_printable,
    "x-uuencode": _uuencode,
    "uuencode": _uuencode,
    "x-uue": _uuencode,
    "uue": _uuencode,
}
