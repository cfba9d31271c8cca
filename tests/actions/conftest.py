"""What tests of the next hop share: certificates, and next hops that speak TLS and come and go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from conftest import LOOPBACK
from tls_hop import TlsHop

from milter.config import Address
from milter.frontends.sockets import address_of


class Served:
    """A next hop on loopback that can be stopped, and started again on the same port."""

    def __init__(self, hop: TlsHop) -> None:
        self.hop = hop

    async def start(self) -> None:
        """Listen."""
        where = self.hop.address
        self._server = await asyncio.start_server(self.hop.serve, where.host, where.port, limit=2**28)
        self.hop.address = address_of(self._server.sockets[0])  # type: ignore[assignment]

    async def stop(self) -> None:
        """Listen no more, and end all connections."""
        self._server.close()
        await self.hop.close()


@pytest.fixture
async def serve_hop() -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Start a TlsHop: `await serve_hop(answers={...})`."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(host: str = LOOPBACK, **settings: Any) -> Served:
            served = Served(TlsHop(address=Address(host=host, port=0), **settings))
            await served.start()
            stack.push_async_callback(served.stop)
            return served

        yield start
