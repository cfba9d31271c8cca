"""What is left of a mail that was deleted or has expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from milter.errors import StoreError
from milter.store.audit import note
from milter.store.campaign_rows import forget_person
from milter.store.rows import unknown
from milter.store.tables import contents, mails, recipients

NO_TEXT: dict[str, Any] = {
    "author": "", "author_name": None, "subject": None, "verdict": None, "key_id": "", "note": "",
}  # fmt: skip
NO_ENVELOPE: dict[str, Any] = dict.fromkeys(
    ("mail_from", "mail_from_key", "client_addr", "client_name", "helo_name", "queue_id"), ""
)


def delete_mails(connection: Connection, ids: Sequence[str], by: str, now: datetime) -> int:
    """Wipe content and texts; how many mails had any. Raises StoreError if one is unknown or being released."""
    count = 0
    # In order, so that two who delete do not wait for each other.
    for mail_id in sorted(set(ids)):
        state = connection.execute(select(mails.c.state).where(mails.c.id == mail_id).with_for_update()).scalar()
        if state is None:
            raise unknown(connection, mail_id)
        if state == "releasing":
            raise StoreError(f"{mail_id} is being released just now; nothing was deleted")
        if state in {"held", "released"}:
            _wipe(connection, [mail_id], NO_TEXT | {"state": "deleted"})
            note(connection, by, "delete", mail_id, "", now)
            count += 1
    return count


def expire_mails(connection: Connection, before: datetime, by: str, now: datetime, limit: int) -> int:
    """Wipe mails that came before that time, envelopes included; how many, at most limit."""
    old = select(mails.c.id).where(mails.c.received < before, mails.c.state.in_(["held", "released", "deleted"]))
    ids = connection.execute(old.limit(limit).with_for_update(skip_locked=True)).scalars().all()
    _wipe(connection, ids, NO_TEXT | NO_ENVELOPE | {"state": "expired"})
    connection.execute(delete(recipients).where(recipients.c.mail_id.in_(ids)))
    for mail_id in ids:
        note(connection, by, "expire", mail_id, "", now)
    return len(ids)


def _wipe(connection: Connection, ids: Sequence[str], values: dict[str, Any]) -> None:
    forget_person(connection, ids)
    connection.execute(delete(contents).where(contents.c.id.in_(ids)))
    connection.execute(update(mails).where(mails.c.id.in_(ids)).values(values))
