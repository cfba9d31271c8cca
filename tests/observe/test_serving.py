"""The log of a server that runs: one line a mail, as the settings say, before and after a reload."""

import json
import os
import re
import signal
import socket

import pytest
from server_process import SERVE, servers


@pytest.fixture
def start(tmp_path):
    with servers(tmp_path, SERVE) as start_server:
        yield start_server


def mails(server) -> list[dict]:
    """The lines of mails in a log in JSON."""
    said = [json.loads(line) for line in server.logged.splitlines() if line.startswith("{")]
    return [line for line in said if line["event"] == "mail"]


def test_json_from_workers_and_supervisor(start):
    server = start(log_format="json", workers=2)
    server.send()
    server.until(lambda: mails(server))
    (mail,) = mails(server)
    assert (mail["from"], mail["to"], mail["action"]) == ("a@example.org", ["b@example.org"], "accept")
    assert mail["deliver_ms"] <= mail["ms"]
    (worker, *_) = server.workers
    os.kill(worker, signal.SIGKILL)
    server.says("another one takes its place")
    # All but the lines that tell of the ports, which scripts wait for.
    assert all(line.startswith("{") or " on 127.0.0.1:" in line for line in server.logged.splitlines())


def test_a_reload_changes_the_log(start):
    server = start()
    server.send()
    server.says("from=<a@example.org>")
    server.reload(log_addresses="domain")
    server.says("INFO reloaded")
    server.until(lambda: server.send() or "from=<@example.org>" in server.logged)


def test_codes_are_the_same_after_a_restart_where_there_is_a_key(start, tmp_path):
    codes = []
    for _ in range(2):
        server = start(log_addresses="hashed", policy={"quarantine": True})
        server.send()
        server.says("action=accept")
        codes += re.findall(r"from=<(\w+)> to=<(\w+)>", server.logged)
        assert "@example" not in server.logged
        server.stop()
    assert codes[0] == codes[1]
    assert all(re.fullmatch(r"[0-9a-f]{12}", code) for code in codes[0])


def test_a_journal_that_may_be_away_costs_no_mail(start):
    server = start(log_to="journal")
    for _ in range(3):
        server.send()
    assert server.delivered == 3
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        assert connection.recv(100).startswith(b"220 ")
