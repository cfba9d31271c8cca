"""The beginning of a connection to the next hop: connect, greet, STARTTLS, AUTH."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from milter.actions.hop_access import MECHANISMS, NO_CONDITIONS, Access, Login
from milter.actions.smtp_connection import SmtpConnection
from milter.config import Address, Endpoint, UnixAddress
from milter.errors import NextHopError

# The second is for a next hop that does not know the first (RFC 5321 §3.2).
GREETINGS = ("EHLO", "HELO")

log = logging.getLogger(__name__)


class HandshakeError(NextHopError):
    """The next hop offered TLS, and then it failed."""


@dataclass(frozen=True, slots=True)
class Opening:
    """All there is to know before a connection is opened.

    patience are the seconds to wait for each answer later on, within those for the opening as a whole.
    """

    address: Endpoint
    helo_name: str
    patience: float
    within: float
    greetings: Sequence[str] = GREETINGS
    access: Access = NO_CONDITIONS

    async def connect(self) -> SmtpConnection:
        """A connection that is ready for mail. Raises NextHopError."""
        try:
            return await self._connect()
        except HandshakeError as error:
            if self.access.level != "opportunistic":
                raise
            log.warning("%s; mail for %s goes in the clear", error, self.address)
        in_the_clear = replace(self, access=replace(self.access, level="off"))
        return await in_the_clear._connect()

    async def _connect(self) -> SmtpConnection:
        try:
            async with asyncio.timeout(self.within):
                connection = await self._connected()
                try:
                    await self._enter(connection)
                except BaseException:
                    connection.abort()
                    raise
        except (OSError, UnicodeError) as error:
            raise NextHopError(f"next hop {self.address}: {error or 'no connection in time'}") from error
        return connection

    async def _connected(self) -> SmtpConnection:
        """A connection that has not been used. Raises OSError, and UnicodeError for names that cannot exist."""
        loop, address = asyncio.get_running_loop(), self.address
        if isinstance(address, UnixAddress):
            _, connection = await loop.create_unix_connection(self._protocol, str(address.path))
        else:
            _, connection = await loop.create_connection(self._protocol, address.host, address.port)
        return connection

    def _protocol(self) -> SmtpConnection:
        return SmtpConnection(self.patience)

    async def _enter(self, connection: SmtpConnection) -> None:
        banner = await connection.reply()
        if banner.code != 220:
            raise connection.fail(f"greets with {banner}")
        await self._greet(connection)
        if self._wants_tls(connection):
            await self._start_tls(connection)
        if not (connection.encrypted and self.access.level == "verify"):
            # Who asks for TLS on the whole way asks for certificates, too (RFC 8689 §4.2.1).
            connection.capabilities.pop("REQUIRETLS", None)
        if self.access.login:
            await _log_in(connection, self.access.login)

    async def _greet(self, connection: SmtpConnection) -> None:
        """Greet with EHLO, or with HELO a next hop that knows no EHLO."""
        for verb in self.greetings:
            reply = (await connection.ask([f"{verb} {self.helo_name}\r\n".encode()]))[0]
            if reply.accepted:
                break
        else:
            raise connection.fail(f"answers {' and '.join(self.greetings)} with {reply}")
        if verb != "HELO":
            for line in reply.lines[1:]:
                keyword, _, argument = line.partition(" ")
                connection.capabilities[keyword.upper()] = argument.strip()

    def _wants_tls(self, connection: SmtpConnection) -> bool:
        level = self.access.level
        if level == "opportunistic":
            return "STARTTLS" in connection.capabilities and not connection.stays_here
        if level != "off" and "STARTTLS" not in connection.capabilities:
            raise connection.fail(f"does not offer STARTTLS, which next_hop_tls: {level} asks for")
        return level != "off"

    async def _start_tls(self, connection: SmtpConnection) -> None:
        assert self.access.context
        reply = (await connection.ask([b"STARTTLS\r\n"]))[0]
        if reply.code != 220:
            connection.fail("refuses TLS")
            raise HandshakeError(f"next hop answers STARTTLS with {reply}")
        host = self.address.host.rstrip(".") if isinstance(self.address, Address) else None
        try:
            await connection.start_tls(self.access.context, host, self.within / 2)
        except NextHopError as error:
            raise HandshakeError(str(error)) from error
        await self._greet(connection)


async def _log_in(connection: SmtpConnection, login: Login) -> None:
    """Say who we are, where nobody listens. Raises NextHopError that tells user and code, and no password."""
    if not (connection.encrypted or connection.stays_here):
        raise connection.fail("offers no TLS, and without it we do not log in")
    offered = connection.capabilities.get("AUTH", "").upper().split()
    mechanism = next((known for known in MECHANISMS if known in offered), None)
    if mechanism is None:
        raise connection.fail(f"does not let us log in by {' or '.join(MECHANISMS)}")
    reply = (await connection.ask([f"AUTH {mechanism}\r\n".encode()]))[0]
    for answer in MECHANISMS[mechanism](login):
        if reply.code != 334:
            break
        reply = (await connection.ask([base64.b64encode(answer.encode()) + b"\r\n"]))[0]
    if reply.code != 235:
        raise connection.fail(f"does not let {login.user!r} log in: {reply.code}")
