"""A client's connection by SMTP: who it is, how long we wait for it, and how a message comes in."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import aiosmtpd.smtp

from milter.actions.nexthop import TROUBLE, Reply
from milter.errors import NextHopError
from milter.frontends.service import Peer, Service
from milter.frontends.smtp_data import DataReader
from milter.frontends.smtp_protocol import SmtpProtocol
from milter.frontends.smtp_syntax import RefusedError
from milter.frontends.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS
from milter.model import Refusal

SHUTTING_DOWN = Reply(421, ("4.3.2 Shutting down, please try again later",))
TOO_SLOW = Reply(421, ("4.4.2 You took too long",))
REFUSALS = {
    Refusal.NOT_TRUSTED: Reply(554, ("5.7.1 This host takes no mail from you",)),
    Refusal.STOPPING: SHUTTING_DOWN,
    Refusal.FULL: Reply(421, ("4.3.2 Too many connections, please try again later",)),
    Refusal.ONE_CLIENT: Reply(421, ("4.7.0 Too many connections from you, please try again later",)),
}
GO_AHEAD = Reply(354, ("End data with <CR><LF>.<CR><LF>",))
START_TLS = Reply(220, ("2.0.0 Ready to start TLS",))
TLS_NEEDED = (530, "5.7.0 Must issue a STARTTLS command first")
# RFC 3207 §4; LHLO is LMTP's EHLO (RFC 2033 §4.1).
ALLOWED_WITHOUT_TLS = {"NOOP", "EHLO", "LHLO", "STARTTLS", "QUIT"}
# Seconds in which a client that was too slow may still read why.
GOODBYE_SECONDS = 5.0
# Bytes at once after which other sessions have their turn.
LARGE_READ = 64 * 1024

log = logging.getLogger(__name__)


def _read_on(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.resume_reading()


class SmtpSession(SmtpProtocol):
    """A connection with its timers. A front end derives from it, and adds its commands."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._peer: Peer
        self._refused = False
        self._data: DataReader | None = None
        self._in_data = False
        self._waiting_since: float | None = None
        self.over_tls = False
        config = service.config
        self._shortest_patience = min(config.command_timeout, config.data_timeout)
        super().__init__(config, service.loop, service.session_defaults)
        if service.tls:
            self._smtp_methods["STARTTLS"] = self.smtp_STARTTLS
        self._all_commands = self._smtp_methods
        if service.tls and config.tls and config.tls.required:
            self._smtp_methods = {
                name: command if name in ALLOWED_WITHOUT_TLS else self._refuse_without_tls
                for name, command in self._all_commands.items()
            }

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio: greet those who may send."""
        transport = cast("asyncio.Transport", transport)
        self._peer = self._service.peer(transport)
        judge = self._service.refusal_of_proxy if self._peer.is_proxy else self._service.refusal
        if refusal := judge(self._peer):
            self._refused = True
            transport.write(bytes(REFUSALS[refusal]) + b"\r\n")
            transport.close()
            return
        self._service.enter(self, self._peer)
        super().connection_made(transport)

    async def _meet_client(self) -> bool:
        """Hear from a proxy who its client is; whether that one may send."""
        from milter.frontends.proxy_protocol import (  # noqa: PLC0415  only where it is switched on
            MissingHeaderError,
            proxied_address,
        )

        try:
            source = await proxied_address(self._reader, self._service.config.command_timeout)
        except MissingHeaderError as error:
            log.warning("client %s: connection closed: %s", self._peer.address, error)
            self._writer.close()
            return False
        if source:
            self._peer = self._service.peer_at(source)
        if refusal := self._service.refusal_behind_proxy(self._peer):
            await self.push(REFUSALS[refusal])
            self._writer.close()
            return False
        self._service.enter(self, self._peer)
        return True

    def _drop_mail(self) -> None:
        """The session ends: take back the mail that has not come to its end."""
        raise NotImplementedError

    def _set_rset_state(self) -> None:
        """As after RSET."""
        raise NotImplementedError

    def _forget_client(self) -> None:
        """What the client has said of itself and its own client does not count any more."""
        raise NotImplementedError

    async def _handle_client(self) -> None:
        try:
            if not self._peer.is_proxy or await self._meet_client():
                await super()._handle_client()
        except ConnectionError:
            log.debug("client went away")
        finally:
            # A client that has said its last word may still hold its end open.
            self._writer.close()
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
        # A failed TLS handshake may report it twice.
        if not self._refused and self.transport is not None:
            super().connection_lost(error)
            # Nobody waits for the end by this future; an error that nobody takes from it would be logged.
            self._closed.exception()  # type: ignore[attr-defined]

    def _reset_timeout(self, duration: float | None = None) -> None:
        """A command has come: until its reply is sent, the client owes nothing."""
        self._waiting_since = None
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_later(self._shortest_patience, self._timeout_cb)

    def _timeout_cb(self) -> None:
        """One timer a connection, however many waits: it comes in time for the shortest one, and may sleep on."""
        config, since = self._service.config, self._waiting_since
        patience = config.command_timeout if self._data is None else config.data_timeout
        left = patience - (self.loop.time() - since if since is not None else 0.0)
        # A loop's clock may be as coarse as a millisecond.
        if left > 0.001:
            self._timeout_handle = self.loop.call_later(min(left, self._shortest_patience), self._timeout_cb)
            return
        self._writer.write(bytes(TOO_SLOW) + b"\r\n")
        assert self.transport is not None
        self.transport.close()
        # What a client does not read would keep the connection open without end.
        self._timeout_handle = self.loop.call_later(GOODBYE_SECONDS, self.break_off)

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
        self._waiting_since = self.loop.time()
        await super().push(status)

    async def handle_exception(self, error: Exception) -> Any:
        """The reply to a command that failed: a refusal of ours, or a generic text that tells nothing."""
        if isinstance(error, RefusedError):
            return error.reply
        if isinstance(error, NextHopError):
            log.warning("client %s: %s", self._peer.address, error)
        elif isinstance(error, aiosmtpd.smtp.TLSSetupException):
            log.warning("client %s: no TLS: %s", self._peer.address, error)
        else:
            log.error("client %s: command failed", self._peer.address, exc_info=error)
        return TROUBLE

    # Commands of the connection

    def _start_anew(self) -> None:
        """As at the greeting: no EHLO was said, no mail begun."""
        self._set_rset_state()
        session = self.session = self._create_session()
        assert self.transport is not None
        session.peer = self.transport.get_extra_info("peername")
        session.ssl = self.transport.get_extra_info("ssl_object")

    @property
    def offers_tls(self) -> bool:
        """Whether STARTTLS would be heard now."""
        return self._service.tls is not None and not self.over_tls

    async def _refuse_without_tls(self, arg: str | None) -> None:
        raise RefusedError(*TLS_NEEDED)

    async def smtp_STARTTLS(self, arg: str | None) -> None:  # noqa: N802
        """Go on under TLS; all that was said in the clear is forgotten (RFC 3207 §4.2)."""
        if arg:
            raise RefusedError(501, "5.5.4 Syntax: STARTTLS")
        if not self.offers_tls:
            raise RefusedError(503, "5.5.1 TLS is active already")
        await self.push(START_TLS)
        await self._forget_plaintext()
        await self._encrypt()
        self._smtp_methods = self._all_commands
        self._forget_client()
        self._start_anew()

    async def _forget_plaintext(self) -> None:
        """What stands behind STARTTLS was slipped in by somebody between the client and us (CVE-2011-0411)."""
        if self._reader._buffer:  # type: ignore[attr-defined]
            log.warning("client %s: commands behind STARTTLS are not obeyed", self._peer.address)
        while self._reader._buffer:  # type: ignore[attr-defined]
            # Does not wait, and lets the connection flow again where the buffer was full.
            await self._reader.read(self.line_length_limit)

    async def _encrypt(self) -> None:
        """Put TLS between the socket and this session, as StreamWriter.start_tls does."""
        assert self._service.tls is not None
        plain = cast("asyncio.Transport", self.transport)
        # The handshake has a time limit of its own.
        self._waiting_since = None
        try:
            transport = await self.loop.start_tls(
                plain,
                self,
                self._service.tls,
                server_side=True,
                ssl_handshake_timeout=min(HANDSHAKE_SECONDS, self._service.config.command_timeout),
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except (OSError, EOFError) as error:
            raise aiosmtpd.smtp.TLSSetupException(error) from error
        if transport is None or plain.is_closing():
            raise aiosmtpd.smtp.TLSSetupException("the connection was lost")
        self.transport = transport
        self._over_ssl = self.over_tls = True
        for part in (self, self._reader, self._writer):
            part._transport = transport  # type: ignore[union-attr]
        self._waiting_since = self.loop.time()

    # The message

    async def _receive(self) -> bytes:
        """The message, in one await; bytes that came ahead of our 354 count."""
        done: asyncio.Future[bytes] = self.loop.create_future()
        reader = self._data = DataReader(self._service.config.max_size, self._service.memory, done)
        if ahead := len(self._reader._buffer):  # type: ignore[attr-defined]
            # Does not wait, and lets the connection flow again where the buffer was full. All of it at once: what
            # stands behind the message goes back into the buffer.
            self._take_data(await self._reader.read(ahead))
        await self.push(GO_AHEAD)
        try:
            return await done
        finally:
            self._waiting_since = self._data = None
            reader.release()

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

    @property
    def _session(self) -> aiosmtpd.smtp.Session:
        assert self.session is not None
        return self.session
