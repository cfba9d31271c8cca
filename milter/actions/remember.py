"""Remember flagged mail for campaigns, after it is through: whatever fails here costs only the memory of it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milter.config import Store
from milter.model import Envelope, Verdict
from milter.pipeline import TWO_SIDES
from milter.reason import is_test

if TYPE_CHECKING:
    from milter.store.opened import OpenStore

# Seconds that a mail waits for others, so that a wave is written in few transactions.
PAUSE = 1.0
# Mails of one transaction, for which those wait who keep mail in the same file.
BATCH = 25
# Bytes of mails that wait; more are let go.
BACKLOG = 32 * 1024 * 1024
# Seconds to wait for a database that does not answer.
PATIENCE = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sight:
    """A flagged mail, when it came, and its id where it is kept."""

    raw: bytes
    envelope: Envelope
    verdict: Verdict
    seen: datetime
    mail_id: str | None


class Memory:
    """The campaigns of one store as a server process feeds them; its own thread, and its own connection."""

    def __init__(self, settings: Store) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory")
        self._lock = threading.Lock()
        self._waiting: deque[Sight] = deque()
        self._bytes = 0
        self._writing = False
        self._failing = False
        self._closing = threading.Event()
        self._store: OpenStore | None = None

    def remember(self, sight: Sight) -> None:
        """Take a mail into account, soon and if possible; returns at once."""
        if not self._is_wanted(sight):
            return
        with self._lock:
            if self._bytes + len(sight.raw) > BACKLOG:
                self._fail("more comes in than can be remembered")
                return
            self._waiting.append(sight)
            self._bytes += len(sight.raw)
            if not self._writing:
                self._writing = True
                self._thread.submit(self._write)

    def _is_wanted(self, sight: Sight) -> bool:
        """Mail of a sender who is only blocked is no letter of extortion, nor is a test."""
        verdict = sight.verdict
        if not verdict.flagged or TWO_SIDES.isdisjoint(one.group for one in verdict.reasons) or is_test(verdict):
            return False
        return sight.mail_id is not None or (self._settings.remember_tagged and self._settings.exists)

    def _write(self) -> None:
        self._closing.wait(PAUSE)
        while batch := self._next():
            try:
                self._remember(batch)
                self._failing = False
            except Exception as error:  # noqa: BLE001  in a thread of which nobody asks for the outcome
                self._give_up(error)

    def _next(self) -> list[Sight]:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._bytes -= sum(len(sight.raw) for sight in batch)
            self._writing = bool(batch)
            return batch

    def _remember(self, batch: list[Sight]) -> None:
        from milter.store.letter import letter_of  # noqa: PLC0415  most servers flag nothing for a long time

        letters = [
            letter_of(sight.raw, sight.envelope, sight.verdict, seen=sight.seen, mail_id=sight.mail_id)
            for sight in batch
        ]
        self._opened().campaigns.remember(letters)

    def _opened(self) -> OpenStore:
        if self._store is None:
            from milter.store.opened import open_store  # noqa: PLC0415

            self._store = open_store(self._settings, busy_timeout=PATIENCE)
        return self._store

    def _give_up(self, error: Exception) -> None:
        """What waits is lost, too: trying each would hold up the end of the process."""
        with self._lock:
            self._waiting.clear()
            self._bytes = 0
            self._fail(str(error))
        if self._store is not None:
            self._store.close()
            self._store = None

    def _fail(self, reason: str) -> None:
        """Said once until it works again."""
        if not self._failing:
            self._failing = True
            log.warning("campaigns are not remembered for now: %s", reason)

    def close(self) -> None:
        """Write what waits, and close the store."""
        self._closing.set()
        self._thread.shutdown()
        if self._store is not None:
            self._store.close()
