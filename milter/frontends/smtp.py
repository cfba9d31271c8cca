"""SMTP in: one session of a client, one transaction with the next hop for each of its mails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from milter.actions.deliver import Mail, Outcome
from milter.actions.headers import Trace
from milter.actions.nexthop import Reply, Transaction, size_limit
from milter.errors import NextHopError
from milter.frontends.identity import ClientIdentity
from milter.frontends.memory import NO_ROOM
from milter.frontends.service import Service
from milter.frontends.smtp_data import NoRoomError, TooLargeError
from milter.frontends.smtp_session import SmtpSession
from milter.frontends.smtp_syntax import (
    ANOTHER_POLICY,
    TOO_LARGE,
    XCLIENT_ATTRIBUTES,
    XFORWARD_ATTRIBUTES,
    Path,
    RefusedError,
    check_parameters,
    client_address,
    parse_attributes,
    parse_path,
)
from milter.model import Envelope

COMMANDS = ("HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "XFORWARD", "XCLIENT")
# Handed through: what the next hop offers of these, and nothing else of it, is offered to the client.
HANDED_THROUGH = ("8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "REQUIRETLS", "MT-PRIORITY")
# Offered while the next hop cannot be asked: a client must not change its mail because of a short absence.
ASSUMED = dict.fromkeys(("8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "SIZE"), "")

TAKEN = Reply(250, ("2.1.5 Ok",))
TOO_MANY_RECIPIENTS = (452, "4.5.3 Too many recipients")
NO_RECIPIENTS = (554, "5.5.1 No valid recipients")

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Share:
    """Recipients who get the same mail at the same time, and the transaction by which the next hop gets it for them."""

    transaction: Transaction
    rcpt_to: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Incoming:
    """A mail between MAIL and the end of DATA; accepted has the share of each accepted recipient, in their order.

    By SMTP it is one share, since its client hears one answer.
    """

    mail_from: str
    smtp_utf8: bool
    shares: list[Share]
    accepted: list[Share] = field(default_factory=list)


class SmtpServer(SmtpSession):
    """One session. Its mails go to the next hop as they come in; its replies are the next hop's."""

    commands: Sequence[str] = COMMANDS
    no_recipients = NO_RECIPIENTS
    # The words behind "with" in Received (RFC 3848), the second one with SMTPUTF8 (RFC 6531 §4.3).
    protocols = ("ESMTP", "UTF8SMTP")

    def __init__(self, service: Service) -> None:
        self._mail: Incoming | None = None
        self._identity = ClientIdentity()
        self._capabilities: Mapping[str, str] = {}
        super().__init__(service)

    # Commands

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        """Offer what this filter and the next hop can do together."""
        if not hostname:
            raise RefusedError(501, "5.5.4 Syntax: EHLO hostname")
        self._set_rset_state()
        session = self._session
        session.extended_smtp = True
        session.host_name = hostname
        try:
            self._capabilities = self._suited(await self._service.hop.capabilities())
        except NextHopError as error:
            log.warning("client %s: %s", self._peer.address, error)
            self._capabilities = ASSUMED
        await self.push(Reply(250, (self.hostname, *self._offers())))

    def _suited(self, capabilities: Mapping[str, str]) -> Mapping[str, str]:
        """What the next hop can do, as far as it holds for this session."""
        if self.over_tls or "REQUIRETLS" not in capabilities:
            return capabilities
        # RFC 8689 §2: it is offered under TLS only.
        return {keyword: text for keyword, text in capabilities.items() if keyword != "REQUIRETLS"}

    def _offers(self) -> list[str]:
        ours = self._service.config.max_size
        return [
            "PIPELINING",
            f"SIZE {min(size_limit(self._capabilities.get('SIZE', '')) or ours, ours)}",
            *(keyword for keyword in HANDED_THROUGH if keyword in self._capabilities),
            *(["STARTTLS"] if self.offers_tls else []),
            "XFORWARD " + " ".join(XFORWARD_ATTRIBUTES),
            "XCLIENT " + " ".join(XCLIENT_ATTRIBUTES),
        ]

    async def smtp_XFORWARD(self, arg: str | None) -> None:  # noqa: N802
        """Who the client's own client is (www.postfix.org/XFORWARD_README.html); all our clients are trusted."""
        if self._mail:
            raise RefusedError(503, "5.5.1 XFORWARD inside a mail transaction")
        self._identity.take_xforward(parse_attributes(arg, "XFORWARD", XFORWARD_ATTRIBUTES))
        await self.push("250 2.0.0 Ok")

    async def smtp_XCLIENT(self, arg: str | None) -> None:  # noqa: N802
        """Who the client is that ours stands for from now on (www.postfix.org/XCLIENT_README.html)."""
        if self._mail:
            raise RefusedError(503, "5.5.1 XCLIENT inside a mail transaction")
        self._identity.take_xclient(parse_attributes(arg, "XCLIENT", XCLIENT_ATTRIBUTES))
        self._start_anew()
        await self.push(self.greeting)

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802
        """Nobody is verified here (RFC 5321 §3.5.3)."""
        await self.push("252 2.0.0 Send some mail, I will try my best")

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        """Take the sender; the next hop hears of it with the first recipient."""
        if await self.check_helo_needed():
            return
        if self._mail:
            raise RefusedError(503, "5.5.1 Sender already given")
        sender = self._path(arg, "FROM:")
        if not self._service.memory.fits(int(sender.parameters.get("SIZE", 0)) or 1):
            raise RefusedError(*NO_ROOM)
        transaction = await self._begin(sender)
        self._mail = Incoming(sender.address, "SMTPUTF8" in sender.parameters, [Share(transaction)])
        await self.push("250 2.1.0 Ok")

    async def _begin(self, sender: Path) -> Transaction:
        return await self._service.hop.begin(sender.path, sender.parameters_as_written, self._identity.forwarded)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        """Ask the next hop for this recipient, and hand its answer on."""
        mail = self._mail
        if not mail:
            raise RefusedError(503, "5.5.1 Give MAIL first")
        recipient = self._path(arg, "TO:")
        if not recipient.address:
            raise RefusedError(501, "5.1.3 Empty recipient")
        if len(mail.accepted) >= self._service.config.max_recipients:
            raise RefusedError(*TOO_MANY_RECIPIENTS)
        share = self._share_of(mail, recipient.address)
        if self._service.is_command(recipient.address):
            reply = TAKEN
        else:
            reply = await share.transaction.rcpt(recipient.path, recipient.parameters_as_written)
        if reply.accepted:
            share.rcpt_to.append(recipient.address)
            mail.accepted.append(share)
        await self.push(reply)

    def _share_of(self, mail: Incoming, recipient: str) -> Share:
        """Where a recipient belongs: to those before, or he is refused."""
        (share,) = mail.shares
        if share.rcpt_to and not self._service.may_share(share.rcpt_to[0], recipient):
            raise RefusedError(*ANOTHER_POLICY)
        return share

    def _path(self, argument: str | None, keyword: str) -> Path:
        path = parse_path(argument, keyword)
        offered = {*self._capabilities, "SIZE"} if self._session.extended_smtp else ()
        check_parameters(path, offered, self._service.config.max_size)
        if not path.address.isascii() and not ("SMTPUTF8" in path.parameters or (self._mail and self._mail.smtp_utf8)):
            raise RefusedError(553, "5.6.7 A non-ASCII address needs SMTPUTF8")
        return path

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """Take the message, act on it, and hand the outcome on."""
        mail = self._mail
        if not mail:
            raise RefusedError(503, "5.5.1 Give MAIL and RCPT first")
        if not mail.accepted:
            raise RefusedError(*self.no_recipients)
        if arg:
            raise RefusedError(501, "5.5.4 Syntax: DATA")
        self._in_data = True
        try:
            replies = await self._message(mail)
        finally:
            self._in_data = False
            self._set_post_data_state()
        await self.push(b"\r\n".join(map(bytes, replies)))
        if self._service.stopping:
            self.say_goodbye()

    async def _message(self, incoming: Incoming) -> Sequence[Reply]:
        """Take the message in, and act on it; what its client is told."""
        try:
            raw = await self._receive()
        except TooLargeError:
            return self._same_for_all(incoming, Reply(TOO_LARGE[0], TOO_LARGE[1:]))
        except NoRoomError:
            return self._same_for_all(incoming, Reply(NO_ROOM[0], NO_ROOM[1:]))
        queue_id = self._queue_id()
        mails = [self._mail_of(raw, incoming, share, queue_id) for share in incoming.shares if share.rcpt_to]
        # From here the transactions belong to the mails, which may outlive the session.
        self._mail = None
        return await self._act(incoming, mails)

    def _same_for_all(self, incoming: Incoming, reply: Reply) -> Sequence[Reply]:
        """A reply that holds for all recipients."""
        return [reply]

    async def _act(self, incoming: Incoming, mails: Sequence[Mail]) -> Sequence[Reply]:
        (mail,) = mails
        return [(await self._deliver(mail)).reply]

    async def _deliver(self, mail: Mail) -> Outcome:
        """A client that goes away takes its mail back, but only while nobody else can have it."""
        task = self._service.start_delivery(mail)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not mail.committed:
                task.cancel()
            raise

    # State

    def _set_rset_state(self) -> None:
        self._set_post_data_state()

    def _set_post_data_state(self) -> None:
        self._identity.end_mail()
        self._drop_mail()

    def _forget_client(self) -> None:
        self._identity = ClientIdentity()

    def _drop_mail(self) -> None:
        if self._mail:
            for share in self._mail.shares:
                share.transaction.abandon()
            self._mail = None

    def _queue_id(self) -> str:
        return self._identity.queue_id or self._service.new_queue_id()

    def _mail_of(self, raw: bytes, incoming: Incoming, share: Share, queue_id: str) -> Mail:
        envelope = self._envelope_of(incoming, share, queue_id)
        return Mail(raw, envelope, self._trace(incoming, share, queue_id), share.transaction)

    def _envelope_of(self, incoming: Incoming, share: Share, queue_id: str) -> Envelope:
        """The envelope with the real client: the one that XFORWARD or XCLIENT names, or a peer from outside."""
        client = self._identity.known(self._peer, self._session.host_name or "")
        return Envelope(
            mail_from=incoming.mail_from,
            rcpt_to=tuple(share.rcpt_to),
            client_addr=client_address(client.get("ADDR", "")),
            client_name=client.get("NAME", ""),
            helo_name=client.get("HELO", ""),
            queue_id=queue_id,
            authenticated=self._identity.authenticated,
        )

    def _trace(self, incoming: Incoming, share: Share, queue_id: str) -> Trace:
        return Trace(
            client_addr=self._peer.address,
            helo_name=self._session.host_name or "",
            hostname=self.hostname,
            protocol=self._protocol(utf8=incoming.smtp_utf8),
            queue_id=queue_id,
            date=self._service.now(),
            recipient=share.rcpt_to[0] if len(share.rcpt_to) == 1 else "",
        )

    def _protocol(self, *, utf8: bool) -> str:
        if not self._session.extended_smtp:
            return "SMTP"
        return self.protocols[utf8] + ("S" if self.over_tls else "")
