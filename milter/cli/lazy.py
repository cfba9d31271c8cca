"""Groups of commands that are modules of their own, imported when they are called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import click

from milter.errors import BlackmailFilterError
from milter.garbage import collector_paused


class LazyGroup(click.Group):
    """A group that knows its commands as modules, by name, each with a click command called `command`."""

    def __init__(self, name: str | None = None, *, modules: Mapping[str, str], **settings: Any) -> None:
        super().__init__(name, **settings)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the documentation."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in self._modules:
            return None
        with collector_paused():
            command: click.Command = importlib.import_module(self._modules[cmd_name]).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Turn what this package raises on purpose into one line and exit code 2."""
        try:
            return super().invoke(ctx)
        except BlackmailFilterError as error:
            click.echo(f"blackmail-filter: {error}", err=True)
            sys.exit(2)
