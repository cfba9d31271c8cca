"""Settings change while mail flows; a faulty set changes nothing."""

import contextlib
import os
import signal
import socket

import pytest
from free_ports import free_port
from server_process import NEGOTIATION, finish, milter_reply, open_data

from milter.config import Address
from milter.frontends.sockets import address_of, bind


def test_reload_changes_settings_and_breaks_no_session(start):
    server = start(workers=2)
    old_workers = server.workers
    session = server.client()
    open_data(session)
    server.reload(hostname="two.example")
    server.says("reloaded")
    # An old worker may still take a connection that came before it was told to retire.
    server.until(lambda: {server.greeting() for _ in range(10)} == {"220 two.example blackmail-filter"})
    assert finish(session) == 250
    open_data(session)
    assert finish(session) == 250
    session.quit()
    server.until(lambda: len(server.workers) == 2)
    assert not old_workers & server.workers
    assert server.delivered == 2


def test_reload_refuses_no_connection(start):
    server = start(workers=2)
    sent = 0
    for _ in range(3):
        server.process.send_signal(signal.SIGHUP)
        for _ in range(20):
            server.send()
            sent += 1
    assert server.delivered == sent


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"own_domains": ["broken.test"]}, "rules.yaml:3: broken"),
        ({"hostnam": "typo.example"}, "hostname"),
        ({"listen": "127.0.0.1:1x"}, "listen"),
        ({"listen": "192.0.2.1:10025"}, "listen"),
    ],
)
def test_a_faulty_reload_keeps_the_old_settings(start, change, complaint):
    server = start()
    workers = server.workers
    server.reload(**{"hostname": "two.example"} | change)
    server.says("the old settings stay")
    (line,) = [line for line in server.logged.splitlines() if "the old settings stay" in line]
    assert complaint in line
    assert "Traceback" not in server.logged
    assert server.greeting() == "220 one.example blackmail-filter"
    assert server.workers == workers


def test_workers_that_do_not_start_leave_the_old_ones(start):
    server = start(workers=2)
    workers = server.workers
    port = free_port()
    server.reload(hostname="crash.example", listen=f"127.0.0.1:{port}")
    server.says("the old settings stay: a worker did not start")
    server.until(lambda: server.workers == workers)
    assert server.greeting() == "220 one.example blackmail-filter"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_reload_can_move_to_another_port(start):
    server = start()
    port = free_port()
    old_port = server.port
    server.reload(listen=f"127.0.0.1:{port}")
    server.says("reloaded")
    server.port = port
    server.send()
    server.until(lambda: len(server.workers) == 1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old_port), timeout=5)


def test_a_milter_alone_comes_and_goes_with_a_reload(start):
    server = start(listen=None, milter="127.0.0.1:0")
    port = server.ports["milter"]
    assert server.ports == {"milter": port}
    smtp_port = free_port()
    server.reload(listen=f"127.0.0.1:{smtp_port}")
    server.says("reloaded")
    server.port = smtp_port
    server.send()
    assert milter_reply(port) == NEGOTIATION[:5]
    server.reload(milter=None)
    server.says("reloaded", times=2)
    server.until(lambda: len(server.workers) == 1)
    with pytest.raises(ConnectionRefusedError):
        milter_reply(port)
    server.send()
    assert server.delivered == 2


def test_a_milter_port_in_use_refuses_a_reload_and_frees_the_other(start):
    server = start()
    with contextlib.closing(bind(Address(host="127.0.0.1", port=0))) as taken:
        port = free_port()
        server.reload(listen=f"127.0.0.1:{port}", milter=str(address_of(taken)))
        server.says(f"stay: milter: {address_of(taken)}: Address already in use")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    server.send()


@pytest.fixture
def compiling(start, tmp_path):
    """A server whose new rules are being compiled, and its workers."""
    server = start(workers=2)
    workers = server.workers
    server.reload(hostname="slow.example")
    server.until((tmp_path / "compiling-slow.example").exists)
    return server, workers


def test_mail_flows_while_rules_compile_and_dead_workers_are_replaced(compiling, tmp_path):
    server, workers = compiling
    server.send()
    with_compiler = server.workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    server.send()
    server.until(lambda: len(server.workers) == 3)
    assert server.workers & with_compiler == with_compiler - workers
    assert server.greeting() == "220 one.example blackmail-filter"
    (tmp_path / "compiled-slow.example").touch()
    server.says("reloaded")
    server.until(lambda: server.greeting() == "220 slow.example blackmail-filter")
    server.send()
    assert server.delivered == 3


def test_settings_that_change_again_while_rules_compile_are_compiled_next(compiling, tmp_path):
    server, workers = compiling
    server.reload(hostname="slower.example")
    (tmp_path / "compiled-slow.example").touch()
    server.until((tmp_path / "compiling-slower.example").exists)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert server.greeting() == "220 one.example blackmail-filter"
    (tmp_path / "compiled-slower.example").touch()
    server.says("reloaded")
    server.until(lambda: {server.greeting() for _ in range(10)} == {"220 slower.example blackmail-filter"})
    assert server.logged.count("reloaded") == 1


def test_a_server_stops_while_rules_compile(compiling):
    server, _ = compiling
    assert server.stop() == 0
    assert server.logged.count("reload") == 0


def test_a_compiler_that_dies_changes_nothing(start):
    server = start()
    workers = server.workers
    server.reload(own_domains=["killed.test"], hostname="two.example")
    server.says("reload failed, the old settings stay: it ended with code 9")
    assert server.workers == workers
    assert server.greeting() == "220 one.example blackmail-filter"
    server.reload(own_domains=[])
    server.says("reloaded")
