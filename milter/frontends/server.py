"""The server: it holds the port, starts workers on it, replaces dead ones, and renews all of them on SIGHUP."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from milter.config import Config, Endpoint
from milter.frontends.generation import Listeners, MakeInspector, prepare
from milter.frontends.supervisor import TICK, Supervisor, Tell, signals_blocked, tell_nobody

READY = {"listen": "listening", "lmtp": "lmtp", "milter": "milter", "web": "web page", "metrics": "metrics"}


def announce(addresses: Mapping[str, Endpoint]) -> None:
    """Say on standard error where mail is taken in."""
    for setting, address in addresses.items():
        print(f"{READY[setting]} on {address}", file=sys.stderr, flush=True)  # noqa: T201  scripts wait for these lines


def serve(
    config: Config,
    make_inspector: MakeInspector,
    *,
    reload: Callable[[], Config],
    ready: Callable[[Mapping[str, Endpoint]], None] = announce,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Take in mail until SIGTERM or SIGINT. Raises ConfigError if the settings cannot be put to work.

    make_inspector is called before the workers are forked, so that they share its memory: it starts no thread and
    opens no connection. reload reads the settings anew on SIGHUP; when it or make_inspector raises ConfigError,
    the old settings stay. Sockets of systemd take the place of those that the settings name.
    """
    with signals_blocked():
        generation = prepare(config, make_inspector, inherited=_inherited(environ))
        tell, tick = _service_manager(environ)
        Supervisor(generation, make_inspector, reload, tell, tick).run(ready)


def _inherited(environ: Mapping[str, str]) -> Listeners:
    if "LISTEN_FDS" not in environ:
        return {}
    from milter.frontends.activation import inherited  # noqa: PLC0415  without systemd it is not needed

    return inherited(environ)


def _service_manager(environ: Mapping[str, str]) -> tuple[Tell, float]:
    """Who hears of our phases, and the seconds between two signs of life."""
    if "NOTIFY_SOCKET" not in environ:
        return tell_nobody, TICK
    from milter.frontends.notify import Notifier  # noqa: PLC0415  without systemd it is not needed

    notifier = Notifier(environ)
    return notifier, min(TICK, notifier.tick)
