"""`quarantine release`: hand kept mail over to those it was sent to."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from milter.cli.quarantine_options import Desk, desk, desk_options, say
from milter.errors import StoreError

if TYPE_CHECKING:
    from milter.actions.release import Release


@click.command("release")
@click.argument("mail_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--to", "recipients", metavar="RECIPIENT", multiple=True, help="Only this one's copy; may be repeated.")
@click.option("--again", is_flag=True, help="Also copies that may have arrived when a release was interrupted.")
@click.option(
    "--false-alarm", is_flag=True, help="Learn that these mails, and what closely resembles them, are no extortion."
)
@click.option("--as-recipient", metavar="ADDRESS", help="As this recipient: its copy, if its policy lets it.")
@desk_options
def command(
    mail_ids: tuple[str, ...],
    recipients: tuple[str, ...],
    again: bool,
    false_alarm: bool,
    as_recipient: str | None,
    config_path: Path | None,
    actor: str | None,
) -> None:
    """Send mails to those who wait for them.

    They go out as they came in, below one more field, X-Blackmail-Released. A line for each says what happened. Exit
    1 if one was not released, 2 if one is unknown or the store fails.
    """
    if as_recipient and (recipients or actor or again or false_alarm):
        raise click.UsageError("--as-recipient goes with none of --to, --as, --again and --false-alarm")
    with desk(config_path, as_recipient or actor) as at:
        if as_recipient and _may_only_ask(at, as_recipient):
            codes = [_ask(at, mail_id, as_recipient) for mail_id in mail_ids]
        else:
            wanted = [as_recipient] if as_recipient else recipients or None
            codes = asyncio.run(_release_all(at, mail_ids, wanted, again=again, false_alarm=false_alarm))
    sys.exit(max(codes))


def _may_only_ask(at: Desk, recipient: str) -> bool:
    from milter.policies import Policies

    return Policies(at.config, at.store.senders.entries()).of(recipient).self_release == "ask"


def _ask(at: Desk, mail_id: str, recipient: str) -> int:
    try:
        at.store.quarantine.request(mail_id, recipient, now=at.now)
    except StoreError as error:
        return _failed(error)
    say(f"{mail_id.strip().lower()}: requested; somebody else has to release it")
    return 0


async def _release_all(
    at: Desk, mail_ids: Sequence[str], recipients: Sequence[str] | None, *, again: bool, false_alarm: bool
) -> list[int]:
    """One after the other; the exit code of each."""
    from milter.actions.hops import make_next_hop
    from milter.actions.release import Releaser

    hop = make_next_hop(at.config)
    releaser = Releaser(at.store.quarantine, hop)
    codes = []
    try:
        for mail_id in mail_ids:
            try:
                done = await releaser.release(mail_id, by=at.actor, recipients=recipients, again=again)
                say(f"{done.mail_id}: {told(done)}")
                codes.append(0 if done.complete else 1)
                if false_alarm:
                    at.store.campaigns.false_alarm(done.mail_id, by=at.actor, now=at.now)
            except StoreError as error:
                codes.append(_failed(error))
    finally:
        await hop.close()
    return codes


def _failed(error: StoreError) -> int:
    click.echo(f"blackmail-filter: {error}", err=True)
    return 2


def told(done: Release) -> str:
    """What happened to one mail, in a line."""
    parts = []
    if done.delivered:
        parts.append(f"released to {', '.join(done.delivered)}")
    parts += [f"{recipient} not taken: {reply}" for recipient, reply in done.refused.items()]
    if done.uncertain:
        parts.append(f"may have arrived at {', '.join(done.uncertain)}: {done.note}; --again sends it once more")
    elif done.note:
        parts.append(f"not released: {done.note}")
    return "; ".join(parts)
