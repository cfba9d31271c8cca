"""A Dovecot of the tests' own: LMTP with Sieve in, IMAP out, everything in one folder on loopback."""

from __future__ import annotations

import contextlib
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from free_ports import free_port

SIEVE = Path(__file__).parents[1] / "docs" / "sieve" / "blackmail.sieve"
SETTINGS = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = lmtp imap
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_home = {folder}/home/%n
mail_location = maildir:~/Maildir
first_valid_uid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%n
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@example.org
  mail_plugins = sieve
}}
plugin {{
  sieve_before = {folder}/sieve/blackmail.sieve
}}
"""


class Dovecot(NamedTuple):
    """A running server: its LMTP port and socket, and its IMAP port."""

    lmtp: int
    socket: Path
    imap: int

    def mails(self, user: str, folder: str) -> list[bytes]:
        """What lies in a folder, fetched by IMAP; nothing if there is no such folder."""
        with imaplib.IMAP4("127.0.0.1", self.imap) as client:
            client.login(user, "any")
            if client.select(folder, readonly=True)[0] != "OK":
                return []
            numbers = client.search(None, "ALL")[1][0].split()
            return [client.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """Started once for a module; users are made by their first mail, and any password opens IMAP."""
    missing = [name for name in ("dovecot", "sievec") if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    assert not missing, f"not installed: {missing}; apt-get install dovecot-lmtpd dovecot-sieve dovecot-imapd"
    with tempfile.TemporaryDirectory(prefix="blackmail-filter-dovecot-") as name:
        folder = Path(name)
        owner = pwd.getpwnam("nobody")
        folder.chmod(0o755)
        (folder / "home").mkdir()
        os.chown(folder / "home", owner.pw_uid, owner.pw_gid)
        (folder / "sieve").mkdir()
        shutil.copy(SIEVE, folder / "sieve")
        subprocess.run(["sievec", str(folder / "sieve" / SIEVE.name)], check=True, capture_output=True)
        ports = {"lmtp": free_port(), "imap": free_port()}
        settings = SETTINGS.format(folder=folder, uid=owner.pw_uid, gid=owner.pw_gid, **ports)
        (folder / "dovecot.conf").write_text(settings, encoding="utf-8")
        with _running(folder, ports["imap"]):
            yield Dovecot(socket=folder / "run" / "lmtp", **ports)


@contextlib.contextmanager
def _running(folder: Path, port: int) -> Iterator[None]:
    command = ["/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_for(port, process, folder)
            yield
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[str], folder: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            assert process.stderr
            pytest.fail(f"dovecot ended: {process.stderr.read()}")
        time.sleep(0.05)
    pytest.fail(f"dovecot does not listen:\n{(folder / 'log').read_text(encoding='utf-8')}")
