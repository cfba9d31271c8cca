"""When something is sent: looked at once a minute by one worker of each node; the store lets one of them send."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta

from milter.actions.hops import make_next_hop
from milter.actions.nexthop import NextHop
from milter.config import Config, Digest
from milter.digest.opened import office
from milter.digest.send import Round
from milter.errors import StoreError

# Seconds between two rounds.
INTERVAL = 60.0
SATURDAY = 5

log = logging.getLogger(__name__)


def period(settings: Digest, now: datetime) -> str | None:
    """The day whose digest is due, a local date; None before its time, and on days without one."""
    if not settings.schedule:
        return None
    *weekdays, clock = settings.schedule.split()
    if (weekdays and now.weekday() >= SATURDAY) or now.time() < time.fromisoformat(clock):
        return None
    return now.date().isoformat()


async def tell(config: Config, hop: NextHop, now: datetime) -> None:
    """One round; a store that does not exist stays so. Raises StoreError."""
    due = period(config.digest, now)
    if not config.store.exists or not (due or config.tells_at_once):
        return
    async with office(config, now) as opened:
        if config.store.retention_days:
            before = now - timedelta(days=config.store.retention_days)
            await asyncio.to_thread(opened.store.mailings.forget, before)
        rounds = Round(config, opened, hop)
        if config.tells_at_once:
            await rounds.notices()
        if due:
            await rounds.digests(due)
            await rounds.administrator(due)


async def keep_telling(config: Config, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
    """A round now and then, until cancelled; trouble is logged and tried again."""
    hop = make_next_hop(config)
    try:
        while True:
            try:
                await tell(config, hop, now())
            except StoreError as error:
                log.warning("recipients were not told: %s", error)
            except Exception:
                log.exception("recipients were not told")
            await asyncio.sleep(INTERVAL)
    finally:
        await hop.close()
