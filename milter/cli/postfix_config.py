"""`postfix-config`: the lines that Postfix needs."""

from __future__ import annotations

from pathlib import Path

import click

from milter.cli.options import SYSTEM_CONFIG, config_option, load_config
from milter.postfix.layout import VALUES, lay_out


@click.command("postfix-config")
@click.argument("layout", type=click.Choice(list(VALUES)))
@config_option
def command(layout: str, config_path: Path | None) -> None:
    """Print the lines that Postfix needs for a lay-out, with the addresses of the configuration.

    Without a configuration, a small one that fits is printed, too. What each lay-out does is in docs/postfix.md.
    """
    given = config_path or SYSTEM_CONFIG.exists()
    click.echo(
        lay_out(layout, load_config(config_path) if given else None).text(config_path or SYSTEM_CONFIG), nl=False
    )
