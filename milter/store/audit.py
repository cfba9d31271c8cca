"""The audit log: who saw, released, deleted or exported what, and when. Entries are only ever added."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from milter.store.database import Database
from milter.store.records import AuditEntry
from milter.store.tables import audit


def note(connection: Connection, actor: str, action: str, mail_id: str | None, detail: str, at: datetime) -> None:
    """Add an entry in a transaction that is open: it stays only if the deed does.

    detail outlives the mail, so it names no recipient and quotes no text.
    """
    connection.execute(insert(audit).values(at=at, actor=actor, action=action, mail_id=mail_id, detail=detail))


class Audit:
    """The log of one database.

    The store itself records release, refuse, request, delete, expire, allow, block, unlist and rotate-key, together
    with the deed. What it cannot see (show, export) is for callers to record.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, actor: str, action: str, mail_id: str | None, detail: str, *, at: datetime) -> None:
        """Add an entry; detail names no recipient and quotes no text. Raises StoreError."""
        with self._database.writing() as connection:
            note(connection, actor, action, mail_id, detail, at)

    def entries(
        self,
        *,
        mail_id: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> list[tuple[int, AuditEntry]]:
        """Entries with their numbers, newest first; before (a number) goes on where a page ended. Raises StoreError."""
        wanted = [
            column == value
            for column, value in ((audit.c.mail_id, mail_id), (audit.c.actor, actor), (audit.c.action, action))
            if value is not None
        ]
        if since is not None:
            wanted.append(audit.c.at >= since)
        if before is not None:
            wanted.append(audit.c.number < before)
        query = select(audit).where(*wanted).order_by(audit.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            return [(number, AuditEntry(*entry)) for number, *entry in connection.execute(query)]
