"""Workers are killed at random moments while mails for several recipients come in by LMTP: each has his own fate, once.

A client that hears no replies sends again to all: whoever had got the mail by then gets it once more, as with SMTP;
what was kept comes with its queue id, and is kept once.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import smtplib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from server_process import LOOPBACK, PATIENCE, SERVE, ServerProcess, servers

from milter.config import Store
from milter.store.opened import open_store
from milter.store.records import Filter

CLIENTS, WORKERS, KILLS, SEED = 6, 3, 25, 20261125
# Seconds within which a kill follows the one before.
BETWEEN = 0.5
ANNA, PAUL, CARL = "anna@example.org", "paul@example.org", "carl@example.org"
# What Anna gets is kept back; Paul and Carl get it tagged, in a transaction each.
POLICIES = {ANNA: {"quarantine": True}, PAUL: {"tag_at": 4}}
LETTER = (
    "I hacked your computer and recorded you through your webcam. I will send the video to all your contacts.\r\n"
    "Pay me 900 dollars in bitcoin within 48 hours to my wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\r\n"
)


@dataclass
class Mail:
    """One mail of the client: who still waits for it, and how often it was sent to its end for each."""

    name: str
    waiting: list[str] = field(default_factory=lambda: [PAUL, ANNA, CARL])
    ends: Counter[str] = field(default_factory=Counter)

    def send(self, port: int) -> None:
        """Until everybody has heard 250."""
        while self.waiting:
            try:
                with smtplib.LMTP(LOOPBACK, port, timeout=PATIENCE) as client:
                    self._transaction(client)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)

    def _transaction(self, client: smtplib.LMTP) -> None:
        client.ehlo("client.example")
        client.docmd(f"XFORWARD ADDR=192.0.2.1 IDENT={self.name}")
        client.mail("a@example.net")
        accepted = [one for one in self.waiting if client.rcpt(one)[0] == 250]
        if client.docmd("DATA")[0] != 354:
            return
        self.ends.update(accepted)
        client.send(f"From: a@example.net\r\nSubject: {self.name}\r\n\r\n{LETTER}.\r\n".encode())
        for recipient in accepted:
            if client.getreply()[0] == 250:
                self.waiting.remove(recipient)


def kill_workers(server: ServerProcess, chance: random.Random) -> int:
    """How many were killed."""
    killed = 0
    while killed < KILLS:
        time.sleep(chance.uniform(0.0, BETWEEN))
        if workers := server.workers:
            os.kill(chance.choice(sorted(workers)), signal.SIGKILL)
            killed += 1
    return killed


def flood(port: int, numbers: itertools.count, stop: threading.Event) -> list[Mail]:
    """The mails of one client, one after the other."""
    sent = []
    while not stop.is_set():
        sent.append(Mail(f"M{next(numbers)}"))
        sent[-1].send(port)
    return sent


def kept(server: ServerProcess) -> Counter[tuple[str, str]]:
    with open_store(Store(**server.settings["store"])) as store:
        mails = store.quarantine.find(Filter(), limit=100_000)
        return Counter((mail.envelope.queue_id, recipient) for mail in mails for recipient in mail.envelope.rcpt_to)


def delivered(server: ServerProcess) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for path in (server.mails / "new").iterdir():
        raw = path.read_text()
        assert raw.endswith(LETTER.replace("\r\n", "\n"))
        found[re.search(r"^Subject: (\w+)", raw, re.M)[1], re.search(r" for <([^>]+)>;", raw)[1]] += 1
    return found


def test_each_recipient_has_his_own_fate_once(tmp_path, capsys):
    numbers, stop = itertools.count(), threading.Event()
    with servers(tmp_path, SERVE) as start, ThreadPoolExecutor(CLIENTS) as threads:
        server = start(listen=None, lmtp=f"{LOOPBACK}:0", workers=WORKERS, policies=POLICIES)
        running = [threads.submit(flood, server.ports["lmtp"], numbers, stop) for _ in range(CLIENTS)]
        try:
            killed = kill_workers(server, random.Random(SEED))
        finally:
            stop.set()
        mails = [mail for client in running for mail in client.result()]
        assert server.stop() == 0
        held, arrived = kept(server), delivered(server)
    unheard = sum(count - 1 for mail in mails for count in mail.ends.values())
    again = sum(arrived.values()) - 2 * len(mails)
    with capsys.disabled():
        print(  # noqa: T201  the count is what this test is about
            f"\n{len(mails)} mails to three, {killed} kills: each kept once for one, delivered to two; {unheard}"
            f" times a recipient was not acknowledged and the mail sent again, by which {again} copies came twice."
        )
    assert held == {(mail.name, ANNA): 1 for mail in mails}
    assert arrived.keys() == {(mail.name, one) for mail in mails for one in (PAUL, CARL)}
    assert all(arrived[mail.name, one] <= mail.ends[one] for mail in mails for one in (PAUL, CARL))
    assert killed == KILLS
    assert unheard
