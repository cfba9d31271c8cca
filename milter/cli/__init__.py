"""The command `blackmail-filter`: one small module a command, imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from milter import __version__
from milter.errors import ConfigError

COMMANDS = ("serve", "scan", "check", "rules", "demo")


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, so that `--help` loads none of the engine."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"milter.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Turn a wrong setting into one line and exit code 2."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(f"blackmail-filter: {error}", err=True)
            sys.exit(2)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="blackmail-filter")
def main() -> None:
    """Recognise extortion by mail, say why in plain words, and never lose a mail."""
