"""One mail to recipients who each hear what became of it: in as many transactions with the next hop as that takes.

One transaction is open at a time, so that a mail costs one connection however many recipients and policies it has.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from milter.actions.nexthop import TROUBLE, BeforeEnd, NextHop, Reply, Transaction
from milter.errors import NextHopError

log = logging.getLogger(__name__)


class Recipient(NamedTuple):
    """A recipient as RCPT named it."""

    path: str
    parameters: Sequence[str]


class Handover:
    """A sender, and the transaction that is open for him; holder is the part whose recipients are in it.

    After the deadline, on the loop's clock, and once stopped, no other transaction is begun.
    """

    def __init__(self, hop: NextHop, path: str, parameters: Sequence[str], forwarded: Mapping[str, str]) -> None:
        self._hop = hop
        self._sender = path, parameters, forwarded
        self._transaction: Transaction | None = None
        self.holder: Part | None = None
        self.queue_id = ""
        self.deadline = math.inf
        self.stopped = False

    async def begin(self) -> Transaction:
        """Open a transaction. Raises NextHopError."""
        self._transaction = await self._hop.begin(*self._sender)
        return self._transaction

    async def rcpt(self, recipient: Recipient) -> Reply:
        """Offer a recipient in the open transaction, or in a fresh one. Raises NextHopError; nothing is open then."""
        try:
            return await (self._transaction or await self.begin()).rcpt(*recipient)
        except NextHopError:
            self.abandon()
            raise

    async def data(self, parts: Sequence[bytes], before_end: BeforeEnd | None) -> Reply:
        """Hand over the mail in the open transaction. Raises NextHopError; it is still open then."""
        assert self._transaction
        reply = await self._transaction.data(parts, before_end)
        self.abandon()
        return reply

    @property
    def committed(self) -> bool:
        """Whether the next hop may have the whole mail by the open transaction."""
        return self._transaction is not None and self._transaction.committed

    @property
    def may_go_on(self) -> bool:
        """Whether somebody still waits for what becomes of the mail."""
        return not self.stopped and asyncio.get_running_loop().time() < self.deadline

    def abandon(self) -> None:
        """Take back what is open."""
        if self._transaction:
            self._transaction.abandon()
        self._transaction = self.holder = None


class Part:
    """A transaction for some recipients of a handover, each with a reply of its own.

    All of them are in the open transaction as long as the next hop takes them together and no other part comes between;
    else they are offered again when the mail is handed over.
    """

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._recipients: list[Recipient] = []
        # How many of the last ones are in the open transaction, if that is ours.
        self._open = 0
        self.replies: Sequence[Reply] = ()

    @property
    def committed(self) -> bool:
        """Whether the next hop may have the whole mail for those whose turn it is."""
        return self._handover.holder is self and self._handover.committed

    async def rcpt(self, path: str, parameters: Sequence[str]) -> Reply:
        """Offer one recipient."""
        recipient = Recipient(path, parameters)
        self._take_over()
        reply = await self._offer(recipient)
        if self._is_full(reply):
            self._handover.abandon()
            self._take_over()
            reply = await self._offer(recipient)
        if reply.accepted:
            self._recipients.append(recipient)
        return reply

    def _take_over(self) -> None:
        if self._handover.holder is not self:
            if self._handover.holder:
                self._handover.abandon()
            self._handover.holder = self
            self._open = 0

    async def _offer(self, recipient: Recipient) -> Reply:
        reply = await self._handover.rcpt(recipient)
        self._open += reply.accepted
        return reply

    def _is_full(self, reply: Reply) -> bool:
        """Whether a recipient was refused since there are others already (RFC 5321 §4.5.3.1.10)."""
        return reply.code == 452 and self._open > 0

    async def data(self, parts: Sequence[bytes], before_end: BeforeEnd | None = None) -> Reply:
        """Hand the mail over to all; the reply stands for all of theirs, for the log.

        Raises NextHopError if nobody has got it.
        """
        if self._handover.holder is self and self._open == len(self._recipients):
            reply = await self._handover.data(parts, before_end)
            self.replies = [reply] * self._open
            return reply
        self._handover.abandon()
        self.replies = await self._in_turn(parts, before_end)
        return _summary(self.replies)

    async def _in_turn(self, parts: Sequence[bytes], before_end: BeforeEnd | None) -> Sequence[Reply]:
        """Offer and hand over, one transaction after the other; what fails costs nobody but those in it."""
        replies = [TROUBLE] * len(self._recipients)
        waiting = deque(range(len(self._recipients)))
        while waiting and self._handover.may_go_on:
            taken: list[int] = []
            try:
                await self._offer_again(waiting, taken, replies)
                reply = await self._handover.data(parts, before_end) if taken else TROUBLE
            except NextHopError as error:
                log.warning("%s: deferred for some recipients: %s", self._handover.queue_id, error)
                reply = TROUBLE
                if not taken:
                    # It failed before anybody was accepted, and whoever was offered has had his turn.
                    waiting.popleft()
            self._handover.abandon()
            for number in taken:
                replies[number] = reply
        return replies

    async def _offer_again(self, waiting: deque[int], taken: list[int], replies: list[Reply]) -> None:
        """Offer those who wait until the next hop takes no more at once; who is accepted is taken."""
        self._take_over()
        while waiting:
            reply = await self._offer(self._recipients[waiting[0]])
            if self._is_full(reply):
                break
            number = waiting.popleft()
            if reply.accepted:
                taken.append(number)
            else:
                replies[number] = reply

    def abandon(self) -> None:
        """Take the mail back from the open transaction, unless that is another part's."""
        if self._handover.holder in {None, self}:
            self._handover.abandon()


def _summary(replies: Sequence[Reply]) -> Reply:
    """The first reply that accepts, or the first of all, and below it one of each other code."""
    by_code: dict[int, Reply] = {}
    for reply in sorted(replies, key=lambda reply: not reply.accepted):
        by_code.setdefault(reply.code, reply)
    first, *others = by_code.values()
    return Reply(first.code, (*first.lines, *map(str, others)))
