"""Campaign memory: which letters came before, to how many, and what was said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, text, update

from milter.signals.campaigns import KnownCampaign
from milter.signals.template import unpack
from milter.store.audit import note
from milter.store.campaign_rows import add_letter, campaign_of, find_campaign, read_campaigns, wallets_of
from milter.store.cipher import Cipher
from milter.store.database import Database
from milter.store.records import Campaign, CampaignState
from milter.store.rows import read_content, read_mail
from milter.store.tables import campaigns

if TYPE_CHECKING:
    from milter.store.letter import Letter

# No single letter: so many mails of unproven authors to so many recipients. Newsletters prove their author.
CONFIRMING_MAILS, CONFIRMING_RECIPIENTS = 10, 5
BY_NUMBERS = "campaigns"
# Each process remembers so many, of those seen last; 4.3 million mails were of 96 (Paquet-Clouston et al., AFT 2019).
KNOWN_AT_MOST = 1000
# Any number will do, as long as it is ours alone.
POSTGRES_LOCK = text("SELECT pg_advisory_xact_lock(6213114202)")


class Campaigns:
    """The campaigns of one database. Its methods block; each raises StoreError."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    # Learning

    def remember(self, letters: Iterable[tuple[Letter, datetime, str | None]]) -> None:
        """Take in letters, each with the time it came and, if it is kept, the mail's id; all or none.

        A letter joins the campaign that it resembles most, or founds one. One that says too little goes by its payment
        addresses, or is let go.
        """
        with self._database.writing() as connection:
            _lock(connection)
            for letter, seen, mail_id in letters:
                self._remember(connection, letter, seen, mail_id)

    def _remember(self, connection: Connection, letter: Letter, seen: datetime, mail_id: str | None) -> int | None:
        if mail_id is not None and (known := campaign_of(connection, mail_id)) is not None:
            return known
        number = find_campaign(connection, letter)
        if number is None and not (letter.signature or letter.wallets):
            return None
        number, has_news = add_letter(connection, self._cipher, letter, seen, number, mail_id)
        row = connection.execute(select(campaigns).where(campaigns.c.id == number)).one()
        if row.state != "suspected":
            if has_news:
                _revise(connection, number)
        elif row.unproven >= CONFIRMING_MAILS and row.recipients >= CONFIRMING_RECIPIENTS:
            detail = f"{row.mails} mails to {row.recipients} recipients"
            _decide(connection, number, "confirmed", BY_NUMBERS, seen, detail=detail)
        return number

    def false_alarm(self, mail_id: str, *, by: str, now: datetime) -> int | None:
        """A kept mail is no extortion, so its campaign is harmless: its number, None if the mail says too little."""
        with self._database.writing() as connection:
            _lock(connection)
            mail = read_mail(connection, self._cipher, mail_id)
            number = mail.campaign
            raw = read_content(connection, self._cipher, mail.id) if number is None else None
            if raw is not None:
                from milter.store.letter import letter_of  # noqa: PLC0415  brings the whole engine

                letter = letter_of(raw, mail.envelope, mail.verdict)
                number = self._remember(connection, letter, mail.received, mail.id)
            detail = "" if number is None else f"campaign {number}"
            note(connection, by, "false-alarm", mail.id, detail, now)
            if number is not None:
                _decide(connection, number, "harmless", by, now)
        return number

    def decide(self, number: int, state: CampaignState, *, by: str, now: datetime) -> None:
        """Say what a campaign is: the last word counts. Raises StoreError if there is none of that number."""
        with self._database.writing() as connection:
            _lock(connection)
            read_campaigns(connection, self._cipher, [number])
            _decide(connection, number, state, by, now)

    # Telling

    def get(self, number: int) -> Campaign:
        """One campaign. Raises StoreError if there is none of that number."""
        with self._database.reading() as connection:
            return read_campaigns(connection, self._cipher, [number])[0]

    def find(self, state: CampaignState | None = None, *, least: int = 1, limit: int = 50) -> list[Campaign]:
        """At most limit campaigns of at least so many mails, those that were seen last first."""
        query = select(campaigns.c.id).where(campaigns.c.mails >= least)
        if state is not None:
            query = query.where(campaigns.c.state == state)
        newest = query.order_by(campaigns.c.last_seen.desc(), campaigns.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return read_campaigns(connection, self._cipher, connection.execute(newest).scalars().all())

    def revisions(self) -> Mapping[int, int]:
        """What is decided: campaigns, of those seen last, with the number of their last change."""
        query = select(campaigns.c.id, campaigns.c.revision).where(campaigns.c.revision > 0)
        newest = query.order_by(campaigns.c.last_seen.desc()).limit(KNOWN_AT_MOST)
        with self._database.reading() as connection:
            return {row.id: row.revision for row in connection.execute(newest)}

    def known(self, numbers: Sequence[int]) -> list[KnownCampaign]:
        """These campaigns, decided ones, as the core is told of them."""
        query = select(campaigns.c.id, campaigns.c.state, campaigns.c.signature).where(campaigns.c.id.in_(numbers))
        with self._database.reading() as connection:
            wallets = wallets_of(connection, numbers)
            return [
                KnownCampaign(
                    row.id, row.state == "harmless", unpack(row.signature) if row.signature else None,
                    frozenset(wallets[row.id]),
                )
                for row in connection.execute(query)
            ]  # fmt: skip


def _lock(connection: Connection) -> None:
    """Learning and deciding happen one after the other, so that two nodes do not found the same campaign twice."""
    if connection.dialect.name == "postgresql":
        connection.execute(POSTGRES_LOCK)


def _decide(
    connection: Connection, number: int, state: CampaignState, by: str, now: datetime, *, detail: str = ""
) -> None:
    values = {"state": state, "decided_by": by, "decided_at": now}
    connection.execute(update(campaigns).where(campaigns.c.id == number).values(values))
    _revise(connection, number)
    action = {"confirmed": "confirm", "harmless": "harmless", "suspected": "suspect"}[state]
    note(connection, by, action, None, ": ".join(part for part in (f"campaign {number}", detail) if part), now)


def _revise(connection: Connection, number: int) -> None:
    """Let others know; under the lock, so that numbers rise in the order of commits."""
    newest = connection.execute(select(func.max(campaigns.c.revision))).scalar() or 0
    connection.execute(update(campaigns).where(campaigns.c.id == number).values(revision=newest + 1))
