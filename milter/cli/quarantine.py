"""`quarantine`: what was kept back, why, and what is to become of it."""

from __future__ import annotations

import click

from milter.cli.lazy import LazyGroup

COMMANDS = (
    *("list", "show", "release", "delete", "allow", "block", "evidence", "campaigns", "audit"),
    *("purge", "migrate", "rotate-key"),
)


@click.command(
    "quarantine",
    cls=LazyGroup,
    modules={name: f"milter.cli.quarantine_{name.replace('-', '_')}" for name in COMMANDS},
)
def command() -> None:
    """Look at the mails that were kept back, and release or delete them."""
