"""The canonical body of DKIM and its hash, in one pass of small pieces.

dkimpy's own needs quadratic time for long runs of blanks and several copies of the body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

# Small enough that a thread that hashes a large mail never holds the interpreter for a millisecond.
PIECE = 1 << 15
CRLF = b"\r\n"


def canonical(raw: bytes, start: int, *, relaxed: bool) -> Iterator[bytes]:
    """The body from start on, canonicalised by RFC 6376 §3.4.4 (relaxed) or §3.4.3 (simple)."""
    edge = b""
    breaks = 0
    empty = True
    for low in range(start, len(raw), PIECE):
        piece, edge = _cut_edge(edge + raw[low : low + PIECE], relaxed)
        piece = _crlf(piece)
        text, ends = _cut_breaks(piece.replace(b" \r\n", CRLF) if relaxed else piece)
        if text:
            yield CRLF * breaks + text
            breaks = 0
            empty = False
        breaks += ends
    if edge := edge.strip(b" ") if relaxed else edge:
        yield CRLF * breaks + edge
        empty = False
    if not (relaxed and empty):
        yield CRLF


def digest(raw: bytes, start: int, *, relaxed: bool, length: int | None = None) -> tuple[bytes, bool]:
    """SHA-256 of the canonical body, or of its first length bytes (l=, RFC 6376 §3.5), and whether any are left."""
    hasher = hashlib.sha256()
    room = length
    for piece in canonical(raw, start, relaxed=relaxed):
        if room is not None and len(piece) > room:
            hasher.update(piece[:room])
            return hasher.digest(), True
        hasher.update(piece)
        room = None if room is None else room - len(piece)
    return hasher.digest(), False


def _cut_edge(piece: bytes, relaxed: bool) -> tuple[bytes, bytes]:
    """Hold back what the next piece may complete: a blank, a CR, or both."""
    if relaxed:
        piece = piece.replace(b"\t", b" ")
        while b"  " in piece:
            piece = piece.replace(b"  ", b" ")
    kept = piece.removesuffix(b"\r")
    if relaxed:
        kept = kept.removesuffix(b" ")
    return kept, piece[len(kept) :]


def _crlf(piece: bytes) -> bytes:
    if piece.count(b"\n") == piece.count(CRLF):
        return piece
    return piece.replace(CRLF, b"\n").replace(b"\n", CRLF)


def _cut_breaks(piece: bytes) -> tuple[bytes, int]:
    """Part the line ends off its end: they count only if text follows."""
    text = piece.rstrip(CRLF)
    tail = piece[len(text) :]
    # A CR that ends no line is text; at the very end the next piece goes on with something else than LF.
    lone = len(tail) if tail.endswith(b"\r") else tail.rfind(b"\r\r") + 1
    return text + tail[:lone], (len(tail) - lone) // 2
