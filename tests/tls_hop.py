"""A next hop that can be told how to behave, and speaks TLS."""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import dataclass, field

from conftest import FakeHop

OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 200000000", "STARTTLS", "XFORWARD ADDR")
INSIDE = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 200000000", "REQUIRETLS")


@dataclass
class TlsHop(FakeHop):
    """context None refuses the handshake; inside is what it offers in TLS; injected comes behind the go-ahead.

    logins are what came after AUTH, decoded; in_clear and encrypted what came outside and inside of TLS.
    """

    offers: tuple[str, ...] = OFFERS
    inside: tuple[str, ...] = INSIDE
    context: ssl.SSLContext | None = None
    injected: bytes = b""
    logins: list[str] = field(default_factory=list)
    in_clear: list[str] = field(default_factory=list)
    encrypted: list[str] = field(default_factory=list)

    async def _obey(self, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        in_tls = writer.get_extra_info("ssl_object") is not None
        (self.encrypted if in_tls else self.in_clear).append(command)
        if command == "STARTTLS" and command not in self.answers:
            await self._start_tls(reader, writer)
        elif command.startswith("AUTH "):
            await self._authenticate(command, reader, writer)
        elif in_tls and command[:4] in ("EHLO", "LHLO"):
            lines = ["hop.example", *self.inside]
            await self._say(writer, "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))
        else:
            await super()._obey(command, reader, writer)

    async def _start_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 2.0.0 Ready\r\n" + self.injected)
        if self.context is None:
            await reader.read(1)
            writer.write(b"This is no TLS\r\n")
            raise EOFError
        await writer.start_tls(self.context)

    async def _authenticate(self, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(1 if command == "AUTH PLAIN" else 2):
            await self._say(writer, "334 ")
            self.logins.append(base64.b64decode(await reader.readline()).decode())
        await self._say(writer, self._answer("AUTH", "235 2.7.0 Welcome"))
