"""Real servers, asked as Prometheus asks: figures add up whoever dies, and each trouble is told in words."""

import contextlib
import os
import signal
import socket
import threading

import pytest
from free_ports import free_port
from monitored import promtool
from server_process import LOOPBACK, MAIL


def test_figures_add_up_over_workers_deaths_and_reloads(monitored):
    server = monitored(workers=2)
    for _ in range(10):
        server.server.send()
    assert server.mails() == 10
    for pid in server.state.workers:
        os.kill(pid, signal.SIGKILL)
    server.until(lambda: server.state.restarts == 2 and len(server.state.workers) == 2)
    assert server.mails() == 10
    server.server.send()
    server.server.reload()
    server.server.says("reloaded")
    for _ in range(4):
        server.server.send()
    server.until(lambda: server.json("/status")["reloaded"])
    figures = server.metrics()
    assert server.mails() == 15
    assert figures['blackmail_mails_total{action="accept"}'] == 15
    assert figures['blackmail_stage_seconds_count{stage="total"}'] == 15
    assert figures['blackmail_stage_seconds_bucket{le="+Inf",stage="deliver"}'] == 15
    assert figures['blackmail_next_hop_replies_total{class="2xx"}'] == 15
    assert figures["blackmail_mail_bytes_total"] == 15 * len(MAIL)
    assert figures["blackmail_worker_restarts_total"] == 2
    assert figures['blackmail_reloads_total{result="ok"}'] == 1
    assert figures["blackmail_workers"] == figures["blackmail_workers_wanted"] == 2


def test_files_of_processes_that_ended_do_not_pile_up(monitored):
    server = monitored(workers=1)
    for round_ in range(3):
        server.server.send()
        (pid,) = server.state.workers
        os.kill(pid, signal.SIGKILL)
        server.until(lambda round_=round_: server.state.restarts == round_ + 1 and server.state.workers)
    server.server.send()
    assert server.mails() == 4
    # Those of the supervisor, of one worker, and of all who are gone.
    assert len(list(server.files.glob("counter_*.db"))) <= 3


def test_what_is_open_now(monitored):
    server = monitored(workers=2)
    sessions = [server.server.client() for _ in range(3)]
    assert server.metrics()["blackmail_sessions"] == 3
    for pid in server.state.workers:
        os.kill(pid, signal.SIGKILL)
    server.until(lambda: server.metrics()["blackmail_sessions"] == 0)
    for session in sessions:
        session.close()


def test_a_refused_session_and_a_refused_reload_are_counted(monitored):
    server = monitored(max_connections=1)
    server.server.client()
    assert server.server.greeting().startswith("421 ")
    server.server.reload(listen="192.0.2.1:25")
    server.server.says("the old settings stay")
    server.until(lambda: server.metrics()['blackmail_reloads_total{result="failed"}'] == 1)
    figures = server.metrics()
    assert figures['blackmail_sessions_refused_total{reason="full"}'] >= 1
    assert figures["blackmail_reload_refused"] == 1
    assert any("192.0.2.1:25" in trouble for trouble in server.json("/status")["troubles"])


def test_kinds_and_rules_of_flagged_mail(monitored):
    server = monitored(workers=2)
    for _ in range(3):
        server.server.send(b"Subject: x\r\n\r\nBLACKMAIL-FILTER-TEST-NO-CRIME-MAXIZI-RIWUPU-JAZAZY\r\n")
    figures = server.metrics()
    assert figures['blackmail_mails_total{action="tag"}'] == 3
    assert figures['blackmail_rule_matches_total{rule="threat.test"}'] == 3
    assert sum(value for name, value in figures.items() if name.startswith("blackmail_mail_kinds_total")) == 3


def test_what_is_scraped_passes_promtool(monitored):
    server = monitored()
    server.server.send()
    promtool("check", "metrics", given=server.get("/metrics")[1])


def test_healthy_and_ready(monitored):
    server = monitored(workers=2, milter=f"{LOOPBACK}:{free_port()}")
    for path in ("/healthz", "/readyz"):
        assert server.get(path)[0] == 200
        assert server.json(path) == {"ok": True, "troubles": []}
    listeners = server.json("/status")["listeners"]
    assert {name: listener["trouble"] for name, listener in listeners.items()} == dict.fromkeys(
        ("listen", "milter"), ""
    )


def test_a_worker_that_cannot_come_back_is_told(monitored):
    server = monitored(workers=2)
    # Halted, the supervisor replaces nobody.
    os.kill(server.server.process.pid, signal.SIGSTOP)
    try:
        first = server.state.workers[0]
        os.kill(first, signal.SIGKILL)
        server.until(lambda: server.get("/healthz")[0] == 503)
        assert server.json("/healthz")["troubles"] == ["1 of 2 workers run; the log says why the others ended."]
    finally:
        os.kill(server.server.process.pid, signal.SIGCONT)
    server.until(lambda: server.get("/healthz")[0] == 200)


