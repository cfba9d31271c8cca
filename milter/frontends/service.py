"""What all sessions of one process share: settings, next hop, delivery, and who is at it right now."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from milter.actions.decide import Decider
from milter.actions.deliver import Delivery, Mail, Outcome
from milter.actions.hops import make_next_hop
from milter.actions.nexthop import TROUBLE, NextHop
from milter.actions.remember import Memory, Sight
from milter.addresses import normal_address
from milter.config import Config, address_of_host
from milter.digest.own import own_mail
from milter.errors import StoreError
from milter.frontends.memory import MailMemory
from milter.frontends.smtp_protocol import Defaults
from milter.frontends.store_watch import StoreWatch, decided_campaigns, sender_lists
from milter.model import Envelope, Inspector, Refusal
from milter.observe import meter, stages
from milter.observe.mail_line import mail_done
from milter.policies import PolicyBook, share_a_mail
from milter.signals.campaigns import CampaignBook

if TYPE_CHECKING:
    import ssl

    from milter.digest.commands import Commands

# Judged addresses that are remembered.
PEERS_KEPT = 10_000

log = logging.getLogger(__name__)


class Peer(NamedTuple):
    """The host at the other end: its address, whether it may send through us, whether it is from outside.

    is_proxy: it begins each connection by naming its own client (the setting proxy_protocol).
    """

    address: str
    trusted: bool
    is_global: bool
    is_proxy: bool = False


# A host that left before it was asked for its address.
GONE = Peer("(gone)", trusted=False, is_global=False)
# Whoever may open our Unix socket has been let in by its permissions.
LOCAL = Peer("127.0.0.1", trusted=True, is_global=False)


class Session(Protocol):
    """A client's session, as far as the service has to know it."""

    def say_goodbye(self) -> None:
        """End it as soon as no mail is lost by that."""

    def break_off(self) -> None:
        """End it at once."""


