"""Workers die and hang, and no mail is lost by it."""

import contextlib
import os
import signal
import smtplib
import subprocess
import sys
import time
from unittest.mock import Mock

import pytest

from milter.config import Config, Store
from milter.frontends.supervisor import Child, Supervisor
from milter.store.opened import open_store

# Claims a mail and vanishes.
INTERRUPTED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from milter.config import Store
from milter.model import Envelope, Verdict
from milter.store.opened import open_store

store = open_store(Store(url=sys.argv[1], key_file=Path(sys.argv[2]))).quarantine
mail_id = store.keep(b"x", Envelope("", ("b@example.org",)), Verdict(), received=datetime.now(UTC))
store.claim(mail_id, by="anna", now=datetime.now(UTC))
sys.stdout.write(mail_id)
sys.stdout.flush()
os._exit(9)
"""
# Settings and environment with which a worker that stands still is soon taken for hung.
IMPATIENT = {"inspect_timeout": 0.5, "environ": {"LEAST_PATIENCE": "1.5"}}


def test_a_killed_worker_is_replaced_and_the_port_never_refuses(start):
    server = start(workers=2)
    before = server.workers
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    for _ in range(20):
        server.send()
    server.until(lambda: len(server.workers) == 2)
    assert not before & server.workers
    assert server.delivered == 20
    assert server.logged.count("another one takes its place") == 2


def test_a_mail_that_kills_its_worker_is_not_acknowledged(start):
    server = start(workers=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        server.send(b"Subject: die\r\n\r\n")
    server.send()
    assert server.delivered == 1


def test_kills_of_all_workers_again_and_again_refuse_no_connection(start):
    server = start(workers=2)
    refused, taken = [], 0
    for _ in range(3):
        server.until(lambda: len(server.workers) == 2)
        for worker in server.workers:
            os.kill(worker, signal.SIGKILL)
        for _ in range(30):
            try:
                assert server.greeting().startswith("220 ")
                taken += 1
            except ConnectionRefusedError as error:
                refused.append(error)
    assert (refused, taken) == ([], 90)


def test_a_worker_that_stands_still_is_replaced(start):
    server = start(workers=2, **IMPATIENT)
    stopped, other = server.workers
    os.kill(stopped, signal.SIGSTOP)
    server.says("another one takes its place")
    server.until(lambda: len(server.workers) == 2 and stopped not in server.workers)
    assert f"worker {stopped} hangs for" in server.logged
    assert other in server.workers
    server.send()
    assert server.delivered == 1


def test_a_worker_that_hangs_in_its_code_says_where(start):
    server = start(**IMPATIENT)
    (worker,) = server.workers
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        server.send(b"Subject: hang\r\n\r\n")
    server.says("another one takes its place")
    assert f"worker {worker} ended with code {-signal.SIGABRT}" in server.logged
    assert " in hang\n" in server.logged
    server.send()
    assert server.delivered == 1


def test_a_machine_that_was_halted_as_a_whole_has_no_hung_worker(start):
    server = start(workers=2, **IMPATIENT | {"environ": {"LEAST_PATIENCE": "5"}})
    workers = server.workers
    for process, pause in (*((worker, 0.0) for worker in workers), (server.process.pid, 1.5)):
        time.sleep(pause)
        os.kill(process, signal.SIGSTOP)
    time.sleep(5)
    # The supervisor is the first to wake up, and sees that nobody has beaten.
    server.process.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    for _ in range(5):
        server.send()
        time.sleep(0.1)
    assert server.workers == workers
    assert "hangs" not in server.logged


def test_no_sign_of_life_is_given_while_a_worker_hangs(monkeypatch):
    killed, told = [], []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
    supervisor = Supervisor(Mock(), Mock(), Mock(), tell=told.append)
    hanging, living = (Child(pid, Mock(config=Config(inspect_timeout=20)), 0.0, False) for pid in (1, 2))
    supervisor._children = {1: hanging, 2: living}

    def look(passed):
        living.heartbeat.beat()
        supervisor._end_hung(passed)

    look(40.0)
    assert (killed, told) == ([], ["alive"])
    look(1.0)
    look(1.0)
    assert (killed, told) == ([(1, signal.SIGABRT), (1, signal.SIGKILL)], ["alive"])
    hanging.heartbeat.beat()
    look(1.0)
    assert told == ["alive", "alive"]


def test_workers_that_die_at_once_keep_nobody_from_stopping(start):
    server = start(workers=2)
    for _ in range(5):
        for worker in server.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
    assert server.stop() == 0


def test_one_worker_of_each_generation_looks_after_the_store(monkeypatch):
    orders = []

    def fork(self, generation, *, keeps_order):
        orders.append(keeps_order)
        reading, writing = os.pipe()
        os.write(writing, b"r")
        os.close(writing)
        self._children[len(orders)] = Child(len(orders), generation, 0.0, keeps_order)
        return reading

    monkeypatch.setattr(Supervisor, "_fork", fork)
    supervisor = Supervisor(Mock(config=Config(workers=3)), Mock(), Mock())
    supervisor._start(supervisor._generation)
    assert orders == [True, False, False]
    monkeypatch.setattr(os, "waitpid", lambda pid, _: (pid, 9) if pid <= 2 else (0, 0))
    supervisor._note_dead()
    supervisor._fill_vacancies()
    assert orders == [True, False, False, True, False]


def test_a_release_that_was_interrupted_ends_with_the_start_and_when_its_keeper_was_killed(start, tmp_path):
    settings = {"url": f"sqlite:///{tmp_path}/store.sqlite", "key_file": str(tmp_path / "key")}

    def interrupted() -> str:
        with subprocess.Popen([sys.executable, "-c", INTERRUPTED, settings["url"], settings["key_file"]], text=True,
                              stdout=subprocess.PIPE) as process:  # fmt: skip
            return process.stdout.read()

    with open_store(Store.model_validate(settings)) as store:
        before = interrupted()
        assert store.quarantine.get(before).state == "releasing"
        server = start(workers=2, store=settings)
        server.until(lambda: store.quarantine.get(before).state == "held")
        after = interrupted()
        for worker in server.workers:
            os.kill(worker, signal.SIGKILL)
        server.until(lambda: store.quarantine.get(after).state == "held")
