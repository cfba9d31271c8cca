"""Who may release a mail: a claim in the database, so that each copy goes out once, whoever presses and whatever dies.

held ── take ──▶ releasing ── hand_over ──▶ releasing, handing over
 ▲                   │                             │
 ├── give_back ──────┘                             │ the process vanishes: copies stay, marked uncertain
 └── refuse, give_back, end_abandoned ─────────────┴── deliver (all copies are out) ──▶ released
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from milter.errors import StoreError
from milter.store.audit import note
from milter.store.owner import is_gone, this_process
from milter.store.records import Claim
from milter.store.rows import address_key, unknown
from milter.store.tables import mails, recipients

# A claim that is not renewed for so long may be ended by others. Clocks of nodes differ by less.
LEASE = timedelta(seconds=120)


def take(
    connection: Connection, mail_id: str, asked: Collection[str] | None, *, by: str, now: datetime, again: bool
) -> tuple[str, tuple[str, ...]]:
    """held → releasing. The token of the claim, and the recipients whose copies it covers. Raises StoreError."""
    end_abandoned(connection, now, mail_id)
    token = secrets.token_hex(16)
    taken = connection.execute(
        update(mails)
        .where(mails.c.id == mail_id, mails.c.state == "held")
        .values(state="releasing", claim=token, claimed_by=by, claim_owner=this_process(), claim_until=now + LEASE)
    )
    if not taken.rowcount:
        raise _not_held(connection, mail_id)
    rows = _asked(connection, mail_id, asked)
    free = [row for row in rows if row.released_at is None and (again or not row.uncertain)]
    if not free:
        raise StoreError(f"{mail_id}: nothing is left to release: {_why_none(rows)}")
    connection.execute(
        update(recipients)
        .where(recipients.c.mail_id == mail_id, recipients.c.position.in_([row.position for row in free]))
        .values(claim=token)
    )
    return token, tuple(row.address for row in free)


def _asked(connection: Connection, mail_id: str, asked: Collection[str] | None) -> list[Row[Any]]:
    query = select(recipients).where(recipients.c.mail_id == mail_id).order_by(recipients.c.position)
    rows = list(connection.execute(query))
    if asked is None:
        return rows
    wanted = {address_key(address): address for address in asked}
    strangers = [wanted[key] for key in wanted.keys() - {row.address_key for row in rows}]
    if strangers:
        known = ", ".join(row.address for row in rows)
        raise StoreError(f"{mail_id} has no copy for {', '.join(sorted(strangers))}; it has: {known}")
    return [row for row in rows if row.address_key in wanted]


def _not_held(connection: Connection, mail_id: str) -> StoreError:
    row = connection.execute(select(mails).where(mails.c.id == mail_id)).first()
    if row is None:
        return unknown(connection, mail_id)
    if row.state == "releasing":
        return StoreError(f"{mail_id} is being released by {row.claimed_by} just now")
    if row.state == "released":
        return StoreError(f"{mail_id} is already released by {row.claimed_by}")
    return StoreError(f"{mail_id} is {row.state}: its content is gone")


def _why_none(rows: list[Row[Any]]) -> str:
    if any(row.uncertain and row.released_at is None for row in rows):
        return "it may have arrived when a release was interrupted; release it again only if it did not"
    return "these copies are already released"


def hand_over(connection: Connection, claim: Claim, now: datetime) -> None:
    """From here the copies may arrive. Raises StoreError if the claim was ended meanwhile."""
    kept = connection.execute(
        update(mails)
        .where(mails.c.id == claim.mail.id, mails.c.claim == claim.token)
        .values(handing_over=True, claim_until=now + LEASE)
    )
    if not kept.rowcount:
        raise StoreError(f"{claim.mail.id}: the release took too long and was given up; nothing was sent")


def deliver(connection: Connection, claim: Claim, addresses: Collection[str], now: datetime) -> None:
    """These copies are out."""
    _lock(connection, claim.mail.id)
    keys = [address_key(address) for address in addresses]
    done = connection.execute(
        update(recipients)
        .where(_of(claim), recipients.c.address_key.in_(keys))
        .values(released_at=now, released_by=claim.by, uncertain=False, refusal="", claim=None)
    )
    if done.rowcount:
        detail = f"{done.rowcount} of {len(claim.mail.copies)} copies"
        note(connection, claim.by, "release", claim.mail.id, detail, now)
    _settle(connection, claim)


def refuse(connection: Connection, claim: Claim, replies: Mapping[str, str], now: datetime) -> None:
    """The next hop said no to these copies."""
    _lock(connection, claim.mail.id)
    refused = sum(
        connection.execute(
            update(recipients)
            .where(_of(claim), recipients.c.address_key == address_key(address))
            .values(refusal=reply, uncertain=False, claim=None)
        ).rowcount
        for address, reply in replies.items()
    )
    if refused:
        detail = f"the next hop refused {refused} of {len(claim.mail.copies)} copies"
        note(connection, claim.by, "refuse", claim.mail.id, detail, now)
    _settle(connection, claim)


def give_back(connection: Connection, claim: Claim, reason: str, now: datetime) -> None:
    """No more is done with this claim; what was on its way is uncertain."""
    row = connection.execute(
        select(mails).where(mails.c.id == claim.mail.id, mails.c.claim == claim.token).with_for_update()
    ).first()
    if row is not None:
        _end(connection, row, reason, now)


class Abandoned(NamedTuple):
    """A claim that was ended: its mail, who held it, and the addresses to which nothing was sent."""

    mail_id: str
    by: str
    waiting: tuple[str, ...]


def end_abandoned(connection: Connection, now: datetime, mail_id: str | None = None) -> list[Abandoned]:
    """End claims whose owner is gone, of all mails or of one."""
    query = select(mails).where(mails.c.state == "releasing").order_by(mails.c.id).with_for_update()
    if mail_id is not None:
        query = query.where(mails.c.id == mail_id)
    abandoned = [row for row in connection.execute(query) if row.claim_until < now or is_gone(row.claim_owner)]
    return [
        Abandoned(
            row.id,
            row.claimed_by,
            _end(connection, row, f"the release by {row.claimed_by} was interrupted", now),
        )
        for row in abandoned
    ]


def _end(connection: Connection, row: Row[Any], reason: str, now: datetime) -> tuple[str, ...]:
    """The addresses to which nothing was sent."""
    claimed = (recipients.c.mail_id == row.id) & (recipients.c.claim == row.claim)
    waiting: tuple[str, ...] = ()
    if row.handing_over:
        # The token stays: should the process live after all, it may still say what became of them.
        changed = connection.execute(update(recipients).where(claimed).values(uncertain=True)).rowcount
        note(connection, row.claimed_by, "uncertain", row.id, f"{changed} copies may have arrived", now)
    else:
        query = select(recipients.c.address).where(claimed).order_by(recipients.c.position)
        waiting = tuple(connection.execute(query).scalars())
        connection.execute(update(recipients).where(claimed).values(claim=None))
    _free(connection, row.id, note=reason)
    return waiting


def _settle(connection: Connection, claim: Claim) -> None:
    """End the claim when none of its copies waits; a mail of which all copies are out is released."""
    mail_id = claim.mail.id
    open_copies = select(func.count()).where(recipients.c.mail_id == mail_id, recipients.c.released_at.is_(None))
    waiting = select(func.count()).where(_of(claim))
    if not connection.execute(waiting).scalar():
        if connection.execute(open_copies).scalar():
            _free(connection, mail_id, mails.c.claim == claim.token)
        else:
            _free(connection, mail_id, mails.c.state.in_(["held", "releasing"]), state="released", note="")


def _free(connection: Connection, mail_id: str, *where: ColumnElement[bool], **values: str) -> None:
    connection.execute(
        update(mails)
        .where(mails.c.id == mail_id, *where)
        .values({"state": "held", "claim": None, "claim_until": None, "handing_over": False} | values)
    )


def _of(claim: Claim) -> ColumnElement[bool]:
    return (recipients.c.mail_id == claim.mail.id) & (recipients.c.claim == claim.token)


def _lock(connection: Connection, mail_id: str) -> None:
    """Changes of one mail come one after the other; SQLite has one writer anyway."""
    connection.execute(select(mails.c.id).where(mails.c.id == mail_id).with_for_update())
