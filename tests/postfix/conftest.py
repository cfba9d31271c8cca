"""A Postfix of its own for each lay-out of `postfix-config`, its queue and mail in a folder of the tests'."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port

from milter.config import Address, Config
from milter.model import Verdict
from milter.postfix.layout import LayOut, lay_out

NEEDED = ("postfix", "postconf", "postqueue", "swaks", "smtp-source")
RECIPIENT = "b@example.org"
# The setting that names where the filter is called in a lay-out.
LISTENS = {"milter": "milter", "lmtp": "lmtp"}

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks, reject
alias_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ b@example.org=b/ c@example.org=c/ a@example.org=a/ }}
virtual_minimum_uid = 1
recipient_delimiter = +
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
maximal_queue_lifetime = 1h
"""

MASTER = """
smtp      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class Postfix:
    """One Postfix with the lines of `postfix-config`: `front` is its port 25, `back` takes mail from the filter.

    A lay-out may end with "+policies": with what is printed for recipients with policies of their own; or with
    "+mailbox": with a server for mailboxes behind the filter, at `back`. others are further settings of the filter.
    """

    def __init__(self, layout: str, **others: Any) -> None:
        self._others = others
        self.layout, _, self.addition = layout.partition("+")
        # Postfix's own user has to get in, which pytest's folders forbid.
        self.folder = Path(tempfile.mkdtemp(prefix="blackmail-postfix-", dir="/tmp"))
        self.front, self.filter, self.back = free_port(), free_port(), free_port()
        self._log_start = 0

    @property
    def back_address(self) -> Address:
        return Address(host="127.0.0.1", port=self.back)

    @property
    def settings(self) -> dict[str, Any]:
        """The filter's own settings that go with it."""
        policies = {"policies": {RECIPIENT: {"quarantine": True}}} if self.addition == "policies" else {}
        protocol = "lmtp" if self.addition == "mailbox" else "smtp"
        return self.listening | policies | {"next_hop": f"{protocol}://{self.back_address}"} | self._others

    @property
    def listening(self) -> dict[str, str | None]:
        """Where this Postfix looks for the filter, and nowhere else."""
        return {"listen": None, LISTENS.get(self.layout, "listen"): f"127.0.0.1:{self.filter}"}

    @property
    def lines(self) -> LayOut:
        return lay_out(self.layout, Config(**self.settings))

    def configure(self) -> None:
        """Write the configuration: the printed lines below those of a fresh Postfix."""
        owner, mail_owner = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        self.folder.chmod(0o755)
        for name in ("config", "queue", "data", "mail"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "data", mail_owner.pw_uid, mail_owner.pw_gid)
        os.chown(self.folder / "mail", owner.pw_uid, owner.pw_gid)
        main = MAIN.format(folder=self.folder, uid=owner.pw_uid, gid=owner.pw_gid)
        (self.folder / "config" / "main.cf").write_text(main + self.lines.main)
        (self.folder / "config" / "master.cf").write_text(self._with_port(MASTER + self.lines.master))

    def _with_port(self, text: str) -> str:
        """The first line that listens on port 25 is Debian's; a printed one replaces it."""
        *others, last = re.split(r"^smtp +inet", text, flags=re.MULTILINE)
        kept = [others[0], *(rest.partition("\n")[2] for rest in others[1:])]
        return "".join(kept) + f"127.0.0.1:{self.front} inet" + last

    def command(self, *words: str) -> str:
        name, *rest = words
        done = subprocess.run(
            [name, "-c", str(self.folder / "config"), *rest], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}{self.log}"
        return done.stdout

    def start(self) -> None:
        self.command("postfix", "start")
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.front), timeout=5):
                return
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def remove(self) -> None:
        if (self.folder / "queue" / "pid" / "master.pid").exists():
            self.command("postfix", "stop")
        shutil.rmtree(self.folder)

    @property
    def log(self) -> str:
        """What Postfix has logged since the test began."""
        log = self.folder / "log"
        return log.read_text()[self._log_start :] if log.exists() else "no log"

    def forget(self) -> None:
        """Nothing of an earlier test is left."""
        self._log_start = 0
        self._log_start = len(self.log)
        assert self.queue == []
        for path in (self.folder / "mail").glob("*/new/*"):
            path.unlink()

    @property
    def queue(self) -> list[str]:
        """What still waits in the queue, as JSON lines."""
        return self.command("postqueue", "-j").splitlines()

    def delivered(self, mailbox: str = "b") -> list[bytes]:
        """Delivered mail of one mailbox, oldest first; its lines end with LF."""
        return [path.read_bytes() for path in sorted((self.folder / "mail" / mailbox / "new").glob("*"))]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something in the log, the queue or a mailbox, for at most thirty seconds."""
        deadline = time.monotonic() + 30
        while True:
            if condition():
                return
            assert time.monotonic() < deadline, self.log
            await asyncio.sleep(0.1)

    async def settled(self, mailbox: str = "b", count: int = 1) -> list[bytes]:
        """Wait for the queue to be empty and for so many mails, then look once more: none may be one too many."""
        deadline = time.monotonic() + 30
        while True:
            if len(self.delivered(mailbox)) >= count and not await asyncio.to_thread(lambda: self.queue):
                break
            assert time.monotonic() < deadline, f"{len(self.delivered(mailbox))} of {count} arrived: {self.log}"
            await asyncio.sleep(0.1)
        mails = self.delivered(mailbox)
        assert len(mails) == count, self.log
        return mails

    async def send(self, message: bytes, recipients=(RECIPIENT,), sender="a@example.org", **options) -> dict:
        """Send by SMTP to the front; returns refused recipients, raises smtplib's exceptions."""

        def blocking() -> dict:
            with smtplib.SMTP("127.0.0.1", self.front, timeout=60) as client:
                return client.sendmail(sender, list(recipients), message, **options)

        return await asyncio.to_thread(blocking)


@pytest.fixture(scope="session", autouse=True)
def postfix_is_installed():
    """These tests are about Postfix: without it they fail and say what to do."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        pytest.fail(f"not found: {', '.join(missing)}; on Debian: apt-get install postfix swaks", pytrace=False)
    if os.geteuid():
        pytest.fail("Postfix can be started by root only; run the tests as root, for instance in a container")


@pytest.fixture(scope="session")
def postfixes():
    """The running Postfix of each lay-out that was asked for."""
    running: dict[str, Postfix] = {}

    def of_layout(layout: str) -> Postfix:
        if layout not in running:
            running[layout] = Postfix(layout)
            running[layout].configure()
            running[layout].start()
        return running[layout]

    yield of_layout
    for postfix in running.values():
        postfix.remove()


@pytest.fixture
def make_postfix():
    """Write a Postfix's configuration, which a test may change and start: `make_postfix(layout, setting=...)`."""
    made: list[Postfix] = []

    def make(layout: str, **others: Any) -> Postfix:
        made.append(Postfix(layout, **others))
        made[-1].configure()
        return made[-1]

    yield make
    for postfix in made:
        postfix.remove()


@pytest.fixture(params=["before-queue", "after-queue", "lmtp"])
def postfix(request, postfixes):
    """A running Postfix of each lay-out, empty."""
    running = postfixes(request.param)
    running.forget()
    return running


@pytest.fixture
def judge(sextortion):
    """A fake inspector that goes by a word; what it saw is in judge.seen."""

    async def inspector(raw, envelope):
        inspector.seen.append(envelope)
        if b"KEEP BACK" in raw:
            return Verdict(action="quarantine", score=12.0)
        return sextortion if b"EXTORTION" in raw else Verdict()

    inspector.seen = []
    return inspector
