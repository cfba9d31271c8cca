"""The message after DATA: taken in as it arrives, up to CRLF.CRLF and nothing else (RFC 5321 §4.1.1.4)."""

from __future__ import annotations

import asyncio
from io import BytesIO

from milter.content.spotter import Literals
from milter.frontends.memory import MailMemory

END = b"\r\n.\r\n"
LINE_DOT = Literals(b"\r\n.")


class TooLargeError(Exception):
    """The message was longer than allowed; it has been read to its end and thrown away."""


class NoRoomError(Exception):
    """There was no memory for the message; it has been read to its end and thrown away."""


class DataReader:
    """Collects one message in one buffer, free of doubled dots (RFC 5321 §4.5.2), without looking at lines.

    A dot after a bare LF or CR was doubled by no sender that keeps to the RFC, and ends nothing.
    """

    def __init__(self, max_size: int, memory: MailMemory, done: asyncio.Future[bytes]) -> None:
        self._max_size = max_size
        self._memory = memory
        self._taken = 0
        self._dropped = False
        self._done = done
        self._buffer = BytesIO()
        self._size = 0
        # The line end of the DATA command itself: a message may be empty.
        self._tail = b"\r\n"

    def feed(self, chunk: bytes) -> bytes | None:
        """Take a chunk; the bytes after the end of data once that is found, else None."""
        dots = LINE_DOT.ends(chunk)
        after = self._after_end(chunk, dots)
        if after is None:
            self._keep(self._unstuffed(chunk, dots))
            self._tail = (self._tail + chunk[-4:])[-4:]
            return None
        self._keep(self._unstuffed(chunk[:after], dots))
        if not self._done.done():
            self._finish()
        return chunk[after:]

    def _after_end(self, chunk: bytes, dots: list[int]) -> int | None:
        """Where the chunk goes on after the end of data; the end may have begun in earlier chunks."""
        seam = (self._tail + chunk[:4]).find(END)
        if seam >= 0:
            return seam + len(END) - len(self._tail)
        return next((dot + 2 for dot in dots if chunk.startswith(b"\r\n", dot)), None)

    def _unstuffed(self, chunk: bytes, dots: list[int]) -> bytes:
        if self._tail.endswith(b"\r\n") and chunk.startswith(b"."):
            chunk = chunk[1:]
        elif self._tail.endswith(b"\r") and chunk.startswith(b"\n."):
            chunk = b"\n" + chunk[2:]
        if len(dots) == 1 and chunk.endswith(b"\r\n.\r\n"):
            # The end of data alone, as in most mails: copying is quicker than searching again.
            return chunk[:-3] + b"\r\n"
        return chunk.replace(b"\r\n.", b"\r\n") if dots else chunk

    def _keep(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._dropped:
            return
        if self._size <= self._max_size + 2 and self._memory.take(len(chunk)):
            self._taken += len(chunk)
            self._buffer.write(chunk)
        else:
            self._dropped = True
            self.release()

    def release(self) -> None:
        """Forget the message; whoever has it by now counts it."""
        self._memory.give_back(self._taken)
        self._taken = 0
        self._buffer = BytesIO()

    def _finish(self) -> None:
        """The last line, a lone dot, has lost its dot like any other; its line end is no part of it."""
        self._size -= 2
        if self._size > self._max_size:
            self._done.set_exception(TooLargeError())
        elif self._dropped:
            self._done.set_exception(NoRoomError())
        else:
            self._buffer.truncate(self._size)
            self._done.set_result(self._buffer.getvalue())
