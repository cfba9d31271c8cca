"""`quarantine campaigns`: letters that went to many, and what was said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click

from milter.cli.moments import age, local
from milter.cli.options import config_option
from milter.cli.quarantine_list import print_wide
from milter.cli.quarantine_options import desk, desk_options
from milter.store.records import Campaign, CampaignState, Filter

COLUMNS = ("id", "first", "last", "mails", "recipients", "kind", "state", "wallets", "template")
RIGHT = {"id", "first", "last", "mails", "recipients"}
STYLES = {"suspected": "yellow", "confirmed": "red", "harmless": "green"}
# Characters of a template in a list.
BEGINNING = 60
# Mails that are named with a campaign.
MAILS_SHOWN = 20
DONE = {"confirmed": "is confirmed as extortion", "harmless": "is harmless"}


class ListByDefault(click.Group):
    """Without the name of a command it is `list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` in front of options."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("campaigns", cls=ListByDefault)
def command() -> None:
    """Letters that went to many: list them, look at one, say what it is.

    Without a command they are listed.
    """


@command.command("list")
@config_option
@click.option("--state", type=click.Choice(get_args(CampaignState)), help="In this state.")
@click.option("--mails", "least", type=click.IntRange(min=1), default=1, help="Of at least so many mails.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="So many at most.")
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
def list_campaigns(
    config_path: Path | None, state: CampaignState | None, least: int, limit: int, as_json: bool
) -> None:
    """List campaigns, those seen last first."""
    with desk(config_path) as at:
        found = at.store.campaigns.find(state, least=least, limit=limit)
        if as_json:
            for campaign in found:
                click.echo(json.dumps(listed(campaign)))
        elif found:
            _print([_row(campaign, at.now) for campaign in found])
        else:
            click.echo("No such campaign.")


def listed(campaign: Campaign) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "id": campaign.id,
        "state": campaign.state,
        "first_seen": campaign.first_seen.isoformat(),
        "last_seen": campaign.last_seen.isoformat(),
        "mails": campaign.mails,
        "recipients": campaign.recipients,
        "kind": campaign.kind,
        "wallets": [{"address": address, "currency": currency} for address, currency in campaign.wallets.items()],
        "decided_by": campaign.decided_by,
        "decided_at": campaign.decided_at.isoformat() if campaign.decided_at else None,
        "template": campaign.template,
    }


def _print(rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        # What an administrator may have to copy is never cut.
        last = name == "template"
        table.add_column(
            name, no_wrap=True, overflow="ellipsis" if last else "fold", justify="right" if name in RIGHT else "left"
        )
    for row in rows:
        table.add_row(*row)
    print_wide(table)


def _row(campaign: Campaign, now: datetime) -> tuple[str, ...]:
    from rich.markup import escape

    wallets = [f"{address[:6]}…{address[-4:]}" for address in campaign.wallets]
    more = f" +{len(wallets) - 1}" if len(wallets) > 1 else ""
    return (
        str(campaign.id),
        age(campaign.first_seen, now),
        age(campaign.last_seen, now),
        f"{campaign.mails:,}",
        f"{campaign.recipients:,}",
        campaign.kind or "",
        f"[{STYLES[campaign.state]}]{campaign.state}[/]",
        escape("".join(wallets[:1]) + more),
        escape(" ".join(_visible(campaign.template).split())[:BEGINNING]),
    )


def _visible(text: str) -> str:
    from milter.evidence.masking import visible

    return visible(text)


@command.command("show")
@click.argument("number", metavar="ID", type=int)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As one object.")
def show(number: int, config_path: Path | None, as_json: bool) -> None:
    """Show one campaign: its figures, payment addresses, kept mails, and the text that its letters have in common."""
    with desk(config_path) as at:
        campaign = at.store.campaigns.get(number)
        mails = at.store.quarantine.find(Filter(campaign=number), limit=MAILS_SHOWN)
        if as_json:
            click.echo(json.dumps({**listed(campaign), "kept": [mail.id for mail in mails]}))
            return
        for line in _page(campaign, [f"{mail.id}  {mail.state}  {local(mail.received)}" for mail in mails]):
            click.echo(line)


def _page(campaign: Campaign, mails: Sequence[str]) -> Iterator[str]:
    kind = f", {campaign.kind}" if campaign.kind else ""
    decided = f", by {campaign.decided_by} at {local(campaign.decided_at)}" if campaign.decided_at else ""
    yield f"Campaign {campaign.id}: {campaign.state}{decided}"
    yield f"{campaign.mails:,} mails to {campaign.recipients:,} recipients{kind}"
    yield f"from {local(campaign.first_seen)} to {local(campaign.last_seen)}"
    yield from (f"{currency} address {address}" for address, currency in campaign.wallets.items())
    yield ""
    yield _visible(campaign.template) or "The text was wiped with the only letter."
    if mails:
        yield ""
        yield "Kept"
        yield from (f"  {line}" for line in mails)


@command.command("confirm")
@click.argument("numbers", metavar="ID...", nargs=-1, required=True, type=int)
@desk_options
def confirm(numbers: tuple[int, ...], config_path: Path | None, actor: str | None) -> None:
    """Say that letters are extortion.

    What closely resembles them, or names their payment addresses, scores higher.
    """
    _decide(numbers, "confirmed", config_path, actor)


@command.command("harmless")
@click.argument("numbers", metavar="ID...", nargs=-1, required=True, type=int)
@desk_options
def harmless(numbers: tuple[int, ...], config_path: Path | None, actor: str | None) -> None:
    """Say that letters are no extortion.

    What closely resembles them scores lower, and is never quarantined.
    """
    _decide(numbers, "harmless", config_path, actor)


def _decide(numbers: Sequence[int], state: CampaignState, config_path: Path | None, actor: str | None) -> None:
    with desk(config_path, actor) as at:
        for number in numbers:
            at.store.campaigns.decide(number, state, by=at.actor, now=at.now)
            click.echo(f"Campaign {number} {DONE[state]}")
