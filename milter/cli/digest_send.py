"""`digest send`: today's digest, now."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from milter.cli.digest_options import local_now, usable_config
from milter.cli.options import config_option
from milter.config import Config


@click.command("send")
@click.option("--recipient", metavar="ADDRESS", help="To this one only.")
@config_option
def command(recipient: str | None, config_path: Path | None) -> None:
    """Send today's digest to those who did not get it yet, whatever the schedule says.

    Who got one today, or has no new mail, gets none. Exit 1 if one was not taken.
    """
    sys.exit(asyncio.run(_send(usable_config(config_path, sending=True), recipient)))


async def _send(config: Config, recipient: str | None) -> int:
    from milter.actions.hops import make_next_hop
    from milter.digest.opened import office
    from milter.digest.send import Round

    now, hop = local_now(), make_next_hop(config)
    try:
        async with office(config, now) as opened:
            rounds = Round(config, opened, hop)
            results = [await rounds.digests(now.date().isoformat(), recipient)]
            if recipient is None:
                results.append(await rounds.administrator(now.date().isoformat()))
    finally:
        await hop.close()
    for who in (who for result in results for who in result.sent):
        click.echo(f"sent to {who}")
    failed = results[0].failed
    for who in failed:
        click.echo(f"not sent to {who}: the log says why", err=True)
    if not any(result.sent for result in results) and not failed:
        click.echo("nothing to send: nobody has new mail, or today's digest is out")
    return 1 if failed else 0
