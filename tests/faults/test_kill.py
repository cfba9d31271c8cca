"""Processes are killed at random moments while mails flow and held ones are released: each mail is in one place.

A client that hears no reply sends again, and SMTP knows no better (RFC 5321 §4.5.4.1): such a mail may arrive once
for each time it was sent to its end. That is counted apart. What was kept comes with its queue id, and is kept once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import yaml

from milter.store.quarantine import Quarantine
from milter.store.records import Filter, StoredMail

CLIENTS, WORKERS = 16, 4
SEED = 20261124
# Seconds within which a kill follows the mails or the releases that it is to hit; half of these, the end of a release.
AT_MAILS, AT_RELEASES, AT_END = 0.1, 0.4, 0.1
# Only against a run that never ends; it takes about a minute on two cores.
PATIENCE = 300.0

RELEASED = b"X-Blackmail-Released:"
INNOCENT = "Dear Anna,\r\n\r\nthe minutes of the meeting are attached.\r\n\r\nPaul\r\n"
LETTER = (
    "I hacked your computer and recorded you through your webcam. I will send the video to all your contacts.\r\n"
    "Pay me 900 dollars in bitcoin within 48 hours to my wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\r\n"
)
# Runs the command line with the words of each line it reads, in a fork of its own, and says which process that is.
COMMANDS = """
import json, os, signal, sys
from milter.actions import hops, release
from milter.cli import main, quarantine_release
from milter.store import opened
import milter.policies

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        main(json.loads(line))
    print(pid, flush=True)
"""


class Size(NamedTuple):
    """How many mails there are, how many of them are flagged and are to be released, and how many kills hit whom."""

    mails: int
    flagged: int
    releases: int
    workers: int
    releasing: int
    servers: int

    @property
    def kills(self) -> int:
        return self.workers + self.releasing + self.servers


# PostgreSQL starts a process for each connection, so it gets a tenth.
SIZES = {"sqlite": Size(2000, 500, 200, 94, 100, 6), "postgresql": Size(200, 50, 20, 10, 9, 1)}


@dataclass
class Mail:
    """One mail of the client: how often it was sent to its end, and whether that was acknowledged."""

    name: str
    flagged: bool
    ends: int = 0
    acknowledged: bool = False

    @property
    def raw(self) -> bytes:
        text = LETTER if self.flagged else INNOCENT
        return f"From: a@example.net\r\nTo: b@example.org\r\nSubject: {self.name}\r\n\r\n{text}".encode()


@dataclass
class Client:
    """Sends mails one after the other, each until it is acknowledged; a new connection whenever the old one is gone."""

    port: int
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, line: bytes, expected: int) -> None:
        """Raises ConnectionError, also when the reply is another one."""
        assert self.streams is not None
        reader, writer = self.streams
        writer.write(line)
        while (reply := await reader.readline())[3:4] == b"-":
            pass
        if reply[:3] != b"%d" % expected:
            raise ConnectionError(reply)

    async def connect(self) -> None:
        self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        await self.ask(b"", 220)
        await self.ask(b"EHLO client.example\r\n", 250)

    async def send(self, mail: Mail) -> None:
        while not mail.acknowledged:
            try:
                if self.streams is None:
                    await self.connect()
                await self._transaction(mail)
            except OSError:
                self.leave()
                await asyncio.sleep(0.05)

    async def _transaction(self, mail: Mail) -> None:
        await self.ask(f"XFORWARD ADDR=192.0.2.1 IDENT={mail.name}\r\n".encode(), 250)
        await self.ask(b"MAIL FROM:<a@example.net>\r\n", 250)
        await self.ask(b"RCPT TO:<b@example.org>\r\n", 250)
        await self.ask(b"DATA\r\n", 354)
        mail.ends += 1
        await self.ask(mail.raw + b".\r\n", 250)
        mail.acknowledged = True

    def leave(self) -> None:
        if self.streams:
            self.streams[1].transport.abort()
            self.streams = None


@dataclass
class Server:
    """`serve` in processes of its own, on a port that stays the same."""

    config: Path
    port: int
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Again and again until the port is free: the workers of a killed server part from it by themselves."""
        words = ["-m", "milter", "serve", "-c", str(self.config), "--log-level", "error"]
        while True:
            said = self.log.stat().st_size if self.log.exists() else 0
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=log)
            while self.process.returncode is None:
                if b"listening on" in self.log.read_bytes()[said:]:
                    return
                await asyncio.sleep(0.02)

    @property
    def workers(self) -> list[int]:
        pid = self.process.pid
        with contextlib.suppress(OSError):
            return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    async def kill(self, *, with_workers: bool) -> None:
        for pid in [*(self.workers if with_workers else ()), self.process.pid]:
            kill(pid)
        await self.process.wait()
        await self.start()

    async def stop(self) -> None:
        if self.process and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()


