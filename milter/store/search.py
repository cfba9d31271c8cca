"""Which mails a filter means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from milter.content.message import read
from milter.store.cipher import Cipher
from milter.store.records import Filter, State, StoredMail, Waiting
from milter.store.rows import address_key, read_content, read_mail, read_mails
from milter.store.tables import campaign_mails, mail_rules, mail_wallets, mails, recipients

# So many mails are read at a time, and fewer when each one is decrypted to search its text.
BATCH, TEXT_BATCH = 500, 100
WAITING: Mapping[str, ColumnElement[bool]] = {
    "uncertain": recipients.c.uncertain,
    "requested": recipients.c.requested_at.is_not(None),
}


def find(connection: Connection, cipher: Cipher, wanted: Filter, limit: int, after: str | None) -> list[StoredMail]:
    """At most limit mails, newest first, behind the one of that id. Raises StoreError."""
    last = read_mail(connection, cipher, after) if after is not None else None
    found: list[StoredMail] = []
    while len(found) < limit:
        size = TEXT_BATCH if wanted.text else min(BATCH, limit - len(found))
        page = _page(connection, cipher, wanted, last, size)
        found += _with_text(connection, cipher, page, wanted.text) if wanted.text else page
        if len(page) < size:
            break
        last = page[-1]
    return found[:limit]


def _page(
    connection: Connection, cipher: Cipher, wanted: Filter, last: StoredMail | None, limit: int
) -> list[StoredMail]:
    query = select(mails).where(*_conditions(wanted)).order_by(mails.c.received.desc(), mails.c.id.desc()).limit(limit)
    if last is not None:
        older = mails.c.received < last.received
        query = query.where(or_(older, and_(mails.c.received == last.received, mails.c.id < last.id)))
    return read_mails(connection, cipher, connection.execute(query).all())


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """What the database can decide."""
    if wanted.since is not None:
        yield mails.c.received >= wanted.since
    if wanted.until is not None:
        yield mails.c.received < wanted.until
    if wanted.kind is not None:
        yield mails.c.kind == wanted.kind
    if wanted.state is not None:
        yield _state(wanted.state)
    if wanted.sender is not None:
        yield or_(_address(mails.c.mail_from_key, wanted.sender), _address(mails.c.author, wanted.sender))
    if wanted.recipient is not None:
        yield exists().where(recipients.c.mail_id == mails.c.id, _address(recipients.c.address_key, wanted.recipient))
    if wanted.rule is not None:
        rule = mail_rules.c.rule
        below = or_(rule == wanted.rule, rule.startswith(wanted.rule + ".", autoescape=True))
        yield exists().where(mail_rules.c.mail_id == mails.c.id, below)
    if wanted.wallet is not None:
        yield exists().where(mail_wallets.c.mail_id == mails.c.id, mail_wallets.c.address == wanted.wallet)
    if wanted.campaign is not None:
        yield exists().where(campaign_mails.c.mail_id == mails.c.id, campaign_mails.c.campaign_id == wanted.campaign)


def _state(wanted: State | Waiting) -> ColumnElement[bool]:
    if wanted not in WAITING:
        return mails.c.state == wanted
    copies = exists().where(recipients.c.mail_id == mails.c.id, recipients.c.released_at.is_(None), WAITING[wanted])
    return and_(mails.c.state == "held", copies)


def _address(column: ColumnElement[str], wanted: str) -> ColumnElement[bool]:
    """An address, or all of a domain."""
    if "@" in wanted.lstrip("@"):
        return column == address_key(wanted)
    return column.endswith("@" + address_key("x@" + wanted.lstrip("@")).partition("@")[2], autoescape=True)


def _with_text(connection: Connection, cipher: Cipher, page: list[StoredMail], text: str) -> Iterator[StoredMail]:
    words = text.casefold()
    for mail in page:
        shown = "\n".join((mail.subject, mail.author, mail.author_name)).casefold()
        if words in shown or _in_content(connection, cipher, mail.id, words):
            yield mail


def _in_content(connection: Connection, cipher: Cipher, mail_id: str, words: str) -> bool:
    raw = read_content(connection, cipher, mail_id)
    return raw is not None and any(words in text.content.casefold() for text in read(raw).texts)
