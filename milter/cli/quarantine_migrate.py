"""`quarantine migrate`: make the store, or bring its tables to this version."""

from __future__ import annotations

from pathlib import Path

import click

from milter.cli.options import config_option, load_config


@click.command("migrate")
@config_option
def command(config_path: Path | None) -> None:
    """Make the store, or bring it to this version.

    `serve` does it by itself.
    """
    from milter.store.opened import open_store

    with open_store(load_config(config_path).store) as store:
        click.echo(f"{store.database.name} is ready")
