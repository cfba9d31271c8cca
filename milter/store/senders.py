"""Senders that a recipient, a domain or everybody wants to have let through or kept back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from milter.addresses import names_of, normal_address, normal_pattern
from milter.errors import StoreError
from milter.model import Listing
from milter.store.audit import note
from milter.store.database import Database
from milter.store.records import SenderEntry
from milter.store.tables import senders
from milter.store.upserts import insert_or_update

EVERYBODY = "*"


class Senders:
    """The lists of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, scope: str, sender: str, listing: Listing, *, by: str, now: datetime) -> SenderEntry:
        """Put a sender (address or domain) on a list of a scope (address, domain or "*"), in place of an older entry.

        Raises StoreError, also if one of them is no address or domain.
        """
        entry = SenderEntry(_scope(scope), _pattern(sender), listing, by, now)
        values = {"listing": listing, "added_by": by, "added_at": now}
        with self._database.writing() as connection:
            insert_or_update(connection, senders, {"scope": entry.scope, "sender": entry.sender}, values)
            note(connection, by, listing, None, f"{entry.sender} for {entry.scope}", now)
        return entry

    def remove(self, scope: str, sender: str, *, by: str, now: datetime) -> bool:
        """Take a sender off; whether it was there. Raises StoreError."""
        scope, sender = _scope(scope), _pattern(sender)
        with self._database.writing() as connection:
            found = connection.execute(
                delete(senders).where(senders.c.scope == scope, senders.c.sender == sender)
            ).rowcount
            if found:
                note(connection, by, "unlist", None, f"{sender} for {scope}", now)
        return bool(found)

    def entries(self, scope: str | None = None) -> list[SenderEntry]:
        """All entries, or those of one scope, in order of scope and sender. Raises StoreError."""
        query = select(senders).order_by(senders.c.scope, senders.c.sender)
        if scope is not None:
            query = query.where(senders.c.scope == _scope(scope))
        with self._database.reading() as connection:
            return [SenderEntry(*row) for row in connection.execute(query)]

    def listing(self, sender: str, recipient: str) -> Listing | None:
        """What holds for a sender's mail to a recipient, both addresses; None: nothing was said. Raises StoreError.

        The most specific entry decides: the recipient's before its domain's before everybody's, and within a scope
        the sender's address before its domain. A domain does not cover those below it, ".example.org" does.
        """
        scopes, keys = [*_names(recipient), EVERYBODY], _names(sender)
        query = select(senders).where(senders.c.scope.in_(scopes), senders.c.sender.in_(keys))
        with self._database.reading() as connection:
            found = [SenderEntry(*row) for row in connection.execute(query)]
        found.sort(key=lambda entry: (scopes.index(entry.scope), keys.index(entry.sender)))
        return found[0].listing if found else None


def _pattern(text: str) -> str:
    try:
        return normal_pattern(text)
    except ValueError as error:
        raise StoreError(f"'{text}': {error}") from None


def _scope(text: str) -> str:
    return EVERYBODY if text.strip() == EVERYBODY else _pattern(text)


def _names(address: str) -> list[str]:
    key = normal_address(address)
    return list(names_of(key)) if key else []
