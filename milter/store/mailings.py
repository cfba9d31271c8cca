"""Who is to be told of which mail, and the right to tell it: taken before anything is sent, so that it is sent once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, delete, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from milter.store.database import Database
from milter.store.rows import address_key
from milter.store.tables import mailings, mails, recipients

NOTICE = "notice "


def notice_of(mail_id: str) -> str:
    """The purpose of telling at once of one mail."""
    return NOTICE + mail_id


class Mailings:
    """What was told in one database. Its methods block; each raises StoreError.

    purpose and period are words of the caller: a digest, for a day; a notice, of a mail.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, recipient: str, purpose: str, period: str, *, now: datetime) -> bool:
        """Take the right to send for this period; False if it was taken before, by whatever process on whatever node.

        It is on disk when this returns: who dies before the mail is out has sent nothing, and nobody sends it twice.
        """
        key = {"recipient": address_key(recipient), "purpose": purpose}
        values = {"period": period, "claimed_at": now}
        with self._database.writing() as connection:
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            row = insert(mailings).values(**key, **values)
            taken = row.on_conflict_do_update(
                index_elements=list(key), set_=values, where=mailings.c.period != row.excluded.period
            )
            return connection.execute(taken.returning(mailings.c.period)).first() is not None

    def give_back(self, recipient: str, purpose: str, period: str) -> None:
        """Nothing was sent for a period that was claimed: it may be tried again."""
        with self._database.writing() as connection:
            connection.execute(
                update(mailings)
                .where(
                    mailings.c.recipient == address_key(recipient),
                    mailings.c.purpose == purpose,
                    mailings.c.period == period,
                )
                .values(period="")
            )

    def told(self, recipient: str, purpose: str, until: datetime) -> None:
        """The recipient has been told of all mails that arrived up to then."""
        with self._database.writing() as connection:
            connection.execute(
                update(mailings)
                .where(mailings.c.recipient == address_key(recipient), mailings.c.purpose == purpose)
                .values(told_until=until)
            )

    def told_until(self, recipient: str, purpose: str) -> datetime | None:
        """Up to when mails were told of; None: of none yet."""
        found = select(mailings.c.told_until).where(
            mailings.c.recipient == address_key(recipient), mailings.c.purpose == purpose
        )
        with self._database.reading() as connection:
            return connection.execute(found).scalar()

    def waiting(self, purpose: str, period: str, *, until: datetime) -> Mapping[str, list[str]]:
        """Held mails, newest first, of which recipients were not told yet, for those without a mail of this period.

        Recipients are as first written in a mail. Only mails that arrived up to until. Copies that are out or may be
        are no concern here.
        """
        last = mailings.c.purpose == purpose
        untold = mailings.c.told_until.is_(None) | (mails.c.received > mailings.c.told_until)
        unsent = mailings.c.period.is_(None) | (mailings.c.period != period)
        return self._held(last, untold, unsent, mails.c.received <= until)

    def unnoticed(self, *, since: datetime) -> Mapping[str, list[str]]:
        """Held mails that arrived after since and of which recipients have no notice (see notice_of), like waiting."""
        last = mailings.c.purpose == literal(NOTICE) + recipients.c.mail_id
        return self._held(last, mailings.c.period.is_(None) | (mailings.c.period == ""), mails.c.received > since)

    def _held(self, last: ColumnElement[bool], *wanted: ColumnElement[bool]) -> Mapping[str, list[str]]:
        query = (
            select(recipients.c.address, recipients.c.address_key, recipients.c.mail_id)
            .join(mails, mails.c.id == recipients.c.mail_id)
            .outerjoin(mailings, (mailings.c.recipient == recipients.c.address_key) & last)
            .where(mails.c.state == "held", recipients.c.released_at.is_(None), recipients.c.uncertain.is_(False))
            .where(*wanted)
            .order_by(mails.c.received.desc(), mails.c.id)
        )
        found: defaultdict[str, list[str]] = defaultdict(list)
        names: dict[str, str] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found[names.setdefault(row.address_key, row.address)].append(row.mail_id)
        return found

    def forget(self, before: datetime) -> None:
        """Remove what was last claimed before that time: the addresses in it are nobody's business any longer."""
        with self._database.writing() as connection:
            connection.execute(delete(mailings).where(mailings.c.claimed_at < before))