def kill(pid: int) -> bool:
    """Whether there was anybody to kill."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@dataclass
class Desk:
    """Those who release: `release` in a process of its own each time."""

    config: Path
    quarantine: Quarantine
    wanted: set[str]
    at_end: asyncio.Event
    template: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self.template = await asyncio.create_subprocess_exec(
            sys.executable, "-c", COMMANDS, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )

    async def held(self, *, among: int) -> list[str]:
        """Mails that are to be released and can be, among so many of the newest."""
        mails = await asyncio.to_thread(self.quarantine.find, Filter(state="held"), limit=among)
        return [m.id for m in mails if m.envelope.queue_id in self.wanted and not m.copies[0].uncertain]

    async def release(self, ids: list[str]) -> int:
        """The process that is at it."""
        words = ["quarantine", "release", *ids, "-c", str(self.config), "--as", "desk"]
        self.template.stdin.write(json.dumps(words).encode() + b"\n")
        return int(await self.template.stdout.readline())

    async def finish(self) -> None:
        """Whatever is still held goes out."""
        while ids := await self.held(among=10_000):
            pid = await self.release(ids)
            while is_there(pid):  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self.template:
            self.template.stdin.close()
            await self.template.wait()


@pytest.fixture
async def sink(start_hop):
    """A next hop that takes a moment to write a mail to its disk before it answers, and tells when it is released."""
    hop, at_end = await start_hop(), asyncio.Event()
    say = hop._say

    async def say_slowly(writer, answer: str) -> None:
        if "queued" in answer:
            if RELEASED in hop.messages[-1]:
                at_end.set()
            await asyncio.sleep(0.05)
        await say(writer, answer)

    hop._say = say_slowly
    return SimpleNamespace(address=hop.address, messages=hop.messages, at_end=at_end)


@pytest.fixture
def config(tmp_path, store_settings, sink):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = tmp_path / "config.yaml"
    settings = {
        "listen": f"127.0.0.1:{port}",
        "next_hop": f"smtp://{sink.address}",
        "store": {"url": store_settings.url, "key_file": str(store_settings.key_file)},
        "policy": {"quarantine": True},
        "workers": WORKERS,
        "verify_senders": False,
        "on_error": "tempfail",
        "hostname": "filter.example",
    }
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path, port


class Chaos:
    """The plan of a run: which mails, and who is killed when."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.random = random.Random(SEED)
        numbers = [*range(size.mails)]
        self.random.shuffle(numbers)
        flagged = {*numbers[: size.flagged]}
        self.mails = [Mail(f"M{number:04}", number in flagged) for number in range(size.mails)]
        self.wanted = {f"M{number:04}" for number in numbers[: size.releases]}
        self.kills: Counter[str] = Counter()

    def targets(self) -> list[str]:
        servers = [("server" if number % 2 else "server and workers") for number in range(self.size.servers)]
        targets = [*servers, *["worker"] * self.size.workers, *["release"] * self.size.releasing]
        self.random.shuffle(targets)
        return targets


