"""Whether the event loop of a process still turns, as another process sees it."""

from __future__ import annotations

import asyncio
import mmap

# Seconds between two beats.
INTERVAL = 1.0


class Heartbeat:
    """A counter in memory that a worker shares with its supervisor: made before the fork, beaten after it."""

    def __init__(self) -> None:
        self._count = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")
        self._seen = 0
        self.silence = 0.0

    def beat(self) -> None:
        """In the worker: it is alive now."""
        self._count[0] += 1

    def keep_beating(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the worker: beat as long as this loop turns."""
        self.beat()
        loop.call_later(INTERVAL, self.keep_beating, loop)

    def listen(self, passed: float) -> float:
        """In the supervisor, that has been awake for so many seconds since it last listened: seconds without a beat.

        Only its own waking time counts: a machine that was halted as a whole has no worker that hangs.
        """
        count = self._count[0]
        self.silence = self.silence + passed if count == self._seen else 0.0
        self._seen = count
        return self.silence
