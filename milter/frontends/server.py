"""The server: it holds the port, starts workers on it, replaces dead ones, and renews all of them on SIGHUP."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from milter.config import Config, Endpoint
from milter.frontends.supervisor import MakeInspector, Supervisor, prepare, signals_blocked

READY = {"listen": "listening", "milter": "milter", "web": "web page"}


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
) -> None:
    """Take in mail until SIGTERM or SIGINT. Raises ConfigError if the settings cannot be put to work.

    make_inspector is called before the workers are forked, so that they share its memory: it starts no thread and
    opens no connection. reload reads the settings anew on SIGHUP; when it or make_inspector raises ConfigError,
    the old settings stay.
    """
    with signals_blocked():
        Supervisor(prepare(config, make_inspector), make_inspector, reload).run(ready)
