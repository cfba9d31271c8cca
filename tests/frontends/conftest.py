"""The filter as a milter, and an MTA that calls it; certificates, and the loops that sessions run on."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import uvloop
from milter_mta import MilterMta
from server_process import SCRIPTED, servers

# What depends on how a loop does things is tested on both that we run on.
ON_BOTH_LOOPS = {"test_peers.py", "test_proxy_protocol.py", "test_starttls.py"}


def pytest_asyncio_loop_factories(config, item):
    """Called by pytest-asyncio."""
    factories = {"asyncio": asyncio.new_event_loop}
    return factories | ({"uvloop": uvloop.new_event_loop} if item.path.name in ON_BOTH_LOOPS else {})


@pytest.fixture
async def call():
    """Open a milter connection: `await call(filter)`; negotiated and greeted unless negotiate=False."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_connection(target, *, negotiate=True) -> MilterMta:
            mta = MilterMta(*await asyncio.open_connection(target.milter.host, target.milter.port))
            stack.callback(mta.writer.close)
            if negotiate:
                await mta.negotiate()
                mta.connect()
            return mta

        yield open_connection


@pytest.fixture
def start_milter(start_filter):
    """Start a filter that Postfix can call: `await start_milter(verdict, setting=...)`."""

    def start(judge=None, **settings):
        return start_filter(None, judge, **{"milter": "127.0.0.1:0"} | settings)

    return start


@pytest.fixture
def start(tmp_path):
    """Start a server in processes of its own: `start(setting=...)`; its inspector does as mails tell it."""
    with servers(tmp_path, SCRIPTED) as start_server:
        yield start_server
