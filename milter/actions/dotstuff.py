"""The transparency of DATA (RFC 5321 §4.5.2): a dot that begins a line is doubled on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from milter.content.spotter import Literals

BLOCK = 256 * 1024

LINE_DOT = Literals(b"\n.")
_NOT_LINE_END = re.compile(rb"[^\r\n]")


def wire_blocks(parts: Sequence[bytes]) -> Iterator[bytes | memoryview]:
    """The message in blocks ready to be sent, without the final dot; the last block ends its line.

    A dot after a bare LF is doubled too: a next hop that takes a bare LF for a line end undoes that, and never
    sees an end of data that we did not see (CVE-2023-51764).
    """
    if sum(map(len, parts)) <= BLOCK:
        yield _closed(_stuffed(b"".join(parts)))
        return
    last: bytes | memoryview = b""
    for part in parts:
        for block in _blocks(part):
            if last:
                yield last
            last = block
    yield _closed(bytes(last))


def _blocks(part: bytes) -> Iterator[bytes | memoryview]:
    """Cut a part so that no line end stands at a cut."""
    start, view = 0, memoryview(part)
    while start < len(part):
        end = start + BLOCK
        if end < len(part):
            found = _NOT_LINE_END.search(part, end)
            end = found.end() if found else len(part)
        begins_line = start == 0 and part.startswith(b".")
        block = view[start:end]
        if begins_line or LINE_DOT.ends(block):
            stuffed = part[start:end].replace(b"\n.", b"\n..")
            yield b"." + stuffed if begins_line else stuffed
        else:
            yield block
        start = end


def _stuffed(message: bytes) -> bytes:
    if LINE_DOT.ends(message):
        message = message.replace(b"\n.", b"\n..")
    return b"." + message if message.startswith(b".") else message


def _closed(block: bytes) -> bytes:
    return block if block.endswith(b"\r\n") or not block else block + b"\r\n"
