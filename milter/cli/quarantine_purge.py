"""`quarantine purge`: wipe mail that has been kept for longer than it has to be."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from milter.cli.moments import local, moment
from milter.cli.quarantine_options import confirm, desk, desk_options, yes_option


@click.command("purge")
@click.option(
    "--before", type=moment, help="Mail that arrived before this time, for instance 30d; default: retention_days ago."
)
@yes_option
@desk_options
def command(before: datetime | None, yes: bool, config_path: Path | None, actor: str | None) -> None:
    """Wipe old mail, envelopes included.

    `serve` does it by itself with mail that is older than store.retention_days.
    """
    with desk(config_path, actor) as at:
        days = at.config.store.retention_days
        if before is None and days == 0:
            raise click.UsageError("store.retention_days is 0, so mail is kept for ever; say --before")
        if before is None:
            before = at.now - timedelta(days=days)
        else:
            confirm(f"Wipe all mail that arrived before {local(before)}, released or not?", yes=yes)
        count = at.store.quarantine.purge(before, now=at.now, by=at.actor)
    click.echo(f"{count:,} {'mail' if count == 1 else 'mails'} from before {local(before)} wiped")
