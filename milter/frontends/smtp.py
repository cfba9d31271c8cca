"""SMTP in: one session of a client, one transaction with the next hop for each of its mails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from milter.actions.deliver import Mail, Outcome
from milter.actions.headers import Trace
from milter.actions.nexthop import Reply, Transaction
from milter.errors import NextHopError
from milter.frontends.service import Service
from milter.frontends.smtp_data import TooLargeError
from milter.frontends.smtp_session import SmtpSession
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

TAKEN = Reply(250, ("2.1.5 Ok",))
TOO_MANY_RECIPIENTS = (452, "4.5.3 Too many recipients")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Incoming:
    """A mail between MAIL and the end of DATA."""

    mail_from: str
    smtp_utf8: bool
    transaction: Transaction
    rcpt_to: list[str] = field(default_factory=list)


class SmtpServer(SmtpSession):
    """One session. Its mails go to the next hop as they come in; its replies are the next hop's."""

    commands = COMMANDS

    def __init__(self, service: Service) -> None:
        self._mail: Incoming | None = None
        self._forwarded: dict[str, str] = {}
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
