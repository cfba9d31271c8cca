"""The store, the next hop and the words of one moment, put together for what is to be told or done now."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from milter.config import Config
from milter.digest.compose import Composer
from milter.digest.letters import Desk
from milter.digest.tokens import Tokens, signing_keys
from milter.policies import Policies
from milter.store.opened import OpenStore, open_store


@dataclass(frozen=True, slots=True)
class Office:
    """An open store and those who write about it."""

    store: OpenStore
    desk: Desk
    composer: Composer


def open_office(config: Config, now: datetime) -> Office:
    """Blocks. Raises StoreError."""
    store = open_store(config.store)
    try:
        keys = signing_keys(config.store)
        tokens = Tokens(keys, valid_days=config.digest.valid_days)
        desk = Desk(config, tokens, Policies(config, store.senders.entries()), now)
        return Office(store, desk, Composer(desk, keys[-1]))
    except BaseException:
        store.close()
        raise


@contextlib.asynccontextmanager
async def office(config: Config, now: datetime) -> AsyncIterator[Office]:
    """Open inside the block. Raises StoreError."""
    opened = await asyncio.to_thread(open_office, config, now)
    try:
        yield opened
    finally:
        opened.store.close()
