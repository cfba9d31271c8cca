"""Campaign memory: which letters came before, to how many, and what was said of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, text, update

from milter.signals.template import resemblance
from milter.store.audit import note
from milter.store.campaign_rows import add_letters, campaign_of, find_campaign, make_campaign, read_campaigns
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
# Share of equal slots from which letters need not be compared with others.
COPY = 0.9
# Any number will do, as long as it is ours alone.
POSTGRES_LOCK = text("SELECT pg_advisory_xact_lock(6213114202)")


class Campaigns:
    """The campaigns of one database. Its methods block; each raises StoreError."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    # Learning

    def remember(self, letters: Iterable[Letter]) -> None:
        """Take in letters, all or none.

        A letter joins the campaign that it resembles most, or founds one. One that says too little goes by its payment
        addresses, or is let go.
        """
        with self._database.writing() as connection:
            _lock(connection)
            self._remember(connection, letters)

    def _remember(self, connection: Connection, letters: Iterable[Letter]) -> None:
        for number, found in self._by_campaign(connection, letters).items():
            has_news = add_letters(connection, self._cipher, number, found)
            row = connection.execute(select(campaigns).where(campaigns.c.id == number)).one()
            if row.state != "suspected":
                if has_news:
                    _revise(connection, number)
            elif _is_wave(row.unproven, row.recipients) and not _is_doubted(connection, number):
                detail = f"{row.mails} mails to {row.recipients} recipients"
                _decide(connection, number, "confirmed", BY_NUMBERS, row.last_seen, detail=detail)

    def _by_campaign(self, connection: Connection, letters: Iterable[Letter]) -> dict[int, list[Letter]]:
        """New letters by the number of their campaign; of a wave, only the first is looked up."""
        found: dict[int, list[Letter]] = {}
        counted: set[str] = set()
        for letter in letters:
            if letter.mail_id is not None:
                if letter.mail_id in counted or campaign_of(connection, letter.mail_id) is not None:
                    continue
                counted.add(letter.mail_id)
            if not (letter.signature or letter.wallets):
                continue
            number = next((number for number, others in found.items() if _is_copy(letter, others[0])), None)
            if number is None:
                number = find_campaign(connection, letter) or make_campaign(connection, self._cipher, letter)
            found.setdefault(number, []).append(letter)
        return found

    def false_alarm(self, mail_id: str, *, by: str, now: datetime) -> int | None:
        """A kept mail is no extortion, so its campaign is harmless: its number, None if the mail says too little."""
        with self._database.writing() as connection:
            _lock(connection)
            mail = read_mail(connection, self._cipher, mail_id)
            number = mail.campaign
            raw = read_content(connection, self._cipher, mail.id) if number is None else None
            if raw is not None:
                from milter.store.letter import letter_of  # noqa: PLC0415  brings the whole engine

                letter = letter_of(raw, mail.envelope, mail.verdict, seen=mail.received, mail_id=mail.id)
                self._remember(connection, [letter])
                number = campaign_of(connection, mail.id)
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


def _is_copy(letter: Letter, other: Letter) -> bool:
    """Whether a letter is so much like another one that it belongs to the same campaign."""
    if letter.signature is None or other.signature is None:
        return False
    return resemblance(letter.signature, other.signature) >= COPY


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
