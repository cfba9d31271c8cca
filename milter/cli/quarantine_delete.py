"""`quarantine delete`: wipe kept mail for good."""

from __future__ import annotations

from pathlib import Path

import click

from milter.cli.quarantine_options import confirm, desk, desk_options, yes_option


@click.command("delete")
@click.argument("mail_ids", metavar="ID...", nargs=-1, required=True)
@yes_option
@desk_options
def command(mail_ids: tuple[str, ...], yes: bool, config_path: Path | None, actor: str | None) -> None:
    """Wipe mails for good.

    Content, subject and verdict of all of them go or, if an id is unknown, of none.
    """
    with desk(config_path, actor) as at:
        ids = list(dict.fromkeys(at.store.quarantine.get(mail_id).id for mail_id in mail_ids))
        confirm(f"Delete {', '.join(ids)} for good?", yes=yes)
        count = at.store.quarantine.delete(ids, by=at.actor, now=at.now)
    click.echo(f"{count} deleted" + (f", {len(ids) - count} were gone before" if count < len(ids) else ""))
