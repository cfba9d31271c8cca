"""A new key for the store: all that is kept is encrypted anew, batch by batch, while others go on working."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update

from milter.errors import StoreError
from milter.store.audit import note
from milter.store.cipher import Cipher
from milter.store.database import Database
from milter.store.tables import SEALED, Sealed

# Rows of one transaction; others wait for it.
BATCH = 20


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was done: added says whether there is a new key, or an earlier rotation was finished; count is of rows."""

    key_id: str
    added: bool
    count: int


def rotate(database: Database, cipher: Cipher, *, by: str, now: datetime) -> Rotation:
    """Encrypt all that is kept with a new key, or go on where that was interrupted. Raises StoreError.

    While anything is not under the newest key, that is put right and no key is added: so it is also what follows when
    a key was put in front by hand, or when encryption was switched on. Old keys stay in the file, since other
    processes may still use them, and copies of the database need them.
    """
    if not cipher.key_id or cipher.ring is None:
        raise StoreError("store.encrypt is off: there is no key to change")
    added = not _pending(database, cipher.key_id)
    if added:
        cipher.ring.add()
    count = sum(_reencrypt(database, cipher, sealed) for sealed in SEALED)
    with database.writing() as connection:
        note(connection, by, "rotate-key", None, f"key {cipher.key_id}, {count} rows", now)
    return Rotation(cipher.key_id, added, count)


def _pending(database: Database, key_id: str) -> bool:
    with database.reading() as connection:
        return any(
            connection.execute(select(sealed.table.c.id).where(_old(sealed, key_id)).limit(1)).first()
            for sealed in SEALED
        )


def _reencrypt(database: Database, cipher: Cipher, sealed: Sealed) -> int:
    count = 0
    while True:
        with database.writing() as connection:
            key_id = cipher.key_id
            ids = connection.execute(select(sealed.table.c.id).where(_old(sealed, key_id)).limit(BATCH)).scalars().all()
            for row_id in ids:
                _reencrypt_row(connection, cipher, sealed, row_id, key_id)
        count += len(ids)
        if len(ids) < BATCH:
            return count


def _reencrypt_row(connection: Connection, cipher: Cipher, sealed: Sealed, row_id: Any, key_id: str) -> None:
    table = sealed.table
    row = connection.execute(select(table).where(table.c.id == row_id).with_for_update()).mappings().first()
    if row is None:
        return
    values: dict[str, Any] = {"key_id": key_id}
    for name in sealed.columns:
        if row[name] is not None:
            place = f"{table.name}/{row_id}/{name}"
            values[name] = cipher.seal(cipher.unseal(row[name], place, row["key_id"]), place, key_id)
    connection.execute(update(table).where(table.c.id == row_id).values(values))


def _old(sealed: Sealed, key_id: str) -> ColumnElement[bool]:
    """Rows that hold something under another key, or under none."""
    table = sealed.table
    return (table.c.key_id != key_id) & or_(*(table.c[name].is_not(None) for name in sealed.columns))
