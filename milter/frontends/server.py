"""The server: it holds the port, starts workers on it, replaces dead ones, and renews all of them on SIGHUP."""

from __future__ import annotations

import sys
from collections.abc import Callable

from milter.config import Address, Config
from milter.frontends.supervisor import Generation, MakeInspector, Supervisor, signals_blocked
from milter.frontends.worker import bind


def announce(address: Address) -> None:
    """Say on standard error where mail is taken in."""
    print(f"listening on {address}", file=sys.stderr, flush=True)  # noqa: T201  scripts wait for this line


def serve(
    config: Config,
    make_inspector: MakeInspector,
    *,
    reload: Callable[[], Config],
    ready: Callable[[Address], None] = announce,
) -> None:
    """Take in mail until SIGTERM or SIGINT. Raises ConfigError if the settings cannot be put to work.

    make_inspector is called before the workers are forked, so that they share its memory: it starts no thread and
    opens no connection. reload reads the settings anew on SIGHUP; when it or make_inspector raises ConfigError,
    the old settings stay.
    """
    with signals_blocked():
        generation = Generation(config, make_inspector(config), bind(config.listen))
        Supervisor(generation, make_inspector, reload).run(ready)
