"""aiosmtpd's session with a loop of our own: nothing is worked out, logged or copied anew for each command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import aiosmtpd.smtp

from milter.actions.nexthop import Reply
from milter.config import Config

# Bytes of a command line without and with EHLO (RFC 5321 §4.5.3.1.4; extensions add to it).
LINE_LIMIT = 512
EXTENDED_LINE_LIMIT = 4096
# So many commands that nobody knows, and the session ends.
MOST_UNKNOWN = 5
TOO_LONG = Reply(500, ("5.5.2 Command line too long",))
BAD_SYNTAX = Reply(500, ("5.5.2 Bad syntax",))
UNKNOWN = Reply(500, ("5.5.1 Command not recognized",))
TOO_MANY_UNKNOWN = Reply(421, ("4.7.0 Too many commands that are not recognized",))

# What aiosmtpd sets in a session, the same in all of one kind and one process.
Defaults = dict[type, dict[str, Any]]


class _NoHooks:
    """aiosmtpd looks for hooks in a handler; this one shows none at once."""

    def __dir__(self) -> Iterable[str]:
        return ()


class SmtpProtocol(aiosmtpd.smtp.SMTP):
    """Reads commands and answers them. What derives from it says which commands it has."""

    commands: Sequence[str] = ()

    # Of the stream's buffer; message lines of any length never go through that.
    line_length_limit = 64 * 1024

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop, defaults: Defaults) -> None:
        known = defaults.get(type(self))
        if known is None:
            own = set(self.__dict__)
            super().__init__(
                _NoHooks(),
                data_size_limit=config.max_size,
                enable_SMTPUTF8=True,
                hostname=config.hostname,
                ident="blackmail-filter",
                timeout=config.command_timeout,
                loop=loop,
            )
            defaults[type(self)] = {name: value for name, value in self.__dict__.items() if name not in own}
        else:
            # aiosmtpd works all this out for each session, which takes a tenth of a mail's time.
            self.__dict__.update(known)
            reader = asyncio.StreamReader(limit=self.line_length_limit, loop=loop)
            asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, loop)
        self._smtp_methods = {command: getattr(self, f"smtp_{command}") for command in self.commands}
        self._unknown = 0

    def __dir__(self) -> Iterable[str]:
        """aiosmtpd looks through all names for commands and hooks; here they are known."""
        return ()

    @property
    def greeting(self) -> Reply:
        """The first words of a session."""
        return Reply(220, (f"{self.hostname} {self.__ident__}",))

    async def push(self, status: Reply | str | bytes) -> None:
        """Send a reply."""
        if isinstance(status, str):
            status = status.encode("utf-8", "surrogateescape")
        if self.transport is None:
            raise ConnectionResetError("the client went away")
        self.transport.write(bytes(status) + b"\r\n")  # type: ignore[attr-defined]
        if self._paused:  # type: ignore[attr-defined]
            await self._drain_helper()  # type: ignore[attr-defined]

    async def _handle_client(self) -> None:
        """Called by aiosmtpd, as a task: greet, then obey commands until the connection ends."""
        await self.push(self.greeting)
        while self.transport is not None and not self.transport.is_closing():
            try:
                await self._obey(await self._reader.readuntil())
            except asyncio.LimitOverrunError as error:
                await self._skip_line(error.consumed)
                await self.push(TOO_LONG)
            except (ConnectionResetError, asyncio.IncompleteReadError):
                return  # the client went away
            except Exception as error:  # noqa: BLE001  each becomes a reply
                await self._excuse(error)

    async def _obey(self, line: bytes) -> None:
        verb, _, argument = line.rstrip(b"\r\n").partition(b" ")
        if not verb:
            await self.push(BAD_SYNTAX)
            return
        assert self.session is not None
        if len(line) > (EXTENDED_LINE_LIMIT if self.session.extended_smtp else LINE_LIMIT):
            await self.push(TOO_LONG)
            return
        method = self._smtp_methods.get(verb.upper().decode("ascii", "replace"))
        if method is None:
            await self._refuse_unknown()
            return
        self._reset_timeout()
        await method(argument.strip().decode("utf-8", "surrogateescape") or None)

    async def _refuse_unknown(self) -> None:
        """Who sends no SMTP at all is not listened to for long."""
        self._unknown += 1
        if self._unknown < MOST_UNKNOWN:
            await self.push(UNKNOWN)
            return
        await self.push(TOO_MANY_UNKNOWN)
        assert self.transport is not None
        self.transport.close()

    async def _skip_line(self, size: int) -> None:
        """Read to the end of a line that is too long."""
        await self._reader.read(size)
        while True:
            try:
                await self._reader.readuntil()
            except asyncio.LimitOverrunError as error:
                await self._reader.read(error.consumed)
            else:
                return

    async def _excuse(self, error: Exception) -> None:
        """Say what a failed command means; without TLS that was agreed upon there is nobody to say it to."""
        reply = await self.handle_exception(error)
        if self.transport is None:
            return
        if isinstance(error, aiosmtpd.smtp.TLSSetupException):
            self.transport.close()
            self.connection_lost(error)
        else:
            await self.push(reply)
