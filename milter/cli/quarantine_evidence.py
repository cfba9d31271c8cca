"""`quarantine evidence`: hand kept mails over to those who investigate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from milter.cli.options import reader_options
from milter.cli.quarantine_options import Desk, desk, desk_options

if TYPE_CHECKING:
    from milter.evidence import Case


@click.command("evidence")
@click.argument("mail_ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The ZIP to be written."
)
@reader_options
@desk_options
def command(
    mail_ids: tuple[str, ...],
    output: Path,
    language: str | None,
    country: str | None,
    config_path: Path | None,
    actor: str | None,
) -> None:
    """Write a ZIP of mails for the police.

    It holds each mail untouched, a report for people, and its facts for machines.
    """
    from milter.cli.evidence import check_ready, save_bundle

    check_ready(output)
    with desk(config_path, actor) as at:
        ids = list(dict.fromkeys(at.store.quarantine.get(mail_id).id for mail_id in mail_ids))
        save_bundle(output, _cases(at, ids), at.config, language=language, country=country)


def _cases(at: Desk, ids: Sequence[str]) -> Iterator[Case]:
    """One in memory at a time; who takes it is in the log before it leaves."""
    from milter.evidence import Case

    for mail_id in ids:
        mail, raw = at.store.quarantine.get(mail_id), at.store.quarantine.raw(mail_id)
        at.store.audit.record(at.actor, "export", mail.id, "evidence", at=at.now)
        yield Case(mail.id, raw, mail.envelope, mail.verdict, mail.received)
