"""`serve`: run the filter."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from milter.actions.sealing import load_seal_key
from milter.cli.extras import check_extras
from milter.cli.options import config_option, load_config
from milter.config import Config
from milter.frontends.server import serve
from milter.inspector import smtp_inspector


@click.command("serve")
@config_option
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="How much to log."
)
def command(config_path: Path | None, log_level: str) -> None:
    """Take in mail by SMTP, inspect it, and pass it on.

    SIGHUP reads settings and rules anew; SIGTERM stops gracefully.
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    serve(_usable_config(config_path), smtp_inspector, reload=lambda: _usable_config(config_path))


def _usable_config(path: Path | None) -> Config:
    """Settings whose files can be read and whose store is ready. Raises ConfigError and StoreError."""
    config = load_config(path)
    if config.arc:
        load_seal_key(config.arc)
    check_extras(config)
    if config.listen and config.inspect and config.quarantines:
        from milter.store.opened import migrate

        migrate(config.store)
    return config
