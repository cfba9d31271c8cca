"""Campaign memory: which letters came before, to how many, and what was said of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, text, update

from milter.store.audit import note
from milter.store.campaign_rows import add_letter, campaign_of, find_campaign, read_campaigns
from milter.store.cipher import Cipher
from milter.store.database import Database
from milter.store.records import Campaign, CampaignState
from milter.store.rows import read_content, read_mail
from milter.store.tables import audit, campaign_mails, campaigns

if TYPE_CHECKING:
    from milter.store.letter import Letter

# No single letter: so many mails of unproven authors to so many recipients. Newsletters prove their author.
CONFIRMING_MAILS, CONFIRMING_RECIPIENTS = 10, 5
BY_NUMBERS = "campaigns"
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
        elif _is_wave(row.unproven, row.recipients) and not _is_doubted(connection, number):
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


def _is_wave(mails: int, recipients: int) -> bool:
    return mails >= CONFIRMING_MAILS and recipients >= CONFIRMING_RECIPIENTS


def _is_doubted(connection: Connection, number: int) -> bool:
    """Whether a recipient called one of its mails a false alarm; of an administrator that decides, and is not asked."""
    alarms = (
        select(audit.c.number)
        .join(campaign_mails, campaign_mails.c.mail_id == audit.c.mail_id)
        .where(campaign_mails.c.campaign_id == number, audit.c.action == "false-alarm")
    )
    return connection.execute(alarms.limit(1)).first() is not None


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
