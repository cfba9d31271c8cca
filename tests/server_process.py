"""The server in processes of its own, and what a test wants to know of it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

# Seconds for what happens at once on a machine that is not busy.
PATIENCE = 30
MAIL = b"Subject: x\r\n\r\nHello\r\n"
SERVE = (sys.executable, "-m", "milter", "serve", "-c")
SCRIPTED = (sys.executable, str(Path(__file__).with_name("scripted_server.py")))
LOOPBACK = "127.0.0.1"
SERVING = re.compile(r"^(listening|lmtp|milter) on (\S+)$", re.MULTILINE)
# A milter's client offers version 6 and everything.
NEGOTIATION = b"\0\0\0\x0dO" + bytes.fromhex("00000006 000001ff 001fffff")


class ServerProcess:
    """A running server: command and its configuration file. A command of systemd's may stand before it."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        environ: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
        **settings: Any,
    ) -> None:
        self.path, self.mails, self.log = folder / "config.yaml", folder / "mail", folder / "log"
        self.settings = {
            "listen": f"{LOOPBACK}:0",
            "next_hop": f"maildir:{self.mails}",
            "store": {"url": f"sqlite:///{folder}/kept/store.sqlite", "key_file": str(folder / "kept" / "key")},
            "hostname": "one.example",
            "verify_senders": False,
            "stop_timeout": 5,
        }
        self.clients: list[smtplib.SMTP] = []
        self.port = 0
        self.configure(**settings)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, str(self.path)], stderr=log, env=os.environ | (environ or {}), pass_fds=descriptors
            )

    def configure(self, **settings: Any) -> None:
        """Change the configuration file."""
        self.settings |= settings
        self.path.write_text(yaml.safe_dump(self.settings))

    def reload(self, **settings: Any) -> None:
        """Change the configuration file and tell the server."""
        self.configure(**settings)
        self.process.send_signal(signal.SIGHUP)

    @staticmethod
    def until(condition: Callable[[], object]) -> None:
        """Wait for something that nobody announces."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.02)

    def says(self, words: str, times: int = 1) -> None:
        """Wait until these words stand in the log."""
        self.until(lambda: self.logged.count(words) >= times or self.process.poll() is not None)
        assert self.logged.count(words) >= times, self.logged

    @property
    def logged(self) -> str:
        """What the server has said."""
        return self.log.read_text()

    def serves(self) -> None:
        """Wait until it takes mail in."""
        asked = sum(self.settings.get(setting) is not None for setting in ("listen", "lmtp", "milter"))
        self.until(lambda: len(SERVING.findall(self.logged)) >= asked or self.process.poll() is not None)
        assert self.process.poll() is None, self.logged
        self.port = self.ports.get("listening", 0)

    @property
    def ports(self) -> dict[str, int]:
        """What the server said on which ports it serves."""
        said = SERVING.findall(self.logged)
        return {front_end: int(where.rpartition(":")[2]) for front_end, where in said if where.startswith(LOOPBACK)}

    @property
    def workers(self) -> set[int]:
        """The processes that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(pid) for pid in children}

    def client(self) -> smtplib.SMTP:
        """An SMTP session that has said EHLO."""
        client = smtplib.SMTP(LOOPBACK, self.port, timeout=PATIENCE)
        self.clients.append(client)
        client.ehlo("client.example")
        return client

    def greeting(self) -> str:
        """The first line of a session."""
        with socket.create_connection((LOOPBACK, self.port), timeout=PATIENCE) as connection:
            return connection.makefile().readline().strip()

    def send(self, message: bytes = MAIL) -> None:
        """One mail, which must be taken."""
        client = self.client()
        client.sendmail("a@example.org", ["b@example.org"], message)
        client.quit()

    @property
    def delivered(self) -> int:
        """How many mails have come through."""
        return len(list((self.mails / "new").glob("*")))

    def stop(self) -> int:
        """End it; its exit code."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(PATIENCE)


StartServer = Callable[..., ServerProcess]


@contextlib.contextmanager
def servers(folder: Path, command: Sequence[str]) -> Iterator[StartServer]:
    """Starts servers, and ends them after the block: `start(setting=...)`; it serves when that returns.

    Words without a name stand before the command; environ and descriptors are what the process has beside ours.
    """
    started: list[ServerProcess] = []

    def start(*before: str, wait: bool = True, **settings: Any) -> ServerProcess:
        server = ServerProcess(folder, (*before, *command), **settings)
        started.append(server)
        if wait:
            server.serves()
        return server

    yield start
    for server in started:
        server.stop()


def open_data(client: smtplib.SMTP) -> None:
    """A transaction whose message may come."""
    client.mail("a@example.org")
    client.rcpt("b@example.org")
    assert client.docmd("DATA")[0] == 354


def finish(client: smtplib.SMTP, message: bytes = MAIL) -> int:
    """The message of an open transaction; the reply's code."""
    client.send(message + b".\r\n")
    return client.getreply()[0]


def milter_reply(port: int) -> bytes:
    """What a milter on that port answers to a negotiation."""
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as connection:
        connection.sendall(NEGOTIATION)
        return connection.recv(5)
