"""Several next hops that stand in for each other: mail goes to the first one that is well."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from milter.actions.nexthop import BeforeEnd, Health, Reply, size_limit
from milter.actions.smtp import LackError, SmtpHop, SmtpTransaction
from milter.errors import NextHopError

# Seconds for which a next hop that failed is left out; doubled each time that it fails again before it took a mail.
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 300.0
# Between two looks at one that is left out. While no other is well, each look is a try.
TICK = 2.0

log = logging.getLogger(__name__)


class Member:
    """One of the next hops. It is left out while somebody looks after it."""

    def __init__(self, hop: SmtpHop) -> None:
        self.hop = hop
        self.due = 0.0
        self._pause = FIRST_PAUSE
        self._watch: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether mail goes there."""
        return self._watch is None or self._watch.done()

    def proved_well(self) -> None:
        """It has taken a mail, or a recipient; to take connections only would prove less."""
        self._pause = FIRST_PAUSE

    def failed(self, error: NextHopError, pool: FailoverHop) -> None:
        """Leave it out until it takes a connection again."""
        self.hop.note(up=False)
        if self.up:
            log.warning("next hop %s is left out: %s", self.hop.address, error)
            self._wait_longer()
            self._watch = asyncio.get_running_loop().create_task(self._look_after(pool))

    def _wait_longer(self) -> None:
        self.due = asyncio.get_running_loop().time() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _look_after(self, pool: FailoverHop) -> None:
        loop = asyncio.get_running_loop()
        while not self.hop.condition.up:
            await asyncio.sleep(TICK)
            if self.due <= loop.time() or not pool.any_up:
                await self._try()
        log.warning("next hop %s answers again", self.hop.address)

    async def _try(self) -> None:
        try:
            self.hop.give_back(await self.hop.connect())
        except NextHopError as error:
            log.info("next hop %s is still left out: %s", self.hop.address, error)
            self._wait_longer()

    async def close(self) -> None:
        """Look after it no more, and give up its idle connections."""
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self.hop.close()


class Sender(NamedTuple):
    """What a mail is begun with: MAIL as the client gave it, and XFORWARD attributes."""

    path: str
    parameters: Sequence[str]
    forwarded: Mapping[str, str]


class FailoverHop:
    """Next hops of one kind in the order in which they are tried; one that fails is left out for a while."""

    def __init__(self, hops: Sequence[SmtpHop]) -> None:
        self._members = [Member(hop) for hop in hops]

    @property
    def any_up(self) -> bool:
        """Whether mail can go anywhere."""
        return any(member.up for member in self._members)

    async def capabilities(self) -> Mapping[str, str]:
        """What each of those that are well offers: any of them may get the mail."""
        answers = await asyncio.gather(*(self._offers_of(member) for member in self._members if member.up))
        offers = [offer for offer in answers if offer is not None]
        if not offers:
            raise self._nobody()
        return common(offers)

    async def _offers_of(self, member: Member) -> Mapping[str, str] | None:
        try:
            return await member.hop.capabilities()
        except NextHopError as error:
            member.failed(error, self)
            return None

    async def begin(self, path: str, parameters: Sequence[str], forwarded: Mapping[str, str]) -> FailoverTransaction:
        """Start a mail at the first that is well and offers what the mail needs."""
        sender = Sender(path, parameters, forwarded)
        tried: set[Member] = set()
        started = await self.start(sender, tried) or await self._start_to_be_refused(sender, tried)
        if not started:
            raise self._nobody()
        return FailoverTransaction(self, sender, started, tried)

    async def start(self, sender: Sender, tried: set[Member]) -> Started | None:
        """Start a mail where it was not tried before, and add to that; None if nobody is left."""
        for member in self._members:
            if member in tried or not member.up:
                continue
            tried.add(member)
            try:
                transaction = await member.hop.begin(*sender)
            except NextHopError as error:
                member.failed(error, self)
                continue
            if transaction.lack is None:
                return Started(member, transaction)
            transaction.abandon()
        return None

    async def _start_to_be_refused(self, sender: Sender, tried: set[Member]) -> Started | None:
        """Start a mail that nobody can take, now or later: the refusal is for good only if all of them say so."""
        if len(tried) < len(self._members) or not all(member.up for member in self._members):
            return None
        first = self._members[0]
        return Started(first, await first.hop.begin(*sender))

    def _nobody(self) -> NextHopError:
        addresses = ", ".join(str(member.hop.address) for member in self._members)
        return NextHopError(f"none of the next hops can take mail now: {addresses}")

    def health(self) -> Mapping[str, Health]:
        """How each of them is."""
        return {address: health for member in self._members for address, health in member.hop.health().items()}

    async def close(self) -> None:
        """Give up idle connections."""
        for member in self._members:
            await member.close()


