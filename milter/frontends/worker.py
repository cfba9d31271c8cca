"""One process of the server: an event loop that takes connections from a socket it was given."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from milter.actions.janitor import keep_order
from milter.frontends.generation import Listeners
from milter.frontends.heartbeat import Heartbeat
from milter.frontends.service import Service
from milter.frontends.smtp import SmtpServer
from milter.frontends.sockets import BACKLOG


def lmtp_connection(service: Service) -> asyncio.BaseProtocol:
    """A session by LMTP."""
    from milter.frontends.lmtp import LmtpServer  # noqa: PLC0415  most servers do not listen for it

    return LmtpServer(service)


def milter_connection(service: Service) -> asyncio.BaseProtocol:
    """A connection by the milter protocol."""
    from milter.frontends import milter_protocol  # noqa: PLC0415  most servers do not listen for it

    return milter_protocol.milter_connection(service)


FRONT_ENDS: Mapping[str, Callable[[Service], asyncio.BaseProtocol]] = {
    "listen": SmtpServer,
    "lmtp": lmtp_connection,
    "milter": milter_connection,
}


@contextlib.asynccontextmanager
async def listening(
    service: Service, listeners: Listeners, patience: float = 0.0
) -> AsyncIterator[Sequence[asyncio.Server]]:
    """Serve on sockets inside the block; then stop in good order, for at most patience seconds."""
    servers = [
        await service.loop.create_server(partial(FRONT_ENDS[setting], service), sock=listener, backlog=BACKLOG)
        for setting, listener in listeners.items()
        if setting in FRONT_ENDS
    ]
    service.start()
    try:
        async with _web(service, listeners.get("web")):
            yield servers
    finally:
        _close(servers)
        await service.stop(patience)


def _web(service: Service, listener: socket.socket | None) -> contextlib.AbstractAsyncContextManager[None]:
    if listener is None:
        return contextlib.nullcontext()
    from milter.frontends.web import serving, web_app  # noqa: PLC0415  an extra

    return serving(web_app(service.config, service.hop, service.now), listener)


def _close(servers: Sequence[asyncio.Server]) -> None:
    for server in servers:
        server.close()


async def work(
    make_service: Callable[[], Service],
    listeners: Listeners,
    lifeline: int,
    ready: Callable[[], None],
    heartbeat: Heartbeat,
    *,
    keeps_order: bool,
) -> None:
    """Serve until SIGTERM, or until the supervisor is gone and its end of the lifeline closed.

    After SIGUSR1 no more connections are taken, and the sessions that are open may end by themselves. keeps_order:
    look after the store, too, while its settings are in force.
    """
    loop = asyncio.get_running_loop()
    stop, retire = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, retire.set)
    loop.add_reader(lifeline, stop.set)
    heartbeat.keep_beating(loop)
    service = make_service()
    config = service.config
    async with listening(service, listeners, config.stop_timeout) as servers:
        ready()
        await _first(stop.wait(), retire.wait(), *(_chores(service) if keeps_order else []))
        _close(servers)
        if retire.is_set():
            await _first(stop.wait(), service.empty(), asyncio.sleep(config.command_timeout))
        loop.remove_reader(lifeline)


def _chores(service: Service) -> Iterator[Coroutine[Any, Any, None]]:
    """What one worker does beside its mail."""
    config = service.config
    yield keep_order(config.store, service.hop)
    if config.digest.schedule or config.tells_at_once:
        from milter.digest.schedule import keep_telling  # noqa: PLC0415  most servers tell nobody

        yield keep_telling(config)


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until the first of them is through."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
