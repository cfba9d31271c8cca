"""SMTP in: one session of a client, one transaction with the next hop for each of its mails."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import aiosmtpd.smtp

from milter.actions.deliver import Mail, Outcome
from milter.actions.headers import Trace
from milter.actions.nexthop import TROUBLE, Reply, Transaction
from milter.errors import NextHopError
from milter.frontends.service import Peer, Refusal, Service
from milter.frontends.smtp_data import DataReader, TooLargeError
from milter.frontends.smtp_syntax import (
    ANOTHER_POLICY,
    TOO_LARGE,
    XFORWARD_ATTRIBUTES,
    Path,
    RefusedError,
    check_parameters,
    client_address,
    parse_path,
    parse_xforward,
    xtext,
)
from milter.model import Envelope

COMMANDS = ("HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "XFORWARD")
# Handed through: what the next hop offers of these, and nothing else of it, is offered to the client.
HANDED_THROUGH = ("8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "REQUIRETLS", "MT-PRIORITY")
# Offered while the next hop cannot be asked: a client must not change its mail because of a short absence.
ASSUMED = dict.fromkeys(("8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "SIZE"), "")

SHUTTING_DOWN = Reply(421, ("4.3.2 Shutting down, please try again later",))
TOO_SLOW = Reply(421, ("4.4.2 You took too long",))
REFUSALS = {
    Refusal.NOT_TRUSTED: Reply(554, ("5.7.1 This host takes no mail from you",)),
    Refusal.STOPPING: SHUTTING_DOWN,
    Refusal.FULL: Reply(421, ("4.3.2 Too many connections, please try again later",)),
}
TAKEN = Reply(250, ("2.1.5 Ok",))
TOO_MANY_RECIPIENTS = (452, "4.5.3 Too many recipients")
# Bytes at once after which other sessions have their turn.
LARGE_READ = 64 * 1024
GO_AHEAD = Reply(354, ("End data with <CR><LF>.<CR><LF>",))

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Incoming:
    """A mail between MAIL and the end of DATA."""

    mail_from: str
    smtp_utf8: bool
    transaction: Transaction
    rcpt_to: list[str] = field(default_factory=list)


def _read_on(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.resume_reading()


class _NoHooks:
    """aiosmtpd looks for hooks in a handler at each connection; this one shows none at once."""

    def __dir__(self) -> Iterable[str]:
        return ()


class SmtpServer(aiosmtpd.smtp.SMTP):
    """One session. Its mails go to the next hop as they come in; its replies are the next hop's."""

    # Here the limit of the stream's buffer; message lines of any length never go through that.
    line_length_limit = 64 * 1024
    command_size_limits = defaultdict(lambda: 4096)  # noqa: RUF012  aiosmtpd's class has it, too

    def __init__(self, service: Service) -> None:
        self._service = service
        self._mail: Incoming | None = None
        self._peer: Peer
        self._refused = False
        self._forwarded: dict[str, str] = {}
        self._data: DataReader | None = None
        self._in_data = False
        self._capabilities: Mapping[str, str] = {}
        self._waiting_since: float | None = None
        config = service.config
        super().__init__(
            _NoHooks(),
            data_size_limit=config.max_size,
            enable_SMTPUTF8=True,
            hostname=config.hostname,
            ident="blackmail-filter",
            timeout=config.command_timeout,
            loop=service.loop,
        )

    def __dir__(self) -> Iterable[str]:
        """aiosmtpd looks through all names at each connection, at 130 µs; the commands are what it needs."""
        return [f"smtp_{command}" for command in COMMANDS]

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: greet those who may send."""
        transport = cast("asyncio.Transport", transport)
        self._peer = self._service.peer(transport)
        refusal = self._service.refusal(self._peer)
        if refusal:
            self._refused = True
            transport.write(bytes(REFUSALS[refusal]) + b"\r\n")
            transport.close()
            return
        self._service.enter(self)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        try:
            await super()._handle_client()
        except ConnectionError:
            log.debug("client went away")
        finally:
            self._service.leave(self)
            self._drop_mail()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: bytes of a message go past the stream and its lines."""
        if self._refused:
            return
        if self._data is None:
            super().data_received(data)
        else:
            self._waiting_since = self.loop.time()
            self._take_data(data)

    def eof_received(self) -> bool | None:
        """Called by asyncio."""
        return None if self._refused else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio."""
        if not self._refused:
            super().connection_lost(error)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """A command has come: until its reply is sent, the client owes nothing."""
        self._waiting_since = None
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_later(self._timeout_duration, self._timeout_cb)

    def _timeout_cb(self) -> None:
        since = self._waiting_since
        left = self._timeout_duration - (self.loop.time() - since if since is not None else 0.0)
        # A loop's clock may be as coarse as a millisecond.
        if left > 0.001:
            self._timeout_handle = self.loop.call_later(left, self._timeout_cb)
            return
        self._writer.write(bytes(TOO_SLOW) + b"\r\n")
        assert self.transport is not None
        self.transport.close()

    def say_goodbye(self) -> None:
        """End the session; a mail whose DATA has begun is finished first."""
        if not self._in_data and self.transport is not None:
            self._writer.write(bytes(SHUTTING_DOWN) + b"\r\n")
            self.transport.close()

    def break_off(self) -> None:
        """End the session at once; a mail in transfer is not acknowledged, and so is sent again."""
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    async def push(self, status: Reply | str | bytes) -> None:
        """Send a reply; now the client is to speak."""
        if isinstance(status, str):
            status = status.encode("utf-8", "surrogateescape")
        self._waiting_since = self.loop.time()
        await super().push(bytes(status))

    async def handle_exception(self, error: Exception) -> Any:
        """The reply to a command that failed: a refusal of ours, or a generic text that tells nothing."""
        if isinstance(error, RefusedError):
            return error.reply
        if isinstance(error, NextHopError):
            log.warning("client %s: %s", self._peer.address, error)
        else:
            log.error("client %s: command failed", self._peer.address, exc_info=error)
        return TROUBLE

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
            self._capabilities = await self._service.hop.capabilities()
        except NextHopError as error:
            log.warning("client %s: %s", self._peer.address, error)
            self._capabilities = ASSUMED
        await self.push(Reply(250, (self.hostname, *self._offers())))

    def _offers(self) -> list[str]:
        # RFC 1870 §3: a next hop that says 0, or nothing, has no fixed limit.
        size = self._capabilities.get("SIZE", "")
        limit = int(size) if size.isdecimal() and len(size) <= 20 else 0
        return [
            "PIPELINING",
            f"SIZE {min(limit or self._service.config.max_size, self._service.config.max_size)}",
            *(keyword for keyword in HANDED_THROUGH if keyword in self._capabilities),
            "XFORWARD " + " ".join(XFORWARD_ATTRIBUTES),
        ]

    async def smtp_XFORWARD(self, arg: str | None) -> None:  # noqa: N802
        """Who the client's own client is (www.postfix.org/XFORWARD_README.html); all our clients are trusted."""
        if self._mail:
            raise RefusedError(503, "5.5.1 XFORWARD inside a mail transaction")
        self._forwarded |= parse_xforward(arg)
        await self.push("250 2.0.0 Ok")

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
        transaction = await self._service.hop.begin(sender.path, sender.parameters_as_written, self._forwarded)
        self._mail = Incoming(sender.address, "SMTPUTF8" in sender.parameters, transaction)
        await self.push("250 2.1.0 Ok")

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        """Ask the next hop for this recipient, and hand its answer on."""
        mail = self._mail
        if not mail:
            raise RefusedError(503, "5.5.1 Give MAIL first")
        recipient = self._path(arg, "TO:")
        if not recipient.address:
            raise RefusedError(501, "5.1.3 Empty recipient")
        if len(mail.rcpt_to) >= self._service.config.max_recipients:
            raise RefusedError(*TOO_MANY_RECIPIENTS)
        if mail.rcpt_to and not self._service.may_share(mail.rcpt_to[0], recipient.address):
            raise RefusedError(*ANOTHER_POLICY)
        if self._service.is_command(recipient.address):
            reply = TAKEN
        else:
            reply = await mail.transaction.rcpt(recipient.path, recipient.parameters_as_written)
        if reply.accepted:
            mail.rcpt_to.append(recipient.address)
        await self.push(reply)

    def _path(self, argument: str | None, keyword: str) -> Path:
        path = parse_path(argument, keyword)
        offered = {*self._capabilities, "SIZE"} if self._session.extended_smtp else ()
        check_parameters(path, offered, self._service.config.max_size)
        if not path.address.isascii() and not ("SMTPUTF8" in path.parameters or (self._mail and self._mail.smtp_utf8)):
            raise RefusedError(553, "5.6.7 A non-ASCII address needs SMTPUTF8")
        return path

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """Take the message, act on it, and hand the outcome on."""
        if not self._mail:
            raise RefusedError(503, "5.5.1 Give MAIL and RCPT first")
        if not self._mail.rcpt_to:
            raise RefusedError(554, "5.5.1 No valid recipients")
        if arg:
            raise RefusedError(501, "5.5.4 Syntax: DATA")
        self._in_data = True
        try:
            reply = await self._message(self._mail)
        finally:
            self._in_data = False
            self._set_post_data_state()
        await self.push(reply)
        if self._service.stopping:
            self.say_goodbye()

    async def _message(self, incoming: Incoming) -> Reply:
        try:
            raw = await self._receive()
        except TooLargeError:
            raise RefusedError(*TOO_LARGE) from None
        envelope = self._envelope_of(incoming)
        mail = Mail(raw, envelope, self._trace(incoming, envelope.queue_id), incoming.transaction)
        # From here the transaction belongs to the mail, which may outlive the session.
        self._mail = None
        return (await self._deliver(mail)).reply

    async def _receive(self) -> bytes:
        """The message, in one await; bytes that came ahead of our 354 count."""
        done: asyncio.Future[bytes] = self.loop.create_future()
        self._data = DataReader(self._service.config.max_size, done)
        while self._data and self._reader._buffer:  # type: ignore[attr-defined]
            # Does not wait, and lets the connection flow again where the buffer was full.
            self._take_data(await self._reader.read(self.line_length_limit))
        await self.push(GO_AHEAD)
        try:
            return await done
        finally:
            self._waiting_since = None

    def _take_data(self, data: bytes) -> None:
        assert self._data is not None
        after = self._data.feed(data)
        if after is not None:
            self._data = None
            super().data_received(after)
        elif len(data) >= LARGE_READ and self.transport is not None:
            # A fast client fills the socket again at once, and the loop would read on for megabytes.
            transport = cast("asyncio.Transport", self.transport)
            transport.pause_reading()
            self.loop.call_soon(_read_on, transport)

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

    @property
    def _session(self) -> aiosmtpd.smtp.Session:
        assert self.session is not None
        return self.session

    def _set_rset_state(self) -> None:
        self._set_post_data_state()

    def _set_post_data_state(self) -> None:
        self.envelope = self._create_envelope()
        self._forwarded = {}
        self._drop_mail()

    def _drop_mail(self) -> None:
        if self._mail:
            self._mail.transaction.abandon()
            self._mail = None

    def _envelope_of(self, incoming: Incoming) -> Envelope:
        """The envelope with the real client: the one that XFORWARD names, or a peer from outside."""
        forwarded = {name: xtext(value) for name, value in self._forwarded.items()}
        if not forwarded and self._peer.is_global:
            forwarded = {"ADDR": self._peer.address, "HELO": self._session.host_name or ""}
        return Envelope(
            mail_from=incoming.mail_from,
            rcpt_to=tuple(incoming.rcpt_to),
            client_addr=client_address(forwarded.get("ADDR", "")),
            client_name=forwarded.get("NAME", ""),
            helo_name=forwarded.get("HELO", ""),
            queue_id=forwarded.get("IDENT") or self._service.new_queue_id(),
        )

    def _trace(self, incoming: Incoming, queue_id: str) -> Trace:
        protocol = "ESMTP" if self._session.extended_smtp else "SMTP"
        return Trace(
            client_addr=self._peer.address,
            helo_name=self._session.host_name or "",
            hostname=self.hostname,
            protocol="UTF8SMTP" if incoming.smtp_utf8 else protocol,
            queue_id=queue_id,
            date=self._service.now(),
            recipient=incoming.rcpt_to[0] if len(incoming.rcpt_to) == 1 else "",
        )
