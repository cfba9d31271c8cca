"""`digest`: tell recipients now what was kept back, or see what they would be told."""

from __future__ import annotations

import click

from milter.cli.lazy import LazyGroup

COMMANDS = ("send", "preview")


@click.command("digest", cls=LazyGroup, modules={name: f"milter.cli.digest_{name}" for name in COMMANDS})
def command() -> None:
    """Tell recipients of mails that were kept back for them."""
