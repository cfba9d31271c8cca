"""What a recipient does about a mail by a token: release it, ask for it, or report a false alarm."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from milter.actions.nexthop import NextHop
from milter.actions.release import Releaser
from milter.digest.letters import Desk
from milter.digest.opened import Office
from milter.digest.tokens import Order
from milter.errors import StoreError
from milter.i18n import msgid
from milter.store.opened import OpenStore
from milter.store.records import Copy, StoredMail

FALSE_ALARM = "false-alarm"
Outcome = Literal["released", "already", "requested", "reported", "gone", "failed", "uncertain"]
TEXTS: dict[Outcome, str] = {
    "released": msgid("The mail is on its way to you."),
    "already": msgid("This mail was delivered to you before."),
    "requested": msgid("Your request was noted. An administrator will decide."),
    "reported": msgid("Thank you. The false alarm was noted, so that the filter can be improved."),
    "gone": msgid("This mail is no longer kept: it was deleted, or its time was over."),
    "failed": msgid("This does not work right now. Please try again later."),
    "uncertain": msgid("The mail may have reached you before. If not, please ask your administrator."),
}
EXPIRED = msgid("The time of this command is over. Please ask your administrator for the mail.")
INVALID = msgid("This command is not valid. Please use it unchanged, out of the newest message.")
ELSEWHERE = msgid("Please send the command from the address at which you got the message.")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an order; recipient is "" where even the envelope is gone."""

    outcome: Outcome
    mail: StoredMail
    recipient: str


def subject_of(store: OpenStore, order: Order) -> tuple[StoredMail, str]:
    """The mail of an order and its recipient, "" if that is forgotten. Blocks. Raises StoreError."""
    mail = store.quarantine.get(order.mail_id)
    copy = _copy(mail, order)
    return mail, copy.recipient if copy and mail.state not in ("deleted", "expired") else ""


async def carry_out(order: Order, opened: Office, hop: NextHop) -> Done:
    """Do it; once more changes nothing. Raises StoreError."""
    mail, recipient = await asyncio.to_thread(subject_of, opened.store, order)
    if not recipient:
        return Done("gone", mail, "")
    if order.purpose == "false-alarm":
        outcome = await asyncio.to_thread(_report, opened.store, opened.desk, mail, recipient)
    else:
        outcome = _settled(mail, order) or await _deliver(order, opened, hop, recipient)
    return Done(outcome, await asyncio.to_thread(opened.store.quarantine.get, mail.id), recipient)


def _copy(mail: StoredMail, order: Order) -> Copy | None:
    return mail.copies[order.position] if order.position < len(mail.copies) else None


def _settled(mail: StoredMail, order: Order) -> Outcome | None:
    """What is to be said of a copy that is out or may be; None if it waits."""
    copy = mail.copies[order.position]
    if copy.released_at:
        return "already"
    return "uncertain" if copy.uncertain else None


async def _deliver(order: Order, opened: Office, hop: NextHop, recipient: str) -> Outcome:
    """The policy of today decides, not that of the day on which the token was made."""
    quarantine, now = opened.store.quarantine, opened.desk.now
    if order.purpose != "release" or not opened.desk.may_release(recipient):
        await asyncio.to_thread(quarantine.request, order.mail_id, recipient, now=now)
        return "requested"
    try:
        done = await Releaser(quarantine, hop).release(order.mail_id, by=recipient, recipients=[recipient])
    except StoreError:
        # Somebody else may be faster; if nobody was, the store is at fault.
        mail = await asyncio.to_thread(quarantine.get, order.mail_id)
        settled = _settled(mail, order) or ("failed" if mail.state == "releasing" else None)
        if settled is None:
            raise
        return settled
    if done.uncertain:
        return "uncertain"
    return "released" if done.delivered else "failed"


def _report(store: OpenStore, desk: Desk, mail: StoredMail, recipient: str) -> Outcome:
    if not store.audit.entries(mail_id=mail.id, actor=recipient, action=FALSE_ALARM, limit=1):
        store.audit.record(recipient, FALSE_ALARM, mail.id, "", at=desk.now)
    return "reported"
