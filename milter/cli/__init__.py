"""The command `blackmail-filter`: one small module a command, imported only when it is called."""

from __future__ import annotations

import click

from milter import __version__
from milter.cli.lazy import LazyGroup

COMMANDS = (
    "serve",
    "status",
    "scan",
    "check",
    "postfix-config",
    "rules",
    "quarantine",
    "digest",
    "install-service",
    "demo",
)


@click.command(
    cls=LazyGroup,
    modules={name: f"milter.cli.{name.replace('-', '_')}" for name in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="blackmail-filter")
def main() -> None:
    """Recognise extortion by mail, say why in plain words, and never lose a mail."""
