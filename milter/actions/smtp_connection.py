"""One SMTP connection to the next hop: commands go out, replies come back in order."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from milter.actions.nexthop import Reply
from milter.config import address_of_host
from milter.errors import NextHopError

# More than any sane reply has, in bytes of a line and in lines; a next hop that floods is broken.
LINE_LIMIT = 64 * 1024
LINES_LIMIT = 1000

# Seconds for the parting of TLS, which nobody needs after QUIT.
PARTING = 2.0

# In a reply these could end a line for our client or in a log.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REPLY_LINE = re.compile(r"(\d{3})(?:([ -])(.*))?", re.DOTALL)


class SmtpConnection(asyncio.Protocol):
    """Every method that waits may raise NextHopError; the connection is closed then."""

    def __init__(self, patience: float) -> None:
        self.capabilities: dict[str, str] = {}
        self.mails = 0
        self.encrypted = False
        self.owed_replies = 0
        self.on_idle_loss: Callable[[], None] | None = None
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._partial = b""
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._paused = False
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failure = "closed the connection"

    @property
    def closed(self) -> bool:
        """Whether it can no longer be used."""
        return self._transport is None or self._transport.is_closing()

    @property
    def stays_here(self) -> bool:
        """Whether it never leaves this machine: a Unix socket, or loopback."""
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return isinstance(peer, str | bytes) or (isinstance(peer, tuple) and address_of_host(peer[0]).is_loopback)

    @property
    def unasked(self) -> Reply | None:
        """Between two commands: what it has said without being asked, as it may say 421 (RFC 5321 §3.8)."""
        return self._replies[0] if self._replies else None

    def unasked_before_end(self) -> Reply | None:
        """What it has said ahead of the end of a mail: a refusal, or nothing. Raises NextHopError where it accepts."""
        if self.unasked and self.unasked.accepted:
            raise self.fail("accepts a mail before its end")
        return self.unasked

    async def start_tls(self, context: ssl.SSLContext, host: str | None, within: float) -> None:
        """Go on in TLS, once the next hop is ready for that (RFC 3207 §4).

        host is whose certificate it has to show, within the seconds that the handshake may take. What the next hop
        said in the clear is forgotten. Raises NextHopError.
        """
        # Bytes behind the go-ahead may be of somebody in between (the client's side of CVE-2011-0411).
        self._partial, self._lines = b"", []
        self._replies.clear()
        self.capabilities.clear()
        if self._transport is None or self.closed:
            raise self._error()
        transport, failure = None, "the connection was closed"
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_hostname=host,
                ssl_handshake_timeout=within,
                ssl_shutdown_timeout=PARTING,
            )
        except ssl.SSLCertVerificationError as error:
            failure = error.verify_message
        except (OSError, UnicodeError) as error:
            failure = str(error) or failure
        if transport is None or transport.is_closing():
            raise self.fail(f"cannot be spoken to in TLS: {failure}")
        self._transport = transport
        self.encrypted = True

    async def ask(self, commands: Sequence[bytes]) -> list[Reply]:
        """Send commands and wait for a reply to each: in one go if the next hop offers PIPELINING (RFC 2920).

        Without it, commands after a refused one are not sent, so there may be fewer replies than commands.
        """
        while self.owed_replies:
            await self.reply()
            self.owed_replies -= 1
        if self.unasked and self.unasked.code != 421:
            # It would be taken for the reply to this command.
            raise self.fail("answers what it was not asked")
        if "PIPELINING" in self.capabilities:
            self.write(b"".join(commands))
            return [await self.reply() for _ in commands]
        replies: list[Reply] = []
        for command in commands:
            self.write(command)
            replies.append(await self.reply())
            if replies[-1].code >= 400:
                break
        return replies

    async def send(self, block: bytes | memoryview) -> None:
        """Send a piece of the message, at the pace of the next hop."""
        self.write(block)
        if self._paused:
            self._writer = self._loop.create_future()
            await self._wait(self._writer)

    async def reply(self) -> Reply:
        """Wait for the next reply."""
        while not self._replies:
            if self.closed:
                raise self._error()
            self._reader = self._loop.create_future()
            await self._wait(self._reader)
        return self._replies.popleft()

    def write(self, block: bytes | memoryview) -> None:
        """Send without waiting."""
        if self._transport is None or self._transport.is_closing():
            raise self._error()
        self._transport.write(block)

    def abort(self) -> None:
        """Break off at once; what the next hop has not acknowledged is void."""
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    def fail(self, failure: str) -> NextHopError:
        """Break off; the error to raise tells what the next hop has done."""
        self._give_up(failure)
        return self._error()

    def quit(self) -> None:
        """Part in peace, without waiting for the answer."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
            self._transport.close()

    async def _wait(self, future: asyncio.Future[None]) -> None:
        """Wait for the next hop; a wait that is broken off leaves replies behind, and so ends the connection."""
        self._deadline = self._loop.time() + self._patience
        try:
            await future
        except BaseException:
            self.abort()
            raise
        finally:
            self._deadline = None

    def _check_deadline(self) -> None:
        """One timer a connection, however many waits."""
        now = self._loop.time()
        left = self._patience if self._deadline is None else self._deadline - now
        # A loop's clock may be as coarse as a millisecond.
        if left > 0.001:
            self._timer = self._loop.call_later(left, self._check_deadline)
        else:
            self._give_up("did not answer in time")

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _give_up(self, failure: str) -> None:
        self._failure = failure
        self.abort()

    def _error(self) -> NextHopError:
        return NextHopError(f"next hop {self._failure}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = self._loop.call_later(self._patience, self._check_deadline)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: cut into lines, lines into replies."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._take_line(line.rstrip(b"\r").decode("utf-8", "surrogateescape"))
        if len(self._partial) > LINE_LIMIT:
            self._give_up("does not speak SMTP")
        elif self.on_idle_loss and len(self._replies) > self.owed_replies:
            self.on_idle_loss()
        elif self._replies:
            _wake(self._reader)

    def _take_line(self, line: str) -> None:
        if self.closed:
            return
        found = _REPLY_LINE.fullmatch(line)
        if not found or len(self._lines) >= LINES_LIMIT or len(self._replies) >= LINES_LIMIT:
            self._give_up("does not speak SMTP")
            return
        code, more, text = found.groups(default="")
        self._lines.append(text if text.isprintable() else _CONTROL.sub("?", text))
        if more != "-":
            self._replies.append(Reply(int(code), tuple(self._lines)))
            self._lines = []

    def pause_writing(self) -> None:
        """Called by asyncio."""
        self._paused = True

    def resume_writing(self) -> None:
        """Called by asyncio."""
        self._paused = False
        _wake(self._writer)

    def eof_received(self) -> bool:
        """Called by asyncio: close; a reply that was complete before can still be read."""
        # asyncio's TLS would seem open, and lose what is written.
        if self._transport is not None:
            self._transport.close()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._transport = None
        _wake(self._reader)
        self._stop_timer()
        if self._writer and not self._writer.done():
            self._writer.set_exception(self._error())
        if self.on_idle_loss:
            self.on_idle_loss()


def _wake(future: asyncio.Future[None] | None) -> None:
    if future and not future.done():
        future.set_result(None)
