"""Keep mail in the store without holding up the event loop; nothing is opened before the first mail is kept."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from milter.config import Store
from milter.errors import StoreError
from milter.model import Envelope, Verdict

if TYPE_CHECKING:
    from milter.store.opened import OpenStore

# As many as the store has connections.
THREADS = 4
# Seconds for one mail; below the 100 that Postfix waits.
TIMEOUT = 60.0


class Keeper:
    """The store as a server process uses it. Threads of its own: a store that does not answer stops nothing else."""

    def __init__(self, settings: Store) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._opening = threading.Lock()
        self._store: OpenStore | None = None

    async def keep(self, raw: bytes, envelope: Envelope, verdict: Verdict, received: datetime) -> str:
        """Keep a mail; its id. It is on disk when this returns. Raises StoreError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(TIMEOUT):
                return await loop.run_in_executor(self._threads, self._keep, raw, envelope, verdict, received)
        except TimeoutError:
            raise StoreError("the store does not answer") from None

    def _keep(self, raw: bytes, envelope: Envelope, verdict: Verdict, received: datetime) -> str:
        return self._open().quarantine.keep(raw, envelope, verdict, received=received)

    def _open(self) -> OpenStore:
        with self._opening:
            if self._store is None:
                from milter.store.opened import open_store  # noqa: PLC0415  most servers keep nothing for a long time

                self._store = open_store(self._settings)
            return self._store

    def close(self) -> None:
        """Wait for mails that are being written, then close the store."""
        self._threads.shutdown()
        if self._store:
            self._store.close()
