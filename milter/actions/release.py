"""Release of a quarantined mail: the original below one more field, to those recipients who still wait for it.

A copy goes out once. Until its end is about to be sent, the release can be taken back and the mail is held as before;
from then until the next hop's answer is committed, only the next hop knows. Who is cut off in between leaves the copy
uncertain: held, and sent again only by somebody who asks for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime

from milter.actions.headers import text_field
from milter.actions.nexthop import NextHop, Reply, Transaction
from milter.errors import NextHopError, StoreError
from milter.store.quarantine import Quarantine
from milter.store.records import Claim

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Release:
    """What became of the copies of one mail: recipients who got it, replies to those who did not, and who may have it.

    note says in one line why the mail as a whole was not taken, "" if it was.
    """

    mail_id: str
    delivered: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    uncertain: tuple[str, ...] = ()
    note: str = ""

    @property
    def complete(self) -> bool:
        """Whether all copies that were to go out have arrived at the next hop."""
        return not (self.refused or self.uncertain or self.note)

    @property
    def left_over(self) -> tuple[str, ...]:
        """Recipients who were too many for one transaction (RFC 5321 §4.5.3.1.10)."""
        return tuple(address for address, reply in self.refused.items() if reply.startswith("452 "))


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Releaser:
    """Releases mails through one next hop; its methods may run side by side."""

    def __init__(self, quarantine: Quarantine, hop: NextHop, now: Callable[[], datetime] = utc_now) -> None:
        self._quarantine = quarantine
        self._hop = hop
        self._now = now

    async def release(
        self, mail_id: str, *, by: str, recipients: Collection[str] | None = None, again: bool = False
    ) -> Release:
        """Send a mail to recipients who wait for it, to all of them by default.

        again sends uncertain copies once more. Raises StoreError if there is no such mail, nothing of it is left to
        release, somebody else is releasing it, or the store fails.
        """
        done = await self._once(mail_id, by, recipients, again=again)
        while done.delivered and (left := done.left_over):
            try:
                more = await self._once(mail_id, by, left, again=again)
            except StoreError as error:
                return replace(done, note=str(error))
            refused = {address: reply for address, reply in done.refused.items() if address not in left}
            done = replace(more, delivered=done.delivered + more.delivered, refused={**refused, **more.refused})
            if not more.delivered:
                break
        return done

    async def _once(self, mail_id: str, by: str, recipients: Collection[str] | None, *, again: bool) -> Release:
        """One transaction with the next hop."""
        claim = await asyncio.to_thread(
            self._quarantine.claim, mail_id, recipients, by=by, now=self._now(), again=again
        )
        attempt = _Attempt(self._quarantine, claim, self._now)
        try:
            return await attempt.send(self._hop)
        except NextHopError as error:
            return await attempt.broken_off(str(error))
        except BaseException:
            # Cancelled, or a fault of ours or of the store.
            await attempt.give_up()
            raise


class _Attempt:
    """One claim on its way through the next hop."""

    def __init__(self, quarantine: Quarantine, claim: Claim, now: Callable[[], datetime]) -> None:
        self._quarantine = quarantine
        self._claim = claim
        self._now = now
        self._accepted: list[str] = []
        self._refused: dict[str, str] = {}
        self._transaction: Transaction | None = None
        self._handing_over = False

    async def send(self, hop: NextHop) -> Release:
        """One transaction. Raises NextHopError and StoreError."""
        raw = await asyncio.to_thread(self._quarantine.raw, self._claim.mail.id)
        transaction = await self._begin(hop, raw)
        try:
            await self._offer(transaction)
            if self._accepted:
                reply = await transaction.data([self._field(), raw], self._hand_over)
                await self._conclude(reply)
        finally:
            transaction.abandon()
        return Release(self._claim.mail.id, tuple(self._accepted), self._refused)

    async def _begin(self, hop: NextHop, raw: bytes) -> Transaction:
        """Parameters are those that the mail needs, as far as the next hop knows them: the client's are forgotten."""
        offered = await hop.capabilities()
        parameters = [f"SIZE={len(raw)}"] if "SIZE" in offered else []
        if not raw.isascii() and "8BITMIME" in offered:
            parameters.append("BODY=8BITMIME")
        mail_from = self._claim.mail.envelope.mail_from
        if not all(address.isascii() for address in (mail_from, *self._claim.recipients)):
            parameters.append("SMTPUTF8")
        self._transaction = await hop.begin(f"<{mail_from}>", parameters, {})
        return self._transaction

    async def _offer(self, transaction: Transaction) -> None:
        """Refusals are settled before anything is handed over: an interruption must not make them uncertain."""
        for recipient in self._claim.recipients:
            reply = await transaction.rcpt(f"<{recipient}>", [])
            if reply.accepted:
                self._accepted.append(recipient)
            else:
                self._refused[recipient] = str(reply)
        if self._refused:
            await self._write(self._quarantine.refused, self._refused)

    def _field(self) -> bytes:
        return text_field("X-Blackmail-Released", f"{self._claim.by}; {format_datetime(self._now())}")

    async def _hand_over(self) -> None:
        self._handing_over = True
        await asyncio.to_thread(self._quarantine.handing_over, self._claim, now=self._now())

    async def _conclude(self, reply: Reply) -> None:
        if not reply.accepted:
            replies = dict.fromkeys(self._accepted, str(reply))
            self._accepted = []
            self._refused |= replies
            await self._write(self._quarantine.refused, replies)
            return
        try:
            await self._write(self._quarantine.delivered, self._accepted)
        except StoreError as error:
            raise StoreError(f"{self._claim.mail.id} was released, but that could not be recorded: {error}") from error

    async def broken_off(self, reason: str) -> Release:
        """The next hop vanished. Raises StoreError."""
        committed = self._transaction is not None and self._transaction.committed
        waiting = tuple(recipient for recipient in self._claim.recipients if recipient not in self._refused)
        if self._handing_over and not committed:
            # Its end was never sent.
            await self._write(self._quarantine.refused, dict.fromkeys(waiting, reason))
        else:
            await self._write(self._quarantine.given_back, reason)
        return Release(self._claim.mail.id, (), self._refused, waiting if committed else (), reason)

    async def give_up(self) -> None:
        """Settle the claim as far as the store lets us; what it does not, the next resume() settles."""
        try:
            await self.broken_off("the release was broken off")
        except StoreError as error:
            log.warning("%s: the release stays open: %s", self._claim.mail.id, error)

    async def _write(self, change: Callable[..., None], what: object) -> None:
        await asyncio.to_thread(change, self._claim, what, now=self._now())
