"""What `quarantine allow` and `quarantine block` have in common: lists of senders for recipients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from milter.addresses import normal_address
from milter.cli.moments import local
from milter.cli.quarantine_options import Desk, desk, desk_options, say
from milter.errors import StoreError
from milter.model import Listing

DONE = {"allow": "passes", "block": "is kept back"}


def listing_command(listing: Listing, text: str) -> click.Command:
    """The command that puts senders on a list, takes them off, or shows it."""

    @click.command(listing, help=text)
    @click.argument("senders", metavar="[ID|SENDER]...", nargs=-1)
    @click.option(
        *("--for", "scopes"),
        metavar="WHOM",
        multiple=True,
        help="For this address, domain or *; may be repeated. Default: the recipients of the mail.",
    )
    @click.option("--domain", is_flag=True, help="The whole domain of the sender.")
    @click.option("--remove", is_flag=True, help="Take the sender off the list.")
    @desk_options
    def command(
        senders: tuple[str, ...],
        scopes: tuple[str, ...],
        domain: bool,
        remove: bool,
        config_path: Path | None,
        actor: str | None,
    ) -> None:
        with desk(config_path, actor, make=bool(senders)) as at:
            if not senders:
                _show(at, listing)
            for sender, scope in [pair for one in senders for pair in _pairs(at, listing, one, scopes)]:
                author = sender.rpartition("@")[2] if domain else sender
                if remove:
                    found = at.store.senders.remove(scope, author, by=at.actor, now=at.now)
                    say(f"{author} for {scope}: {'removed' if found else 'was on no list'}")
                else:
                    entry = at.store.senders.add(scope, author, listing, by=at.actor, now=at.now)
                    say(f"{entry.sender} {DONE[listing]} for {entry.scope}")

    return command


def _show(at: Desk, listing: Listing) -> None:
    for entry in at.store.senders.entries():
        if entry.listing == listing:
            say(f"{entry.sender} {DONE[listing]} for {entry.scope}, since {local(entry.at)} by {entry.by}")


def _pairs(at: Desk, listing: Listing, one: str, scopes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Sender and scope for each entry that an argument (an id, an address or a domain) asks for."""
    if "@" in one or "." in one:
        if not scopes:
            raise click.UsageError(f"say for whom {one} is meant: --for ADDRESS, --for DOMAIN or --for '*'")
        yield from ((one, scope) for scope in scopes)
        return
    mail = at.store.quarantine.get(one)
    if not mail.author:
        raise StoreError(f"{mail.id} names no author; write the address itself")
    if listing == "block" and mail.author in {normal_address(copy.recipient) for copy in mail.copies}:
        raise StoreError(f"{mail.id} is forged as from {mail.author}, its own recipient, who must not be blocked")
    yield from ((mail.author, scope) for scope in scopes or [copy.recipient for copy in mail.copies])
