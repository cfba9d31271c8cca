"""Relay to a next hop by SMTP: pooled connections, the client's parameters, the next hop's replies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from milter.actions.dotstuff import wire_blocks
from milter.actions.hop_access import NO_CONDITIONS, Access
from milter.actions.nexthop import BeforeEnd, Health, Reply, extension_of
from milter.actions.smtp_connection import SmtpConnection
from milter.actions.smtp_opening import GREETINGS, Opening
from milter.config import Endpoint
from milter.errors import NextHopError

# Shorter than the idle limit of any server, long enough for a busy minute.
IDLE_SECONDS = 10.0
MAILS_PER_CONNECTION = 500
# Postfix takes 512 bytes a command line (RFC 5321 §4.5.3.1.4).
XFORWARD_LINE = 500
# What is said of a mail that needs what the next hop cannot do, and will not be able to do later: RFC 6531 §3.5,
# RFC 6152 §3 (we never convert), RFC 8689 §5. Other extensions only add to a mail that could do without.
LACKING = {
    "SMTPUTF8": Reply(550, ("5.6.7 The next hop does not offer SMTPUTF8",)),
    "8BITMIME": Reply(554, ("5.6.3 The next hop does not offer 8BITMIME",)),
    "REQUIRETLS": Reply(550, ("5.7.30 REQUIRETLS support required",)),
}


class SmtpHop:
    """Next hop by SMTP; keeps idle connections for the next mail."""

    greetings: Sequence[str] = GREETINGS
    transaction: type[SmtpTransaction]

    def __init__(
        self,
        address: Endpoint,
        *,
        helo_name: str,
        timeout: float,
        opening_timeout: float | None = None,
        access: Access = NO_CONDITIONS,
    ) -> None:
        self.address = address
        self.condition = Health(up=True, since=time.time())
        self._opening = Opening(address, helo_name, timeout, opening_timeout or timeout, self.greetings, access)
        self._idle: list[tuple[SmtpConnection, asyncio.TimerHandle]] = []
        self._capabilities: Mapping[str, str] | None = None

    async def capabilities(self) -> Mapping[str, str]:
        """What the next hop offered when it was last connected to."""
        if self._capabilities is None:
            self.give_back(await self.connect())
        return self._capabilities or {}

    async def begin(self, path: str, parameters: Sequence[str], forwarded: Mapping[str, str]) -> SmtpTransaction:
        """Start a mail; the sender goes out together with the first recipient."""
        connection = self._take_idle() or await self.connect()
        return self.transaction(self, connection, _Command("MAIL FROM", path, parameters), forwarded)

    async def connect(self) -> SmtpConnection:
        """A fresh connection."""
        self._capabilities = None
        try:
            connection = await self._opening.connect()
        except NextHopError:
            self.note(up=False)
            raise
        self.note(up=True)
        self._capabilities = connection.capabilities
        return connection

    def note(self, *, up: bool) -> None:
        """Whether it answers."""
        if self.condition.up != up:
            self.condition = Health(up, time.time())

    def health(self) -> Mapping[str, Health]:
        """Whether it answered when it was last connected to."""
        return {str(self.address): self.condition}

    def give_back(self, connection: SmtpConnection) -> None:
        """Keep a connection that is between two mails."""
        connection.mails += 1
        if connection.closed:
            return
        if connection.mails >= MAILS_PER_CONNECTION:
            connection.quit()
            return
        timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._drop, connection)
        self._idle.append((connection, timer))
        connection.on_idle_loss = lambda: self._drop(connection)

    def _take_idle(self) -> SmtpConnection | None:
        while self._idle:
            connection, timer = self._idle.pop()
            timer.cancel()
            connection.on_idle_loss = None
            if not connection.closed:
                return connection
        return None

    def _drop(self, connection: SmtpConnection) -> None:
        """Idle for too long, closed by the next hop, or it spoke without being asked."""
        connection.on_idle_loss = None
        for entry in self._idle:
            if entry[0] is connection:
                entry[1].cancel()
                self._idle.remove(entry)
                break
        connection.quit()

    async def close(self) -> None:
        """Say goodbye on idle connections."""
        while connection := self._take_idle():
            connection.quit()


class LackError(NextHopError):
    """The next hop is well, but does not offer an extension that a mail needs."""

    def __init__(self, extension: str) -> None:
        super().__init__(f"next hop does not offer {extension}")
        self.extension = extension


class _Command(NamedTuple):
    """MAIL or RCPT with its path and parameters as the client wrote them."""

    verb: str
    path: str
    parameters: Sequence[str]

    def line(self, capabilities: Mapping[str, str]) -> bytes:
        """The command for a next hop with these capabilities. Raises LackError where they do not suffice."""
        parameters = self.parameters
        if parameters:
            parameters = [p for p in parameters if extension_of(p) in capabilities or not _dispensable(p)]
            for parameter in parameters:
                if extension_of(parameter) not in capabilities:
                    raise LackError(extension_of(parameter))
        return " ".join([f"{self.verb}:{self.path}", *parameters]).encode("utf-8", "surrogateescape") + b"\r\n"


def _dispensable(parameter: str) -> bool:
    """Whether a next hop that does not know a parameter does the same without it."""
    return parameter.upper().partition("=")[0] == "SIZE" or parameter.upper() == "BODY=7BIT"


class SmtpTransaction:
    """One mail on one connection."""

    def __init__(self, hop: SmtpHop, connection: SmtpConnection, mail: _Command, forwarded: Mapping[str, str]) -> None:
        self._hop = hop
        self._connection = connection
        self._mail = mail
        self._forwarded = forwarded
        self._opened = False
        self._finished = False
        self._sender_refused: Reply | None = None
        self.committed = False
        # The next hop has shown us the door (421), which is about itself and not about the mail.
        self.dismissed = False

    @property
    def lack(self) -> LackError | None:
        """What the next hop would have to offer, so that the mail could be begun."""
        try:
            self._mail.line(self._connection.capabilities)
        except LackError as error:
            return error
        return None

    async def rcpt(self, path: str, parameters: Sequence[str]) -> Reply:
        """Offer a recipient; a refusal of the sender comes back as the refusal of each recipient."""
        if self._sender_refused:
            return self._sender_refused
        rcpt = _Command("RCPT TO", path, parameters)
        if self._opened:
            line = rcpt.line(self._connection.capabilities)
            return self._for_client((await self._connection.ask([line]))[0])
        return await self._first_rcpt(rcpt)

    async def _first_rcpt(self, rcpt: _Command) -> Reply:
        reused = self._connection.mails > 0
        try:
            replies = await self._open(rcpt)
        except NextHopError:
            if not reused:
                raise
            replies = None
        # An idle connection may have been closed under our feet; nothing was accepted on it yet.
        if reused and (replies is None or any(reply.code == 421 for reply in replies)):
            self._connection.abort()
            self._connection = await self._hop.connect()
            replies = await self._open(rcpt)
        assert replies
        self._opened = True
        sender, recipient = replies[0], replies[-1]
        if sender.accepted:
            return self._for_client(recipient)
        self._sender_refused = self._for_client(sender)
        return self._sender_refused

    async def _open(self, rcpt: _Command) -> list[Reply]:
        """Replies to MAIL and RCPT. A refused XFORWARD costs the next hop's log some detail, never the mail."""
        connection = self._connection
        xforward = _xforward(self._forwarded, connection.capabilities)
        try:
            opening = [self._mail.line(connection.capabilities), rcpt.line(connection.capabilities)]
        except LackError as error:
            if error.extension not in LACKING:
                raise
            return [LACKING[error.extension]]
        if "PIPELINING" in connection.capabilities:
            return (await connection.ask([*xforward, *opening]))[len(xforward) :]
        if xforward:
            await connection.ask(xforward)
        return await connection.ask(opening)

    def _for_client(self, reply: Reply, *, may_accept: bool = True) -> Reply:
        """The next hop's answer as an answer of ours.

        421 is about the connection between us and the next hop; to our client it is a passing refusal.
        """
        if reply.code == 421:
            self.dismissed = True
            self._connection.abort()
            return Reply(451, reply.lines)
        if not (400 <= reply.code < 600 or (may_accept and reply.accepted)):
            self._connection.abort()
            raise NextHopError(f"next hop answers out of place: {reply}")
        return reply

    async def data(self, parts: Sequence[bytes], before_end: BeforeEnd | None = None) -> Reply:
        """DATA, the message, and what the next hop makes of it."""
        connection = self._connection
        try:
            go_ahead = (await connection.ask([b"DATA\r\n"]))[0]
            if go_ahead.code != 354:
                refusal = self._for_client(go_ahead, may_accept=False)
                self.abandon()
                return refusal
            block: bytes | memoryview = b""
            for following in wire_blocks(parts):
                if block:
                    await connection.send(block)
                block = following
            if before_end:
                await before_end()
            early = connection.unasked_before_end()
            connection.write(bytes(block) + b".\r\n")
            self.committed = True
            reply = await connection.reply()
        except BaseException:
            connection.abort()
            raise
        self._finished = True
        if early:
            # A reply to the end may follow, and would be taken for one to the next mail.
            connection.abort()
        reply = self._for_client(reply)
        self._hop.give_back(connection)
        return reply

    def abandon(self) -> None:
        """RSET, and the connection is free for the next mail."""
        if self._finished:
            return
        self._finished = True
        if self._opened and not self._connection.closed:
            self._connection.write(b"RSET\r\n")
            self._connection.owed_replies += 1
        self._hop.give_back(self._connection)


SmtpHop.transaction = SmtpTransaction


def _xforward(forwarded: Mapping[str, str], capabilities: Mapping[str, str]) -> list[bytes]:
    """XFORWARD lines with the attributes that the next hop asks for."""
    offered = capabilities.get("XFORWARD", "").upper().split()
    lines: list[bytes] = []
    line = b""
    for name, value in forwarded.items():
        if name not in offered:
            continue
        attribute = f" {name}={value}".encode("ascii", "backslashreplace")
        if line and len(line) + len(attribute) > XFORWARD_LINE:
            lines.append(b"XFORWARD" + line + b"\r\n")
            line = b""
        line += attribute
    return [*lines, b"XFORWARD" + line + b"\r\n"] if line else lines
