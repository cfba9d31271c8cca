"""The quarantine: mail kept back until it is released, deleted or expired. Its methods block: call them in threads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from milter.errors import StoreError
from milter.model import Envelope, Verdict
from milter.store import claims
from milter.store.audit import note
from milter.store.campaign_rows import forget_persons
from milter.store.cipher import Cipher
from milter.store.database import Database
from milter.store.ids import as_written, new_id
from milter.store.records import Claim, Filter, Interrupted, StoredMail
from milter.store.rows import address_key, digest, insert_mail, read_content, read_mail, seal_content
from milter.store.search import find
from milter.store.tables import contents, mails
from milter.store.tables import recipients as copies
from milter.store.wiping import delete_mails, expire_mails

ID_TRIES = 10
# So many mails expire in one transaction, so that others can write in between.
EXPIRED_AT_ONCE = 200


class IdTakenError(Exception):
    """Another mail has that id."""


class Quarantine:
    """The mails of one database. Each method raises StoreError when the database or the key fails.

    Each change is on disk when its method returns, and is recorded in the audit log with it. `by` is who does it: a
    login, a mail address, or a part of the system; times have a zone.
    """

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    def keep(self, raw: bytes, envelope: Envelope, verdict: Verdict, *, received: datetime) -> str:
        """Keep a mail as it came in; its id.

        A mail that its client hands over again under the same queue id, since it did not hear our reply, is kept once.
        """
        for _ in range(ID_TRIES):
            try:
                return self._keep_as(new_id(), raw, envelope, verdict, received)
            except IdTakenError:
                continue
        raise StoreError("no free id was found")

    def _keep_as(self, mail_id: str, raw: bytes, envelope: Envelope, verdict: Verdict, received: datetime) -> str:
        content = seal_content(self._cipher, mail_id, raw)
        with self._database.writing() as connection:
            known = _kept_before(connection, raw, envelope)
            if known is not None:
                return known
            try:
                insert_mail(connection, self._cipher, mail_id, raw, envelope, verdict, received)
            except IntegrityError:
                raise IdTakenError from None
            connection.execute(insert(contents).values(content))
        return mail_id

    def get(self, mail_id: str) -> StoredMail:
        """One mail. Raises StoreError, naming near ids, if there is none of that id."""
        with self._database.reading() as connection:
            return read_mail(connection, self._cipher, as_written(mail_id))

    def raw(self, mail_id: str) -> bytes:
        """The mail as it came in, byte for byte. Raises StoreError, also if it was deleted or has expired."""
        with self._database.reading() as connection:
            mail = read_mail(connection, self._cipher, as_written(mail_id))
            raw = read_content(connection, self._cipher, mail.id)
        if raw is None:
            raise StoreError(f"{mail.id} is {mail.state}: its content is gone")
        if digest(raw) != mail.sha256:
            raise StoreError(f"{mail.id}: the content is damaged")
        return raw

    def find(self, wanted: Filter, *, limit: int = 50, after: str | None = None) -> list[StoredMail]:
        """At most limit mails, newest first; after: the id with which the page before ended."""
        with self._database.reading() as connection:
            return find(connection, self._cipher, wanted, limit, as_written(after) if after is not None else None)

    # Release

    def claim(
        self, mail_id: str, recipients: Collection[str] | None = None, *, by: str, now: datetime, again: bool = False
    ) -> Claim:
        """Take the right to release a mail to these recipients, or to all: held → releasing, for one caller only.

        Copies that are out are not covered, nor those that may have arrived unless again is set. Raises StoreError if
        someone else was first, nothing is left to release, or a recipient has no copy. The claim lasts for 120 s from
        now, and another 120 s from handing_over().
        """
        with self._database.writing() as connection:
            wanted = as_written(mail_id)
            token, covered = claims.take(connection, wanted, recipients, by=by, now=now, again=again)
            return Claim(token, read_mail(connection, self._cipher, wanted), covered, by)

    def handing_over(self, claim: Claim, *, now: datetime) -> None:
        """To be called just before the final dot is written: an interruption from here leaves copies uncertain.

        Raises StoreError if the claim was ended meanwhile; then the dot must not be written.
        """
        with self._database.writing() as connection:
            claims.hand_over(connection, claim, now)

    def delivered(self, claim: Claim, recipients: Collection[str], *, now: datetime) -> None:
        """The next hop has these copies. With the last copy of the claim it ends: released, or held if some are left.

        It counts also when the claim was ended meanwhile; copies that someone else has claimed since are theirs.
        """
        with self._database.writing() as connection:
            claims.deliver(connection, claim, recipients, now)

    def refused(self, claim: Claim, replies: Mapping[str, str], *, now: datetime) -> None:
        """The next hop refused these copies, with its replies by recipient; they stay and may be released again."""
        with self._database.writing() as connection:
            claims.refuse(connection, claim, replies, now)

    def given_back(self, claim: Claim, reason: str, *, now: datetime) -> None:
        """Give up on all other copies of the claim: held again, uncertain if handing_over() was called.

        reason is shown to people as the mail's note.
        """
        with self._database.writing() as connection:
            claims.give_back(connection, claim, reason, now)

    def resume(self, now: datetime) -> list[Interrupted]:
        """End claims whose process is gone, at start and from time to time; for the caller to finish these releases.

        What was not handed over yet can be released as before; what was may have arrived, is marked uncertain, and is
        not to be sent again without being asked.
        """
        with self._database.writing() as connection:
            return [
                Interrupted(read_mail(connection, self._cipher, ended.mail_id), ended.by, ended.waiting)
                for ended in claims.end_abandoned(connection, now)
            ]

    def request(self, mail_id: str, recipient: str, *, now: datetime) -> None:
        """A recipient asks for the release of its copy. Raises StoreError if it has none, or if that is out."""
        with self._database.writing() as connection:
            mail = read_mail(connection, self._cipher, as_written(mail_id))
            asked = connection.execute(
                update(copies)
                .where(
                    copies.c.mail_id == mail.id,
                    copies.c.address_key == address_key(recipient),
                    copies.c.released_at.is_(None),
                )
                .values(requested_at=now)
            )
            if not asked.rowcount or mail.state not in {"held", "releasing"}:
                raise StoreError(f"{mail.id}: there is no copy for {recipient} that could be released")
            note(connection, recipient, "request", mail.id, "", now)

    # The end

    def delete(self, ids: Sequence[str], *, by: str, now: datetime) -> int:
        """Wipe contents and texts of these mails, all or none; how many were not wiped before.

        Envelope, rules, hash and times stay. Raises StoreError if one is unknown or just being released.
        """
        with self._database.writing() as connection:
            return delete_mails(connection, [as_written(mail_id) for mail_id in ids], by, now)

    def purge(self, before: datetime, *, now: datetime, by: str = "retention") -> int:
        """Wipe mails that arrived before that time, envelopes included; how many. Rules, hash and times stay."""
        with self._database.writing() as connection:
            forget_persons(connection, before)
        count = 0
        while True:
            with self._database.writing() as connection:
                expired = expire_mails(connection, before, by, now, EXPIRED_AT_ONCE)
            count += expired
            if expired < EXPIRED_AT_ONCE:
                return count


def _kept_before(connection: Connection, raw: bytes, envelope: Envelope) -> str | None:
    """The id of the same mail in the same transaction of its client; None if it is new or cannot be told."""
    if not envelope.queue_id:
        return None
    same = select(mails.c.id).where(
        mails.c.queue_id == envelope.queue_id,
        mails.c.sha256 == digest(raw),
        mails.c.mail_from == envelope.mail_from,
    )
    found: list[str] = list(connection.execute(same).scalars())
    for mail_id in found:
        addresses = select(copies.c.address).where(copies.c.mail_id == mail_id)
        if set(connection.execute(addresses).scalars()) == set(envelope.rcpt_to):
            return mail_id
    return None