class Started(NamedTuple):
    """A mail begun at one of the next hops."""

    member: Member
    transaction: SmtpTransaction


class FailoverTransaction:
    """One mail; until its end is sent, it can begin anew elsewhere, and its client does not notice."""

    def __init__(self, pool: FailoverHop, sender: Sender, started: Started, tried: set[Member]) -> None:
        self._pool = pool
        self._sender = sender
        self._member, self._transaction = started
        self._tried = tried
        self._accepted: list[tuple[str, Sequence[str]]] = []

    @property
    def committed(self) -> bool:
        """Whether a next hop may have the whole mail."""
        return self._transaction.committed

    async def rcpt(self, path: str, parameters: Sequence[str]) -> Reply:
        """Offer one recipient. What a next hop says of it is an answer; that it vanishes is none."""
        while True:
            try:
                reply = await self._transaction.rcpt(path, parameters)
            except NextHopError as error:
                await self._move_on(error)
                continue
            if not self._transaction.dismissed:
                break
            await self._move_on(_dismissal(reply))
        if reply.accepted:
            self._accepted.append((path, parameters))
            self._member.proved_well()
        return reply

    async def data(self, parts: Sequence[bytes], before_end: BeforeEnd | None = None) -> Reply:
        """Hand over the message. before_end is awaited once: after that, the mail goes nowhere else."""
        asked = False

        async def once() -> None:
            nonlocal asked
            asked = True
            if before_end:
                await before_end()

        while True:
            try:
                reply = await self._transaction.data(parts, once if before_end else None)
            except NextHopError as error:
                if asked or self.committed:
                    self._member.failed(error, self._pool)
                    raise
                await self._move_on(error)
                continue
            if not self._transaction.dismissed:
                return reply
            if asked or self.committed:
                self._member.failed(_dismissal(reply), self._pool)
                return reply
            await self._move_on(_dismissal(reply))

    async def _move_on(self, error: NextHopError) -> None:
        """Begin anew where the mail has not been yet. Raises the error if that is nowhere."""
        if not isinstance(error, LackError):
            self._member.failed(error, self._pool)
        while started := await self._pool.start(self._sender, self._tried):
            if await self._resumed(started):
                self._transaction.abandon()
                self._member, self._transaction = started
                return
            started.transaction.abandon()
        raise error

    async def _resumed(self, started: Started) -> bool:
        """Whether it takes all recipients that the client was told are fine."""
        member, transaction = started
        try:
            for path, parameters in self._accepted:
                reply = await transaction.rcpt(path, parameters)
                if transaction.dismissed:
                    raise _dismissal(reply)
                if not reply.accepted:
                    return False
        except LackError:
            return False
        except NextHopError as error:
            member.failed(error, self._pool)
            return False
        return True

    def abandon(self) -> None:
        """Take the mail back."""
        self._transaction.abandon()


def common(offers: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The EHLO keywords that stand in all offers, and the smallest SIZE; an argument is that of the first offer."""
    first, *others = offers
    shared = {keyword: argument for keyword, argument in first.items() if all(keyword in offer for offer in others)}
    if "SIZE" in shared:
        shared["SIZE"] = min((offer["SIZE"] for offer in offers), key=lambda size: size_limit(size) or math.inf)
    return shared


def _dismissal(reply: Reply) -> NextHopError:
    return NextHopError(f"next hop says goodbye: {' '.join(reply.lines)}")
