"""Between a mail and its rows."""

from __future__ import annotations

import difflib
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from milter.addresses import normal_address
from milter.content.headers import Headers, split_headers
from milter.errors import StoreError
from milter.model import Envelope, Verdict
from milter.sender.author import Mailbox, parse_mailboxes
from milter.store.cipher import Cipher
from milter.store.records import Copy, StoredMail
from milter.store.tables import campaign_mails, contents, mail_rules, mail_wallets, mails, recipients
from milter.store.verdicts import from_json, to_json

# Of so many of the newest ids one may be meant that was mistyped.
NEAR_AMONG = 5_000
# RFC 5321 §4.5.3.1: 64 octets, "@", 255 octets.
MAX_ADDRESS = 320


def address_key(address: str) -> str:
    """An address as it is compared; longer ones than mail has are cut, since an index takes no more."""
    return (normal_address(address) or address.lower())[:MAX_ADDRESS]


def insert_mail(
    connection: Connection,
    cipher: Cipher,
    mail_id: str,
    raw: bytes,
    envelope: Envelope,
    verdict: Verdict,
    received: datetime,
) -> None:
    """All rows of a new mail but its content. Raises IntegrityError if the id is taken."""
    headers, _ = split_headers(raw, 0, len(raw))
    author = _author(headers)
    sealed = {"author_name": author.name, "subject": headers.get("Subject")}
    key_id = cipher.key_id
    values = {name: value.encode("utf-8", "surrogatepass") for name, value in sealed.items()}
    connection.execute(
        insert(mails).values(
            id=mail_id,
            received=received,
            state="held",
            mail_from=envelope.mail_from,
            mail_from_key=address_key(envelope.mail_from),
            client_addr=envelope.client_addr,
            client_name=envelope.client_name,
            helo_name=envelope.helo_name,
            queue_id=envelope.queue_id,
            authenticated=envelope.authenticated,
            author=author.address[:MAX_ADDRESS],
            kind=verdict.kind,
            sha256=digest(raw),
            size=len(raw),
            key_id=key_id,
            **{
                name: cipher.seal(value, f"mails/{mail_id}/{name}", key_id)
                for name, value in (values | {"verdict": to_json(verdict)}).items()
            },
        )
    )
    _insert_details(connection, mail_id, envelope, verdict)


def _insert_details(connection: Connection, mail_id: str, envelope: Envelope, verdict: Verdict) -> None:
    addresses = dict.fromkeys(envelope.rcpt_to)
    rules = dict.fromkeys(reason.rule for reason in verdict.reasons)
    wallets = {wallet.address: wallet.currency for wallet in verdict.wallets}
    for table, rows in (
        (
            recipients,
            [
                {"position": number, "address": address, "address_key": address_key(address)}
                for number, address in enumerate(addresses)
            ],
        ),
        (mail_rules, [{"rule": rule} for rule in rules]),
        (mail_wallets, [{"address": address, "currency": currency} for address, currency in wallets.items()]),
    ):
        if rows:
            connection.execute(insert(table), [{"mail_id": mail_id} | row for row in rows])


def _author(headers: Headers) -> Mailbox:
    fields = [value for name, value in headers.raw if name.lower() == "from"]
    return next(iter(parse_mailboxes(fields)), Mailbox("", ""))


def digest(raw: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(raw).hexdigest()


def seal_content(cipher: Cipher, mail_id: str, raw: bytes) -> Mapping[str, Any]:
    """The row of a content: compressed, then encrypted."""
    key_id = cipher.key_id
    sealed = cipher.seal(zlib.compress(raw, 1), f"contents/{mail_id}/raw", key_id)
    return {"id": mail_id, "key_id": key_id, "raw": sealed}


def read_content(connection: Connection, cipher: Cipher, mail_id: str) -> bytes | None:
    """The mail as it came in; None if it was wiped."""
    row = connection.execute(select(contents).where(contents.c.id == mail_id)).first()
    if row is None:
        return None
    try:
        return zlib.decompress(cipher.unseal(row.raw, f"contents/{mail_id}/raw", row.key_id))
    except zlib.error:
        raise StoreError(f"{mail_id}: the content is damaged") from None


def read_mail(connection: Connection, cipher: Cipher, mail_id: str) -> StoredMail:
    """One mail. Raises StoreError if there is none of that id, and names ids that are near."""
    rows = connection.execute(select(mails).where(mails.c.id == mail_id)).all()
    if not rows:
        raise unknown(connection, mail_id)
    return read_mails(connection, cipher, rows)[0]


def read_mails(connection: Connection, cipher: Cipher, rows: Sequence[Row[Any]]) -> list[StoredMail]:
    """Mails from their rows, in that order."""
    ids = [row.id for row in rows]
    copies = _copies(connection, ids)
    links = select(campaign_mails.c.mail_id, campaign_mails.c.campaign_id).where(campaign_mails.c.mail_id.in_(ids))
    campaigns = {row.mail_id: row.campaign_id for row in connection.execute(links)}
    return [_mail(row, cipher, copies[row.id], campaigns.get(row.id)) for row in rows]


def _copies(connection: Connection, ids: Iterable[str]) -> Mapping[str, tuple[Copy, ...]]:
    query = select(recipients).where(recipients.c.mail_id.in_(ids)).order_by(recipients.c.position)
    found: defaultdict[str, tuple[Copy, ...]] = defaultdict(tuple)
    for row in connection.execute(query):
        found[row.mail_id] += (
            Copy(row.address, row.released_at, row.released_by, row.requested_at, row.uncertain, row.refusal),
        )
    return found


def _mail(row: Row[Any], cipher: Cipher, copies: tuple[Copy, ...], campaign: int | None) -> StoredMail:
    def opened(name: str) -> bytes:
        value: bytes | None = getattr(row, name)
        return b"" if value is None else cipher.unseal(value, f"mails/{row.id}/{name}", row.key_id)

    verdict = opened("verdict")
    return StoredMail(
        id=row.id,
        received=row.received,
        state=row.state,
        envelope=Envelope(
            mail_from=row.mail_from,
            rcpt_to=tuple(copy.recipient for copy in copies),
            client_addr=row.client_addr,
            client_name=row.client_name,
            helo_name=row.helo_name,
            queue_id=row.queue_id,
            authenticated=row.authenticated,
        ),
        verdict=from_json(verdict) if verdict else Verdict(action="quarantine", kind=row.kind),
        author=row.author,
        author_name=opened("author_name").decode("utf-8", "surrogatepass"),
        subject=opened("subject").decode("utf-8", "surrogatepass"),
        sha256=row.sha256,
        size=row.size,
        copies=copies,
        note=row.note,
        campaign=campaign,
    )


def unknown(connection: Connection, mail_id: str) -> StoreError:
    """That there is no such mail, and which ones may be meant."""
    newest = select(mails.c.id).order_by(mails.c.received.desc(), mails.c.id.desc()).limit(NEAR_AMONG)
    near = difflib.get_close_matches(mail_id, connection.execute(newest).scalars().all(), n=3, cutoff=0.7)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return StoreError(f"there is no mail '{mail_id}' in quarantine{hint}")
