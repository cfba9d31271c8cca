"""`quarantine list`: which mails were kept back, newest first."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milter.cli.moments import age
from milter.cli.options import config_option
from milter.cli.quarantine_options import chosen, desk, filter_options
from milter.cli.stored_json import listed
from milter.store.records import StoredMail

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("id", "age", "recipient", "sender", "kind", "score", "state")
PIPE_WIDTH = 1000
STYLES = {"held": "yellow", "uncertain": "red", "requested": "magenta", "releasing": "cyan", "released": "green"}


@click.command("list")
@config_option
@filter_options
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="So many mails at most.")
@click.option("--after", metavar="ID", help="Go on behind this mail, with which the page before ended.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def command(config_path: Path | None, limit: int, after: str | None, as_json: bool, **options: Any) -> None:
    """List kept mails, newest first.

    Neither subject nor text is shown.
    """
    with desk(config_path) as at:
        mails = at.store.quarantine.find(chosen(options), limit=limit + 1, after=after)
        if as_json:
            for mail in mails[:limit]:
                click.echo(json.dumps(listed(mail)))
            return
        print_mails(mails[:limit], at.now)
        if len(mails) > limit:
            click.echo(f"More: --after {mails[limit - 1].id}")


def print_mails(mails: Sequence[StoredMail], now: datetime) -> None:
    """A table: a mail takes a line of the terminal, and addresses are cut where that is too short for them."""
    from rich.table import Table

    if not mails:
        click.echo("No such mail.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        # The only columns that give way are those that may wrap, though an address has nothing to wrap at.
        table.add_column(
            name,
            no_wrap=name not in {"recipient", "sender"},
            overflow="ellipsis",
            justify="right" if name in {"age", "score"} else "left",
        )
    for mail in mails:
        table.add_row(*_row(mail, now))
    print_wide(table)


def print_wide(table: Table) -> None:
    """A pipe has no width; whoever reads it wants all."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    Console(highlight=False, width=width).print(table)


def _row(mail: StoredMail, now: datetime) -> tuple[str, ...]:
    from rich.markup import escape

    state = state_of(mail)
    gone = state in {"deleted", "expired"}
    return (
        mail.id,
        age(mail.received, now),
        escape(_word(recipients_of(mail))),
        escape(_word(mail.author or mail.envelope.mail_from)),
        mail.verdict.kind or "",
        "" if gone else f"{mail.verdict.score:.1f}",
        f"[{STYLES.get(state, 'dim')}]{state}[/]",
    )


def _word(address: str) -> str:
    """Without anything at which it could wrap."""
    from milter.evidence.masking import visible

    return "".join(visible(address).split())


def state_of(mail: StoredMail) -> str:
    """The state in a word: of a held mail also whether a copy may have arrived, or somebody asked for it."""
    if mail.state != "held":
        return mail.state
    if any(copy.uncertain for copy in mail.copies):
        return "uncertain"
    return "requested" if any(copy.requested_at and not copy.released_at for copy in mail.copies) else "held"


def recipients_of(mail: StoredMail) -> str:
    """The first recipient, behind the number of all where there are more."""
    addresses = [copy.recipient for copy in mail.copies] or [""]
    return f"({len(addresses)}){addresses[0]}" if len(addresses) > 1 else addresses[0]
