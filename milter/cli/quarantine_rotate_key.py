"""`quarantine rotate-key`: encrypt all that is kept with a new key."""

from __future__ import annotations

from pathlib import Path

import click

from milter.cli.quarantine_options import desk, desk_options


@click.command("rotate-key")
@desk_options
def command(config_path: Path | None, actor: str | None) -> None:
    """Encrypt all that is kept with a new key.

    It may run beside `serve`; what was interrupted is finished by the next. Old keys stay in the file, since copies of
    the database need them.
    """
    from milter.store.rotation import rotate

    with desk(config_path, actor) as at:
        done = rotate(at.store.database, at.store.cipher, by=at.actor, now=at.now)
    how = "added" if done.added else "was there, and the work with it is finished"
    click.echo(f"key {done.key_id} {how}; {done.count:,} {'row' if done.count == 1 else 'rows'} encrypted with it")
