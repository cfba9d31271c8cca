"""`quarantine audit`: who saw, released, deleted, exported and listed what, and when."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from milter.cli.moments import local, moment
from milter.cli.options import config_option
from milter.cli.quarantine_options import desk, say
from milter.cli.stored_json import logged


@click.command("audit")
@config_option
@click.option("--mail", "mail_id", metavar="ID", help="What was done with this mail.")
@click.option("--actor", help="What this one did.")
@click.option("--action", help="Only this: show, release, delete, export, allow, block, …")
@click.option("--since", type=moment, help="At this time or later: 2026-11-24, 12h, 3d.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="So many entries at most.")
@click.option("--before", type=int, metavar="NUMBER", help="Go on with which the page before ended.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def command(
    config_path: Path | None,
    *,
    mail_id: str | None,
    actor: str | None,
    action: str | None,
    since: datetime | None,
    limit: int,
    before: int | None,
    as_json: bool,
) -> None:
    """List the audit log, newest first."""
    with desk(config_path) as at:
        if mail_id is not None:
            mail_id = at.store.quarantine.get(mail_id).id
        found = at.store.audit.entries(
            mail_id=mail_id, actor=actor, action=action, since=since, limit=limit + 1, before=before
        )
    for number, entry in found[:limit]:
        if as_json:
            click.echo(json.dumps({"number": number, **logged(entry)}))
        else:
            words = (local(entry.at), entry.actor, entry.action, entry.mail_id or "", entry.detail)
            say("  ".join(word for word in words if word))
    if len(found) > limit and not as_json:
        click.echo(f"More: --before {found[limit - 1][0]}")
