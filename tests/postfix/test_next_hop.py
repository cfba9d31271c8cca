"""A Postfix as next hop that takes mail in TLS only, from who logs in at a Dovecot."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from authority import Authority
from conftest import HANG
from free_ports import free_port
from postfix_mails import CLEAN, OUR_FIELDS, fields_on_top

from milter.actions.hops import make_next_hop
from milter.config import Config
from milter.errors import NextHopError

USER, PASSWORD = "filter", "correct horse"
MAIN = """
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_tls_loglevel = 1
"""
MASTER = """
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
127.0.0.1:{port} inet n - n - - smtpd
  -o content_filter=
  -o smtpd_tls_security_level=encrypt
  -o smtpd_tls_auth_only=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
"""
DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols =
ssl = no
auth_mechanisms = {mechanism}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {sasl}
  }}
}}
"""


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Server(NamedTuple):
    """Where it listens, its Postfix, and what our side needs."""

    address: str
    postfix: object
    ca_file: Path
    folder: Path

    def settings(self, **others):
        """Settings of a filter that gets in."""
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        auth = {"user": USER, "password_file": self.folder / "password"}
        usual = {"next_hop": f"smtp://{self.address}", "next_hop_tls": "verify", "next_hop_ca_file": self.ca_file}
        return usual | {"next_hop_auth": auth, "hostname": "filter.example"} | others


@contextlib.contextmanager
def dovecot(folder, sasl, mechanism):
    """Asked by Postfix whether a password is right."""
    folder.mkdir()
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n", encoding="utf-8")
    (folder / "users").chmod(0o644)
    (folder / "dovecot.conf").write_text(DOVECOT.format(folder=folder, sasl=sasl, mechanism=mechanism))
    found = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, "dovecot is not installed; apt-get install dovecot-core"
    with subprocess.Popen([found, "-F", "-c", str(folder / "dovecot.conf")]) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture
def server(request, make_postfix, tmp_path):
    """A running Postfix with its Dovecot, which knows one mechanism: PLAIN unless told otherwise."""
    from_postfix = make_postfix("after-queue")
    made = Authority(tmp_path).certify("127.0.0.1")
    port, sasl = free_port(), free_port()
    config = from_postfix.folder / "config"
    with (config / "main.cf").open("a") as main:
        main.write(MAIN.format(certificate=made.certificate, key=made.key, sasl=sasl))
    with (config / "master.cf").open("a") as master:
        master.write(MASTER.format(port=port))
    with dovecot(from_postfix.folder / "dovecot", sasl, getattr(request, "param", "plain")):
        from_postfix.start()
        wait_for(sasl)
        yield Server(f"127.0.0.1:{port}", from_postfix, tmp_path / "ca.pem", tmp_path)


@pytest.mark.parametrize("server", ["plain", "login"], indirect=True)
async def test_mail_goes_on_in_tls_after_a_log_in(server, start_filter, connect):
    running = await start_filter(None, None, **server.settings())
    client = await connect(running)
    assert "DSN" in await client.hello()
    for _ in range(2):
        assert (await client.send(CLEAN)).startswith("250 2.0.0 Ok: queued as ")
    for delivered in await server.postfix.settled(count=2):
        top = fields_on_top(delivered, CLEAN)
        assert set(OUR_FIELDS) <= set(top)
    log = server.postfix.log
    assert log.count(f"sasl_username={USER}") == 2
    assert log.count("TLS connection established from") == 1


async def test_who_knows_no_password_gets_nothing_in(server, caplog, start_filter, connect):
    settings = server.settings()
    settings["next_hop_auth"]["password_file"].write_text("guessed", encoding="utf-8")
    running = await start_filter(None, None, **settings)
    client = await connect(running)
    await client.hello()
    assert await client.ask("MAIL FROM:<a@example.org>") == "451 4.3.0 Temporary trouble here, please try again later"
    assert f"next hop does not let '{USER}' log in: 535" in caplog.text
    assert "guessed" not in caplog.text


async def test_without_tls_postfix_takes_nothing(server):
    ours = make_next_hop(Config(**server.settings(next_hop_tls="off", next_hop_ca_file=None, next_hop_auth=None)))
    transaction = await ours.begin("<a@example.org>", [], {})
    assert str(await transaction.rcpt("<b@example.org>", [])).startswith("530 5.7.0 Must issue a STARTTLS")
    transaction.abandon()
    await ours.close()


async def test_the_name_has_to_be_right(server):
    port = server.address.rpartition(":")[2]
    ours = make_next_hop(Config(**server.settings(next_hop=f"smtp://localhost:{port}")))
    with pytest.raises(NextHopError, match="Hostname mismatch"):
        await ours.begin("<a@example.org>", [], {})


async def test_postfix_stands_in_for_a_hop_that_hangs(server, start_hop, start_filter, connect):
    sick = await start_hop(answers={"connect": ["220 hop", HANG]})
    hops = [f"smtp://{sick.address}", f"smtp://{server.address}"]
    settings = server.settings(next_hop=hops, next_hop_timeout=4.0)
    running = await start_filter(None, None, **settings)
    client = await connect(running)
    await client.hello()
    assert (await client.send(CLEAN)).startswith("250 2.0.0 Ok: queued as ")
    assert [health.up for health in running.service.hop.health().values()] == [False, True]
    await server.postfix.settled()
