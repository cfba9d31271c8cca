"""Open the store of a configuration: database, tables and keys in order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select

from milter.config import Store
from milter.errors import StoreError
from milter.store.audit import Audit
from milter.store.campaigns import Campaigns
from milter.store.cipher import Cipher
from milter.store.database import Database
from milter.store.keys import KeyRing, given_ring, new_ring, wrong_key
from milter.store.mailings import Mailings
from milter.store.quarantine import Quarantine
from milter.store.senders import Senders
from milter.store.tables import SEALED


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store that is ready; close() it, or use it as a context manager."""

    database: Database
    cipher: Cipher
    quarantine: Quarantine
    senders: Senders
    audit: Audit
    mailings: Mailings
    campaigns: Campaigns

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(settings: Store, *, environ: Mapping[str, str] = os.environ, busy_timeout: float = 10.0) -> OpenStore:
    """The store of a configuration, its tables migrated and its key made when there is none. Raises StoreError."""
    database = Database(settings, busy_timeout=busy_timeout)
    try:
        database.migrate()
        cipher = Cipher(_ring(settings, database, environ), encrypt=settings.encrypt)
    except BaseException:
        database.close()
        raise
    return OpenStore(
        database=database,
        cipher=cipher,
        quarantine=Quarantine(database, cipher),
        senders=Senders(database),
        audit=Audit(database),
        mailings=Mailings(database),
        campaigns=Campaigns(database, cipher),
    )


def migrate(settings: Store) -> None:
    """Bring the tables to this version, and check that the key fits. Raises StoreError."""
    open_store(settings).close()


def _ring(settings: Store, database: Database, environ: Mapping[str, str]) -> KeyRing | None:
    """The keys, checked against what the store needs. Without encryption those that are there, to read older mail."""
    ring = given_ring(settings.key_file, environ)
    with database.reading() as connection:
        needed = _needed_keys(connection)
    if ring is None and needed:
        raise StoreError(
            f"{settings.key_file}: the key file is missing, and the store needs its key {', '.join(sorted(needed))};"
            " put it back"
        )
    if ring is not None and (missing := needed - set(ring.ids)):
        raise wrong_key(ring.source, ", ".join(sorted(missing)))
    if not settings.encrypt:
        return ring
    return ring or new_ring(settings.key_file)


def _needed_keys(connection: Connection) -> set[str]:
    found: set[str] = set()
    for sealed in SEALED:
        column = sealed.table.c.key_id
        found |= set(connection.execute(select(column).where(column != "").distinct()).scalars())
    return found
