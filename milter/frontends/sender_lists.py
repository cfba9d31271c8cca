"""The lists of senders in the store, taken over into the policies of a process; the hot path never asks a database."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from milter.config import Store
from milter.errors import StoreError
from milter.policies import PolicyBook

if TYPE_CHECKING:
    from milter.store.database import Database

# Seconds until a change, on whatever node, is known to all processes.
REFRESH = 5.0
# Seconds to wait for a database that does not answer; the lists stay as they were.
PATIENCE = 3.0

log = logging.getLogger(__name__)


class SenderLists:
    """Reads the lists of one store. While that does not exist, nothing is loaded or opened."""

    def __init__(self, settings: Store, policies: PolicyBook) -> None:
        self._settings = settings
        self._policies = policies
        self._database: Database | None = None
        self._failures = 0

    async def follow(self) -> None:
        """Keep the policies up to date until cancelled; a store that cannot be read leaves them as they are."""
        while True:
            try:
                await self._attempt()
            except Exception:
                log.exception("the lists of senders cannot be followed")
            await asyncio.sleep(REFRESH)

    async def _attempt(self) -> None:
        try:
            if self._settings.exists:
                await asyncio.to_thread(self._read)
        except StoreError as error:
            self.close()
            self._failures += 1
            # One failure alone may be a store that is just being made.
            if self._failures == 2:
                log.warning("the lists of senders stay as they are: %s", error)
        else:
            self._failures = 0

    def refresh(self) -> None:
        """Take the lists over as they are now; blocks. Raises StoreError."""
        if self._settings.exists:
            self._read()

    def _read(self) -> None:
        from milter.store.database import Database  # noqa: PLC0415  most servers have no store
        from milter.store.senders import Senders  # noqa: PLC0415

        database = self._database or Database(self._settings, busy_timeout=PATIENCE)
        self._database = database
        self._policies.renew(Senders(database).entries())

    def close(self) -> None:
        """Close the database; the next refresh opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = None


def read_sender_lists(settings: Store, policies: PolicyBook) -> None:
    """Take the lists over once, and leave nothing open; without a store there are none. Raises StoreError."""
    lists = SenderLists(settings, policies)
    try:
        lists.refresh()
    finally:
        lists.close()