class Service:
    """Made inside the running loop of its process; inspector None relays without looking."""

    def __init__(
        self,
        config: Config,
        inspector: Inspector | None,
        *,
        policies: PolicyBook | None = None,
        campaigns: CampaignBook | None = None,
        next_hop: NextHop | None = None,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
    ) -> None:
        self.config = config
        self.loop = asyncio.get_running_loop()
        self.hop = next_hop or make_next_hop(config)
        self.now = now
        self.tls = tls
        self.session_defaults: Defaults = {}
        self.memory = MailMemory(config.max_memory)
        self.stopping = False
        self._policies = policies or PolicyBook(config)
        self._inspects = inspector is not None
        # In monitor mode nobody is told what another policy asks for, and nothing is written down.
        self._acts = self._inspects and config.acts
        readers = sender_lists(self._policies), decided_campaigns(campaigns or CampaignBook())
        self._store_watch = StoreWatch(config.store, *readers)
        self._sights = Memory(config.store)
        self._following: asyncio.Task[None] | None = None
        # With the address of each session's client.
        self._sessions: dict[Session, str] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.decider = Decider(config, inspector, self._policies, is_own=own_mail(config.store))
        self._delivery = Delivery(config, self.decider)
        self._commands = self._take_commands(inspector) if config.digest.command_address else None
        self._deliveries: set[asyncio.Task[Outcome]] = set()
        self._peers: dict[str, Peer] = {}

    def start(self) -> None:
        """Begin what goes on beside the sessions until stop()."""
        if self._inspects:
            self._following = self.loop.create_task(self._store_watch.follow())

    def peer(self, transport: asyncio.BaseTransport) -> Peer:
        """What is known of the host that connects to us."""
        name = transport.get_extra_info("peername")
        if name is None:
            return GONE
        return self.peer_at(name[0]) if isinstance(name, tuple) else LOCAL

    def peer_at(self, host: str) -> Peer:
        """What is known of the host with this IP address."""
        if host not in self._peers:
            address = address_of_host(host)
            if len(self._peers) >= PEERS_KEPT:
                self._peers.clear()
            trusted, is_proxy = (
                any(address in network for network in networks)
                for networks in (self.config.trusted_clients, self.config.proxy_protocol)
            )
            self._peers[host] = Peer(str(address), trusted, address.is_global, is_proxy)
        return self._peers[host]

    def refusal(self, peer: Peer) -> Refusal | None:
        """Whether, and why, a session with this host may not begin."""
        return self._logged(peer, self._unwelcome(peer) or self._busy())

    def refusal_of_proxy(self, peer: Peer) -> Refusal | None:
        """The same for a host in proxy_protocol, whose client is not known yet."""
        return self._logged(peer, self._busy())

    def refusal_behind_proxy(self, peer: Peer) -> Refusal | None:
        """The same for the client of a proxy whose session has begun."""
        return self._logged(peer, self._unwelcome(peer))

    def _unwelcome(self, peer: Peer) -> Refusal | None:
        if not peer.trusted:
            return Refusal.NOT_TRUSTED
        limit = self.config.max_connections_per_client
        if limit and sum(address == peer.address for address in self._sessions.values()) >= limit:
            return Refusal.ONE_CLIENT
        return None

    def _busy(self) -> Refusal | None:
        if self.stopping:
            return Refusal.STOPPING
        return Refusal.FULL if len(self._sessions) >= self.config.max_connections else None

    def _logged(self, peer: Peer, reason: Refusal | None) -> Refusal | None:
        if reason:
            log.warning("client %s: refused, %s", peer.address, reason.value)
            if meter.counts:
                meter.counts.refused(reason)
        return reason

    @property
    def parts_recipients(self) -> bool:
        """Whether some recipients may not share a mail."""
        return self._acts and not self._policies.current.are_one

    def may_share(self, first: str, other: str) -> bool:
        """Whether a mail to the first recipient may go to the other one, too."""
        if self.is_command(first) or self.is_command(other):
            return normal_address(first) == normal_address(other)
        policies = self._policies.current
        return policies.are_one or not self._acts or share_a_mail(policies.of(first), policies.of(other))

    def _take_commands(self, inspector: Inspector | None) -> Commands:
        from milter.digest.commands import Commands  # noqa: PLC0415  most servers take none, and have no store

        return Commands(self.config, self.hop, inspector, self.now)

    def is_command(self, recipient: str) -> bool:
        """Whether mail to that address is for us, and the next hop is not asked for it."""
        return self._commands is not None and self._commands.is_for_us(recipient)

    def enter(self, session: Session, peer: Peer) -> None:
        """A session begins, or turns out to be this client's."""
        self._sessions[session] = peer.address
        self._count_sessions()
        self._empty.clear()

    def leave(self, session: Session) -> None:
        """A session has ended; its last mail may still be on its way."""
        self._sessions.pop(session, None)
        self._count_sessions()
        self._note_if_empty()

    def _count_sessions(self) -> None:
        if meter.counts:
            meter.counts.sessions(len(self._sessions))

    def _note_if_empty(self) -> None:
        if not self._sessions and not self._deliveries:
            self._empty.set()

    def new_queue_id(self) -> str:
        """A name for a mail, unique on this machine, for logs and Received."""
        return f"{time.time_ns() // 1000 & 0xFFFFFFFFFFFF:X}{os.getpid() & 0xFFFF:04X}"

    def start_delivery(self, mail: Mail) -> asyncio.Task[Outcome]:
        """Act on a mail in a task that outlives its session."""
        size = len(mail.raw)
        self.memory.hold(size)
        task = self.loop.create_task(self._deliver(mail))
        self._deliveries.add(task)
        self._count_deliveries()
        task.add_done_callback(lambda _: self.memory.give_back(size))
        task.add_done_callback(self._delivered)
        return task

    def _delivered(self, task: asyncio.Task[Outcome]) -> None:
        self._deliveries.discard(task)
        self._count_deliveries()
        self._note_if_empty()

    def _count_deliveries(self) -> None:
        if meter.counts:
            meter.counts.in_hand(len(self._deliveries), self.memory.in_hand)

    async def _deliver(self, mail: Mail) -> Outcome:
        started, timing = time.perf_counter(), stages.begin()
        try:
            outcome = await self._acted(mail)
        except asyncio.CancelledError:
            log.warning("%s: client went away before its mail was taken", mail.envelope.queue_id)
            raise
        except Exception:
            log.exception("%s: delivery failed", mail.envelope.queue_id)
            outcome = Outcome("defer", TROUBLE)
        mail_done(mail.envelope, len(mail.raw), outcome, started, timing, mail.trace.client_addr)
        self.remember(mail.raw, mail.envelope, outcome)
        return outcome

    def remember(self, raw: bytes, envelope: Envelope, outcome: Outcome) -> None:
        """Learn from a mail that is through; returns at once."""
        if self._acts and outcome.verdict and outcome.verdict.flagged and outcome.reply.accepted:
            self._sights.remember(Sight(raw, envelope, outcome.verdict, self.now(), outcome.kept_as))

    async def _acted(self, mail: Mail) -> Outcome:
        if self._commands is None or not self.is_command(mail.envelope.rcpt_to[0]):
            return await self._delivery.deliver(mail)
        mail.transaction.abandon()
        try:
            return Outcome("command", await self._commands.take(mail.raw, mail.envelope))
        except StoreError as error:
            log.warning("%s: deferred: %s", mail.envelope.queue_id, error)
            return Outcome("defer", TROUBLE)

    async def empty(self) -> None:
        """Wait until no session is open and no mail is on its way."""
        await self._empty.wait()

    async def stop(self, patience: float) -> None:
        """Finish what is in DATA, for at most patience seconds; say 421 to the rest; part from the next hop."""
        self.stopping = True
        if self._following:
            self._following.cancel()
        for session in tuple(self._sessions):
            session.say_goodbye()
        await self._empty_within(patience)
        for session in tuple(self._sessions):
            session.break_off()
        for task in tuple(self._deliveries):
            task.cancel()
        await self._empty_within(1.0)
        await self.hop.close()
        self._delivery.close()
        self._store_watch.close()
        self._sights.close()

    async def _empty_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.empty()
