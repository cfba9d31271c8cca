"""`serve`: run the filter."""

from __future__ import annotations

from pathlib import Path

import click

from milter.actions.hop_access import load_access
from milter.actions.sealing import load_seal_key
from milter.cli.extras import check_extras
from milter.cli.options import config_option, load_config
from milter.config import Config
from milter.frontends.server import serve
from milter.inspector import smtp_inspector
from milter.observe.logs import Logs
from milter.store.log_key import log_key


@click.command("serve")
@config_option
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", help="How much to log."
)
def command(config_path: Path | None, log_level: str) -> None:
    """Take in mail by SMTP, inspect it, and pass it on.

    SIGHUP reads settings and rules anew; SIGTERM stops gracefully.
    """
    logs = Logs(log_key, level=log_level)

    def settings() -> Config:
        config = _usable_config(config_path)
        logs.apply(config)
        return config

    serve(settings(), smtp_inspector, reload=settings)


def _usable_config(path: Path | None) -> Config:
    """Settings whose files can be read and whose store is ready. Raises ConfigError and StoreError."""
    config = load_config(path)
    if config.arc:
        load_seal_key(config.arc)
    check_extras(config)
    load_access(config)
    keeps = config.acts and config.quarantines
    if keeps and (config.listen or config.lmtp):
        from milter.store.opened import migrate

        migrate(config.store)
    return config