def test_a_listener_that_nobody_serves_is_not_ready(monitored):
    server = monitored()
    (worker,) = server.state.workers
    os.kill(worker, signal.SIGSTOP)
    try:
        status, text = server.get("/readyz")
    finally:
        os.kill(worker, signal.SIGCONT)
    assert status == 503
    assert f"listen on {LOOPBACK}:{server.server.port} does not serve: no answer within 3 seconds." in text


def greeter(greeting: bytes):
    """A next hop that greets and says goodbye; where it listens."""
    listener = socket.create_server((LOOPBACK, 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(greeting)
                    connection.recv(100)
                    connection.sendall(b"221 Bye\r\n")

    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_a_next_hop_that_is_away_is_not_ready(monitored):
    port = free_port()
    server = monitored(next_hop=f"smtp://{LOOPBACK}:{port}")
    status, text = server.get("/readyz")
    assert status == 503
    assert f"smtp://{LOOPBACK}:{port} does not take mail: connection refused. Mail is deferred until it does." in text
    assert server.get("/healthz")[0] == 200
    assert server.metrics()[f'blackmail_next_hop_up{{next_hop="smtp://{LOOPBACK}:{port}"}}'] == 0


def test_one_next_hop_of_two_is_enough_and_the_other_one_is_told(monitored):
    with contextlib.closing(greeter(b"220 hop.example\r\n")) as listener:
        up, down = f"smtp://{LOOPBACK}:{listener.getsockname()[1]}", f"smtp://{LOOPBACK}:{free_port()}"
        server = monitored(next_hop=[down, up])
        assert server.get("/readyz")[0] == 200
        assert server.json("/status")["troubles"] == [f"{down} does not answer (connection refused); others do."]
        figures = server.metrics()
        assert figures[f'blackmail_next_hop_up{{next_hop="{up}"}}'] == 1
        assert figures[f'blackmail_next_hop_up{{next_hop="{down}"}}'] == 0


def test_a_next_hop_that_turns_away_is_not_ready(monitored):
    with contextlib.closing(greeter(b"421 4.3.2 Busy\r\n")) as listener:
        server = monitored(next_hop=f"smtp://{LOOPBACK}:{listener.getsockname()[1]}")
        assert "it greets with '421 4.3.2 Busy'" in server.get("/readyz")[1]


def test_only_get_and_only_what_there_is(monitored):
    server = monitored()
    assert server.get("/")[0] == 404
    assert server.get("/metrics/../etc/passwd")[0] == 404
    assert server.get("/metrics", "POST")[0] == 501
    assert server.get("/healthz", "HEAD") == (200, "")
    assert "Traceback" not in server.server.logged
    assert "GET" not in server.server.logged


def test_clients_that_send_nothing_do_not_pile_up(monitored):
    server = monitored()
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(socket.create_connection((LOOPBACK, server.port)))
        late = stack.enter_context(socket.create_connection((LOOPBACK, server.port), timeout=20))
        assert late.recv(10) == b""
    server.until(lambda: server.metrics()["blackmail_workers"] == 1)
    assert "Traceback" not in server.server.logged


def test_monitoring_that_dies_comes_back(monitored):
    server = monitored()
    server.server.send()
    (monitor,) = server.server.workers - set(server.state.workers)
    os.kill(monitor, signal.SIGKILL)
    server.server.says("monitoring ended with code -9; it is started anew")

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return server.mails() == 1
        return False

    server.until(answers)


def test_nothing_is_left_behind(monitored):
    server = monitored(workers=2)
    children = server.server.workers
    assert server.server.stop() == 0
    assert list(server.run.iterdir()) == []
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_it_does_not_outlive_its_supervisor(monitored):
    server = monitored()
    (monitor,) = server.server.workers - set(server.state.workers)
    server.server.process.kill()
    server.server.process.wait()

    def gone() -> bool:
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{monitor}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
        return True

    server.until(gone)


def test_a_reload_switches_it_on_moves_it_and_off(monitored):
    server = monitored()
    server.server.send()
    old, server.port = server.port, free_port()
    server.server.reload(metrics={"listen": f"{LOOPBACK}:{server.port}"})
    server.server.says("reloaded")

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return server.mails() == 1
        return False

    server.until(answers)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, old))
    server.server.reload(metrics={"listen": None})
    server.server.says("reloaded", times=2)
    server.until(lambda: not answers())
    server.server.send()
