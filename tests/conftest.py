"""What tests of mail transport share: a next hop that can be told how to fail, a client, and the filter between."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from authority import Authority
from postgresql import PostgreSql

from milter.config import Address, Config, Store, UnixAddress
from milter.frontends.service import Service
from milter.frontends.sockets import address_of, addresses, bind
from milter.frontends.tls import server_context
from milter.frontends.worker import listening
from milter.inspector import smtp_inspector
from milter.model import Envelope, Inspector, RuleMatch, Verdict
from milter.policies import PolicyBook
from milter.signals.campaigns import CampaignBook
from milter.store.opened import OpenStore, open_store
from milter.store.records import Filter as Wanted

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
LOOPBACK = "127.0.0.1"
ALL_XFORWARD = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "SIZE 200000000", ALL_XFORWARD)
HANG, DROP, SLOW = "hang", "drop", "slow "
REAL = "real"


@dataclass
class FakeHop:
    """A next hop that does as it is told and remembers what it was told.

    answers maps the beginning of a command (or "connect", or "message" for the end of DATA) to a reply, to HANG, DROP,
    or SLOW and a reply; a list is used up one by one, and its last entry stays.
    """

    offers: tuple[str, ...] = OFFERS
    answers: dict[str, str | list[str]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    stop_reading: bool = False
    read_on: asyncio.Event = field(default_factory=asyncio.Event)
    unfinished: list[bytes] = field(default_factory=list)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    address: Address = field(default_factory=lambda: Address(host=LOOPBACK, port=0))
    message_seen: asyncio.Event = field(default_factory=asyncio.Event)
    data_seen: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def transactions(self) -> list[str]:
        """The commands without the greeting and the parting."""
        return [c for c in self.commands if not c.startswith(("EHLO", "HELO", "LHLO", "QUIT"))]

    async def settled(self, commands: list[str]) -> None:
        """Give commands that nobody waits for, such as RSET, a moment to arrive."""
        await self.until(lambda: self.transactions == commands)

    @staticmethod
    async def until(condition: Callable[[], bool]) -> None:
        """Wait for something that nobody announces, for at most twenty seconds."""
        for _ in range(1000):
            if condition():
                return
            await asyncio.sleep(0.02)

    def _answer(self, event: str, default: str) -> str:
        for beginning, answer in self.answers.items():
            if event.upper().startswith(beginning.upper()):
                if isinstance(answer, list):
                    return answer.pop(0) if len(answer) > 1 else answer[0]
                return answer
        return default

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, EOFError):
            await self._say(writer, self._answer("connect", "220 hop.example ESMTP"))
            while line := await reader.readline():
                command = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
                self.commands.append(command)
                await self._obey(command, reader, writer)
        writer.close()

    async def _obey(self, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb = command[:4].upper()
        if verb in ("EHLO", "LHLO"):
            lines = ["hop.example", *self.offers]
            default = "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"])
        else:
            default = {"DATA": "354 Go ahead", "QUIT": "221 Bye"}.get(verb, "250 2.0.0 Ok")
        answer = self._answer(command, default)
        await self._say(writer, answer)
        if verb == "QUIT":
            raise EOFError
        if answer.startswith("354"):
            await self._take_message(reader, writer)

    async def _take_message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.data_seen.set()
        if self.stop_reading:
            await self.read_on.wait()
        try:
            message = await reader.readuntil(b"\r\n.\r\n")
        except asyncio.IncompleteReadError as error:
            self.unfinished.append(error.partial)
            raise
        self.message_seen.set()
        answer = self._answer("message", "250 2.0.0 Ok: queued as HOP1")
        if answer.startswith("250") or answer in {HANG, DROP}:
            self.messages.append(message[:-3].replace(b"\r\n.", b"\r\n"))
        await self._say(writer, answer)

    async def close(self) -> None:
        """End all connections."""
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, answer: str) -> None:
        if answer.startswith(SLOW):
            await asyncio.sleep(0.5)
            answer = answer.removeprefix(SLOW)
        if answer == HANG:
            await asyncio.sleep(3600)
        if answer == DROP:
            writer.transport.abort()
            raise EOFError
        writer.write(answer.encode("utf-8", "surrogateescape") + b"\r\n")
        await writer.drain()


class Client:
    """A plain SMTP client that sends just what it is given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """The next reply; lines of a longer one are joined by a line feed. "" when the connection is closed."""
        lines: list[str] = []
        while line := await self.reader.readline():
            lines.append(line.decode("utf-8", "surrogateescape").rstrip("\r\n"))
            if lines[-1][3:4] != "-":
                break
        return "\n".join(lines)

    async def ask(self, line: str | bytes) -> str:
        """Send a command, return its reply."""
        self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    async def hello(self) -> str:
        """Greeting and EHLO."""
        await self.reply()
        return await self.ask("EHLO client.example")

    async def open_data(self, sender: str = "<a@example.org>", recipient: str = "<b@example.org>") -> str:
        """MAIL, RCPT, DATA; the reply to DATA."""
        await self.ask(f"MAIL FROM:{sender}")
        await self.ask(f"RCPT TO:{recipient}")
        return await self.ask("DATA")

    async def send(self, message: bytes, sender: str = "<a@example.org>", recipient: str = "<b@example.org>") -> str:
        """A whole mail, dots doubled as RFC 5321 asks; the last reply."""
        await self.open_data(sender, recipient)
        return await self.finish(message)

    async def finish(self, message: bytes) -> str:
        """The message of an open DATA and its end."""
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        self.writer.write((b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n")
        await self.writer.drain()
        return await self.reply()

    async def start_tls(self, context: ssl.SSLContext, name: str = "filter.example") -> str:
        """STARTTLS and a handshake; the reply to STARTTLS."""
        reply = await self.ask("STARTTLS")
        await self.writer.start_tls(context, server_hostname=name)
        return reply

    def break_off(self) -> None:
        """Vanish."""
        self.writer.transport.abort()


@dataclass
class Filter:
    """A running filter; address is where it listens by SMTP."""

    address: Any
    service: Service
    config: Config
    milter: Address | None = None
    lmtp: Address | UnixAddress | None = None
    campaigns: CampaignBook = field(default_factory=CampaignBook)

    @property
    def quarantined(self) -> list[bytes]:
        """What lies in quarantine; a store that nobody opened is not made."""
        if not self.config.store.exists:
            return []
        with open_store(self.config.store) as store:
            return [store.quarantine.raw(mail.id) for mail in store.quarantine.find(Wanted(), limit=1000)]


StartFilter = Callable[..., Awaitable[Filter]]
StartHop = Callable[..., Awaitable[FakeHop]]
Connect = Callable[..., Awaitable[Client]]


def judging(verdict: Verdict | Exception) -> Inspector:
    """An inspector with a fixed opinion."""

    async def inspector(raw: bytes, envelope: Envelope) -> Verdict:
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    return inspector


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whose certificates tests believe."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def sextortion() -> Verdict:
    """A verdict that tags, with two reasons."""
    return Verdict(
        action="tag",
        score=11.5,
        kind="sextortion",
        reasons=(
            RuleMatch("threat.publish", "threat", 3.0, "text", "send the video to all your contacts"),
            RuleMatch("demand.crypto", "demand", 2.5, "text", "pay 900 USD in bitcoin"),
        ),
    )


@pytest.fixture
async def start_hop() -> AsyncIterator[StartHop]:
    """Start a FakeHop: `await start_hop(answers={...})`."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**settings: Any) -> FakeHop:
            hop = FakeHop(**settings)
            server = await asyncio.start_server(hop.serve, LOOPBACK, hop.address.port, limit=2**28)
            stack.push_async_callback(hop.close)
            stack.callback(server.close)
            hop.address = address_of(server.sockets[0])  # type: ignore[arg-type]
            return hop

        yield start


@pytest.fixture
async def start_filter(tmp_path: Path) -> AsyncIterator[StartFilter]:
    """Start a filter: `await start_filter(hop, verdict, setting=...)`; hop None delivers into a Maildir.

    The verdict may be an inspector, or REAL: the one that reads the mail.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            hop: FakeHop | None = None, judge: Verdict | Exception | Inspector | str | None = None, **settings: Any
        ) -> Filter:
            next_hop = f"smtp://{hop.address}" if hop else f"maildir:{tmp_path / 'mail'}"  # unless settings name one
            folder = tmp_path / "quarantine"
            store = {"url": f"sqlite:///{folder}/store.sqlite", "key_file": folder / "key"}
            usual = {"listen": f"{LOOPBACK}:0", "next_hop": next_hop, "hostname": "filter.example", "store": store}
            config = Config(**usual | settings)
            policies, campaigns = PolicyBook(config), CampaignBook()
            if isinstance(judge, str):
                inspector = smtp_inspector(config, policies, campaigns)
            else:
                inspector = judging(judge) if isinstance(judge, Verdict | Exception) else judge or judging(Verdict())
            service = Service(
                config,
                inspector if config.inspect else None,
                policies=policies,
                campaigns=campaigns,
                tls=server_context(config.tls) if config.tls else None,
                now=lambda: NOW,
            )
            listeners = {setting: bind(address) for setting, address in addresses(config).items()}
            await stack.enter_async_context(listening(service, listeners))
            where: dict[str, Any] = {setting: address_of(listener) for setting, listener in listeners.items()}
            return Filter(where.get("listen"), service, config, where.get("milter"), where.get("lmtp"), campaigns)

        yield start


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open a client connection: `await connect(filter)`, by SMTP, or `await connect(filter.lmtp)`."""
    async with contextlib.AsyncExitStack() as stack:
        # In the end both sides need the loop once more to let go of a closed connection; uvloop warns otherwise.
        stack.push_async_callback(asyncio.sleep, 0.01)

        async def open_connection(target: Filter | FakeHop | Address | UnixAddress) -> Client:
            address = target.address if isinstance(target, Filter | FakeHop) else target
            if isinstance(address, UnixAddress):
                reader, writer = await asyncio.open_unix_connection(address.path, limit=2**20)
            else:
                reader, writer = await asyncio.open_connection(address.host, address.port, limit=2**20)
            stack.callback(writer.close)
            return Client(reader, writer)

        yield open_connection


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A real PostgreSQL, started when a test first asks for it."""
    server = PostgreSql()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store that is still empty, once in each database."""
    on_server = request.param == "postgresql"
    file = f"sqlite:///{tmp_path}/store/store.sqlite"
    url = request.getfixturevalue("postgresql").emptied_database() if on_server else file
    return Store(url=url, key_file=tmp_path / "store" / "key")


@pytest.fixture
def opened(store_settings: Store) -> Iterator[OpenStore]:
    """An open store, once in each database."""
    with open_store(store_settings) as store:
        yield store
