"""Keep the store in order: end releases whose process is gone, and wipe mail that was kept for long enough."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from milter.config import Store
from milter.errors import StoreError

# Seconds between two rounds.
INTERVAL = 60.0

log = logging.getLogger(__name__)


def sweep(settings: Store, now: datetime) -> None:
    """One round; a store that does not exist stays so. Raises StoreError."""
    if not settings.exists:
        return
    from milter.store.opened import open_store  # noqa: PLC0415  most servers have no store

    with open_store(settings) as store:
        for mail in store.quarantine.resume(now):
            uncertain = any(copy.uncertain for copy in mail.copies)
            log.warning("%s: %s, %s", mail.id, mail.note, "it may have arrived" if uncertain else "nothing was sent")
        if settings.retention_days:
            count = store.quarantine.purge(now - timedelta(days=settings.retention_days), now=now)
            if count:
                log.info("%d mails wiped after %d days", count, settings.retention_days)


async def keep_order(settings: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """A round now and then, until cancelled; trouble with the store is logged and tried again."""
    while True:
        try:
            await asyncio.to_thread(sweep, settings, now())
        except StoreError as error:
            log.warning("the quarantine was not looked after: %s", error)
        except Exception:
            log.exception("the quarantine was not looked after")
        await asyncio.sleep(INTERVAL)