async def run(chaos: Chaos, server: Server, desk: Desk) -> None:
    """Let mails go in bursts, and kill somebody during each; a burst begins when the one before is on its way."""
    permitted: asyncio.Queue[Mail | None] = asyncio.Queue()

    async def send() -> None:
        client = Client(server.port)
        while mail := await permitted.get():
            permitted.task_done()
            await client.send(mail)
        client.leave()

    clients = [asyncio.create_task(send()) for _ in range(CLIENTS)]
    waiting = iter(chaos.mails)
    for target in chaos.targets():
        await permitted.join()
        for _ in range(chaos.size.mails // chaos.size.kills):
            permitted.put_nowait(next(waiting))
        struck = None
        while struck is None:
            struck = await strike(chaos.random, target, server, desk)
        chaos.kills[struck] += 1
    for _ in clients:
        permitted.put_nowait(None)
    await asyncio.gather(*clients)
    await desk.finish()


async def strike(chance: random.Random, target: str, server: Server, desk: Desk) -> str | None:
    """Kill one of them, and say which; a worker where nothing is to be released. None if it was gone already."""
    ids = await desk.held(among=50) if target == "release" else []
    if ids:
        desk.at_end.clear()
        releasing = await desk.release(ids[:3])
        if chance.random() < 0.5:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(desk.at_end.wait(), 1.0)
            await asyncio.sleep(chance.uniform(0.0, AT_END))
        else:
            await asyncio.sleep(chance.uniform(0.0, AT_RELEASES))
        return target if kill(releasing) else None
    await asyncio.sleep(chance.uniform(0.0, AT_MAILS))
    if target.startswith("server"):
        await server.kill(with_workers=target != "server")
        return target
    workers = server.workers
    return "worker" if workers and kill(chance.choice(workers)) else None


@dataclass
class Count:
    """Where all mails are at the end."""

    delivered: int = 0
    repeated: int = 0
    held: int = 0
    released: int = 0
    uncertain: int = 0
    uncertain_arrived: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, mail: Mail, kept: list[StoredMail], passed: int, released: int) -> None:
        """passed and released: how often it arrived as a mail that passes, and by release."""
        if not mail.flagged:
            self.delivered += 1
            self.repeated += passed - 1
            right = 1 <= passed <= mail.ends and not kept and not released
        elif len(kept) != 1 or passed:
            right = False
        elif kept[0].state == "released":
            self.released += 1
            right = released == 1
        elif kept[0].copies[0].uncertain:
            self.uncertain += 1
            self.uncertain_arrived += released
            right = kept[0].state == "held" and released <= 1
        else:
            self.held += 1
            right = kept[0].state == "held" and not released
        if not right or not mail.acknowledged:
            self.wrong.append(f"{mail}: passed {passed}, released {released}, kept {[one.state for one in kept]}")


def count(mails: list[Mail], quarantine: Quarantine, arrived: list[bytes]) -> Count:
    names = [(re.search(rb"Subject: (M\d+)", raw)[1].decode(), RELEASED in raw) for raw in arrived]
    copies, kept = Counter(names), {mail.name: [] for mail in mails}
    quarantine.resume(datetime.now(UTC))
    for mail in quarantine.find(Filter(), limit=10 * len(mails)):
        kept[mail.envelope.queue_id].append(mail)
    found = Count()
    for mail in mails:
        found.add(mail, kept[mail.name], copies[mail.name, False], copies[mail.name, True])
    return found


async def test_each_mail_is_in_one_place(config, opened, sink, tmp_path, capsys):
    path, port = config
    size = SIZES["sqlite" if opened.database.is_sqlite else "postgresql"]
    chaos, server = Chaos(size), Server(path, port, tmp_path / "log")
    desk = Desk(path, opened.quarantine, chaos.wanted, sink.at_end)
    started = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(PATIENCE):
            await server.start()
            await desk.start()
            await run(chaos, server, desk)
    finally:
        await desk.stop()
        await server.stop()
    found = await asyncio.to_thread(count, chaos.mails, opened.quarantine, sink.messages)
    unheard = sum(mail.ends - 1 for mail in chaos.mails)
    with capsys.disabled():
        print(  # noqa: T201  the count is what this test is about
            f"\n{size.mails} mails acknowledged, {chaos.kills.total()} kills ({dict(chaos.kills)}),"
            f" {asyncio.get_running_loop().time() - started:.0f} s: delivered {found.delivered},"
            f" held {found.held}, released once {found.released}, uncertain and held {found.uncertain}"
            f" (of these, {found.uncertain_arrived} had arrived)."
            f" {unheard} ends of data were not acknowledged and sent again;"
            f" {found.repeated} of these mails arrived once more, as SMTP has it."
        )
    assert found.wrong == []
    assert chaos.kills.total() == size.kills
    assert (found.delivered, found.held) == (size.mails - size.flagged, size.flagged - size.releases)
    assert found.released + found.uncertain == size.releases
    assert "Traceback" not in server.log.read_text()
