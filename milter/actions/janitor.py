"""Keep the store in order: finish releases whose process is gone, and wipe mail that was kept for long enough."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from milter.actions.nexthop import NextHop
from milter.config import Store
from milter.errors import StoreError

if TYPE_CHECKING:
    from milter.store.records import Interrupted

# Seconds between two rounds.
INTERVAL = 60.0

log = logging.getLogger(__name__)


def sweep(settings: Store, now: datetime) -> list[Interrupted]:
    """One round; the releases that it found interrupted. A store that does not exist stays so. Raises StoreError."""
    if not settings.exists:
        return []
    from milter.store.opened import open_store  # noqa: PLC0415  most servers have no store

    with open_store(settings) as store:
        interrupted = store.quarantine.resume(now)
        if settings.retention_days:
            count = store.quarantine.purge(now - timedelta(days=settings.retention_days), now=now)
            if count:
                log.info("%d mails wiped after %d days", count, settings.retention_days)
    for found in interrupted:
        uncertain = any(copy.uncertain for copy in found.mail.copies)
        what = "it may have arrived and is held" if uncertain else "nothing was sent; it goes on now"
        log.warning("%s: %s, %s", found.mail.id, found.mail.note, what)
    return interrupted


async def finish(settings: Store, found: Sequence[Interrupted], hop: NextHop, now: Callable[[], datetime]) -> None:
    """Send what an interrupted release did not; if that fails, the mail stays held, with a note. Raises StoreError."""
    from milter.actions.release import Releaser  # noqa: PLC0415
    from milter.store.opened import open_store  # noqa: PLC0415

    store = await asyncio.to_thread(open_store, settings)
    try:
        releaser = Releaser(store.quarantine, hop, now)
        for one in found:
            try:
                release = await releaser.release(one.mail.id, by=one.by, recipients=one.waiting)
            except StoreError as error:
                log.warning("%s: the release did not go on: %s", one.mail.id, error)
            else:
                log.info("%s: released to %d recipients", one.mail.id, len(release.delivered))
    finally:
        await asyncio.to_thread(store.close)


async def keep_order(settings: Store, hop: NextHop, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """A round now and then, until cancelled; trouble with the store is logged and tried again."""
    while True:
        try:
            interrupted = await asyncio.to_thread(sweep, settings, now())
            if unsent := [found for found in interrupted if found.waiting]:
                await finish(settings, unsent, hop, now)
        except StoreError as error:
            log.warning("the quarantine was not looked after: %s", error)
        except Exception:
            log.exception("the quarantine was not looked after")
        await asyncio.sleep(INTERVAL)
