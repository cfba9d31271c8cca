"""What others have written into the store, taken over by a running process; the hot path never asks a database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from milter.config import Store
from milter.errors import StoreError
from milter.policies import PolicyBook
from milter.signals.campaigns import CampaignBook

if TYPE_CHECKING:
    from milter.store.database import Database

# Seconds until a change, on whatever node, is known to all processes.
REFRESH = 5.0
# Seconds to wait for a database that does not answer; all stays as it was.
PATIENCE = 3.0

log = logging.getLogger(__name__)

# Takes over what it is for; blocks. Raises StoreError.
Reader = Callable[["Database"], None]


def sender_lists(policies: PolicyBook) -> Reader:
    """Takes the lists of senders over into policies."""

    def read(database: Database) -> None:
        from milter.store.senders import Senders  # noqa: PLC0415  most servers have no store

        policies.renew(Senders(database).entries())

    return read


def decided_campaigns(campaigns: CampaignBook) -> Reader:
    """Takes over what was decided of campaigns."""

    def read(database: Database) -> None:
        from milter.store.decided import Decided  # noqa: PLC0415  most servers have no store

        Decided(database).teach(campaigns)

    return read


class StoreWatch:
    """Lets readers look into one store. While that does not exist, nothing is loaded or opened."""

    def __init__(self, settings: Store, *readers: Reader) -> None:
        self._settings = settings
        self._readers = readers
        self._database: Database | None = None
        self._failures = 0

    async def follow(self) -> None:
        """Let them look again and again until cancelled; while the store cannot be read, all stays as it is."""
        while True:
            try:
                await self._attempt()
            except Exception:
                log.exception("the store cannot be followed")
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
                log.warning("what is known of senders and campaigns stays as it is: %s", error)
        else:
            self._failures = 0

    def refresh(self) -> None:
        """Let them look once; blocks. Raises StoreError."""
        if self._settings.exists:
            self._read()

    def _read(self) -> None:
        from milter.store.database import Database  # noqa: PLC0415  most servers have no store

        database = self._database or Database(self._settings, busy_timeout=PATIENCE)
        self._database = database
        for read in self._readers:
            read(database)

    def close(self) -> None:
        """Close the database; the next refresh opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = None


def read_once(settings: Store, *readers: Reader) -> None:
    """Let readers look into a store once, and leave nothing open; without one nothing happens. Raises StoreError."""
    watch = StoreWatch(settings, *readers)
    try:
        watch.refresh()
    finally:
        watch.close()
