"""`serve` makes its store ready before it takes mail in, and says in one line what is wrong with it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

PATIENCE = 30


class Server:
    """`serve` in a process of its own."""

    def __init__(self, folder: Path, **settings) -> None:
        self.config, self.log = folder / "config.yaml", folder / "log"
        self.store = {"url": f"sqlite:///{folder}/kept/store.sqlite", "key_file": str(folder / "kept" / "key")}
        self.settings = {
            "listen": "127.0.0.1:0",
            "next_hop": f"maildir:{folder / 'mail'}",
            "store": self.store,
            "verify_senders": False,
        }
        self.configure(**settings)
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "milter", "serve", "-c", str(self.config)]
            self.process = subprocess.Popen(command, stderr=log)

    def configure(self, **settings) -> None:
        self.settings |= settings
        self.config.write_text(yaml.safe_dump(self.settings))

    def says(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def start(tmp_path):
    servers = []

    def start_server(**settings) -> Server:
        servers.append(Server(tmp_path, **settings))
        return servers[-1]

    yield start_server
    for server in servers:
        server.process.terminate()
        server.process.wait(PATIENCE)


def test_the_store_is_ready_before_mail_comes_in(start, tmp_path):
    start(policy={"quarantine": True}).says("listening on")
    with sqlite3.connect(tmp_path / "kept" / "store.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM mails").fetchone() == (0,)
    connection.close()
    assert (tmp_path / "kept" / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "settings", [{}, {"policy": {"quarantine": True}, "listen": None, "milter": "127.0.0.1:0"}], ids=repr
)
def test_who_keeps_nothing_has_no_store(start, tmp_path, settings):
    start(**settings).says(" on 127.0.0.1:")
    assert not (tmp_path / "kept").exists()


def test_no_database_is_loaded_before_one_is_needed():
    script = "import sys, milter.cli.serve; sys.exit(sorted({'sqlalchemy', 'alembic'} & set(sys.modules)) or 0)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_store_that_cannot_be_opened_is_one_line_and_exit_2(start, tmp_path):
    (tmp_path / "kept").write_text("in the way")
    server = start(policies={"example.org": {"quarantine": True}})
    assert server.process.wait(PATIENCE) == 2
    (line,) = server.log.read_text().splitlines()
    assert line == f"blackmail-filter: {tmp_path}/kept/store.sqlite: cannot be written (Not a directory)"


def test_a_reload_with_a_store_that_fails_changes_nothing(start, tmp_path):
    server = start()
    server.says("listening on")
    server.configure(policy={"quarantine": True}, store={"url": "postgresql://u:secret-word@127.0.0.1:1/x"})
    os.kill(server.process.pid, signal.SIGHUP)
    server.says("reload refused, the old settings stay: postgresql://u:***@127.0.0.1:1/x: cannot be reached")
    server.configure(store=server.store)
    os.kill(server.process.pid, signal.SIGHUP)
    server.says("INFO reloaded")
    assert (tmp_path / "kept" / "store.sqlite").exists()
    assert "secret-word" not in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
