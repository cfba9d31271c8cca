"""How much is in quarantine, without reading any of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import distinct, func, select

from milter.config import Store
from milter.store.database import Database
from milter.store.tables import mails, recipients

# Seconds to wait for others that write, or for a server that does not answer.
PATIENCE = 3.0
KEPT = ("held", "releasing")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of mails that are kept: how many, their bytes as they came in, and when the oldest came.

    requested: mails that a recipient asks for; uncertain: those that may have arrived when a release was interrupted.
    """

    mails: int = 0
    size: int = 0
    oldest: datetime | None = None
    requested: int = 0
    uncertain: int = 0


def figures(settings: Store) -> Figures:
    """What is kept now; a store that does not exist is empty. Blocks. Raises StoreError."""
    if not settings.exists:
        return Figures()
    database = Database(settings, busy_timeout=PATIENCE)
    try:
        with database.reading() as connection:
            kept = mails.c.state.in_(KEPT)
            size = func.coalesce(func.sum(mails.c.size), 0)
            count, total, oldest = connection.execute(
                select(func.count(), size, func.min(mails.c.received)).where(kept)
            ).one()
            waiting = (
                select(func.count(distinct(mails.c.id)))
                .join(recipients, recipients.c.mail_id == mails.c.id)
                .where(mails.c.state == "held", recipients.c.released_at.is_(None))
            )
            requested = connection.execute(waiting.where(recipients.c.requested_at.is_not(None))).scalar_one()
            uncertain = connection.execute(waiting.where(recipients.c.uncertain)).scalar_one()
    finally:
        database.close()
    return Figures(count, int(total), oldest, requested, uncertain)
