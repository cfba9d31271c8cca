"""Sockets of systemd's: taken by name, kept over a restart, refused where they are not understood."""

import contextlib
import os
import socket
import sys
import threading

import pytest
from free_ports import free_port
from server_process import LOOPBACK, NEGOTIATION, PATIENCE, milter_reply

from milter.frontends.activation import inherited
from milter.frontends.worker import listening

# Puts descriptors where systemd has them, and becomes what follows.
HANDING_OVER = """
import os, sys
for number, descriptor in enumerate(sys.argv[1].split(",")):
    os.dup2(int(descriptor), 3 + number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(number + 1)}
os.execv(sys.argv[2], sys.argv[2:])
"""
# Far above what is handed over, so that nothing is overwritten.
FIRST = 100


def systemd_socket(family=socket.AF_INET, name=(LOOPBACK, 0), *, listens=True) -> socket.socket:
    """A socket as systemd makes it: without a protocol, blocking."""
    made = socket.socket(family, socket.SOCK_STREAM, 0)
    made.bind(name)
    if listens:
        made.listen()
    return made


@pytest.fixture
def start_with(start):
    """Start a server to which sockets are handed over: `start_with({name: socket}, setting=...)`."""
    with contextlib.ExitStack() as stack:

        def start_server(sockets, names=None, **settings):
            descriptors = []
            for listener in sockets.values():
                stack.callback(listener.close)
                descriptors.append(os.dup2(listener.fileno(), FIRST + len(descriptors)))
            environ = {"LISTEN_FDNAMES": ":".join(sockets) if names is None else names}
            before = (sys.executable, "-c", HANDING_OVER, ",".join(map(str, descriptors)))
            server = start(*before, environ=environ, descriptors=descriptors, **settings)
            for descriptor in descriptors:
                os.close(descriptor)
            return server

        yield start_server


def port_of(listener) -> int:
    return listener.getsockname()[1]


def test_sockets_are_taken_by_their_names(start_with, tmp_path):
    sockets = {"milter": systemd_socket(), "listen": systemd_socket()}
    unused = f"unix:{tmp_path}/unused"
    server = start_with(sockets, listen=unused, milter="127.0.0.1:0", workers=2)
    assert server.ports == {"milter": port_of(sockets["milter"]), "listening": port_of(sockets["listen"])}
    server.send()
    assert milter_reply(server.ports["milter"]) == NEGOTIATION[:5]
    assert not (tmp_path / "unused").exists()
    assert f"listen: systemd's socket 127.0.0.1:{server.port} is used instead of {unused}" in server.logged


def test_an_inherited_socket_stays_over_a_reload(start_with):
    server = start_with({"listen": systemd_socket()})
    server.reload(hostname="two.example", listen=f"127.0.0.1:{free_port()}")
    server.says("reloaded")
    server.until(lambda: server.greeting() == "220 two.example blackmail-filter")
    server.reload(listen=None, milter="127.0.0.1:0")
    server.says("the old settings stay: listen: systemd hands over a socket for it, but it is null")
    server.send()


def test_a_restart_refuses_no_connection(start_with):
    listener = systemd_socket()
    server = start_with({"listen": listener})
    greetings, done = [], threading.Event()

    def connect_again_and_again():
        while not done.is_set():
            greetings.append(server.greeting())

    with contextlib.ExitStack() as stack:
        client = threading.Thread(target=connect_again_and_again)
        client.start()
        stack.callback(client.join)
        stack.callback(done.set)
        server.until(lambda: greetings)
        for name in ("two.example", "three.example"):
            assert server.stop() == 0
            count = len(greetings)
            server = start_with({"listen": listener.dup()}, hostname=name)
            server.until(lambda before=count: len(greetings) > before + 20)
    assert {"220 one.example", "220 two.example", "220 three.example"} <= {" ".join(g.split()[:2]) for g in greetings}
    assert {greeting[:4] for greeting in greetings} <= {"220 ", "421 "}


def test_the_path_of_an_inherited_unix_socket_stays(start_with, tmp_path):
    path = tmp_path / "filter.sock"
    listener = systemd_socket(socket.AF_UNIX, str(path))
    server = start_with({"listen": listener}, listen=f"unix:{path}")
    assert server.stop() == 0
    assert path.is_socket()
    assert "is used instead" not in server.logged


@pytest.mark.parametrize(
    ("sockets", "names", "complaint"),
    [
        (1, "filter.socket", "systemd's socket 'filter.socket' is for no setting: write FileDescriptorName= listen, "),
        (1, "", "systemd's socket '' is for no setting: write FileDescriptorName= listen, lmtp, milter, web, metrics"),
        (2, "listen", "systemd's socket '' is for no setting"),
        (2, "listen:listen", "listen: systemd hands over two sockets of that name; leave one ListenStream="),
        (1, "milter", "milter: systemd hands over a socket for it, but it is null; set it, or stop that socket"),
    ],
)
def test_a_name_that_is_not_understood_is_one_line(start_with, sockets, names, complaint):
    server = start_with({str(number): systemd_socket() for number in range(sockets)}, names, wait=False)
    assert server.process.wait(PATIENCE) == 1
    (line,) = server.logged.splitlines()
    assert line.startswith(complaint)


def test_what_is_no_listening_socket_is_one_line(start_with, tmp_path):
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        for unfit, complaint in (
            (file, "what systemd hands over is no socket"),
            (systemd_socket(listens=False), "systemd's socket takes no connections"),
        ):
            server = start_with({"listen": unfit}, wait=False)
            assert server.process.wait(PATIENCE) == 1
            (line,) = server.logged.splitlines()
            assert line.startswith(f"listen: {complaint}")


def test_sockets_of_another_process_are_not_ours():
    assert inherited({"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "listen"}) == {}


def test_systemd_socket_activate_starts_us(start):
    port = free_port()
    activate = ("systemd-socket-activate", "-l", f"{LOOPBACK}:{port}", "--fdname=listen")
    environ = [f"--setenv={name}" for name in ("PYTHONPATH", "PATH") if name in os.environ]
    server = start(*activate, *environ, wait=False)
    server.says("Listening on")
    server.port = port
    server.send()
    assert server.ports == {"listening": port}
    assert server.delivered == 1


async def test_small_packets_are_sent_at_once(start_filter, monkeypatch):
    made = systemd_socket()
    monkeypatch.setattr("milter.frontends.activation.FIRST", made.detach())
    listener = inherited({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "listen"})["listen"]
    assert not listener.getblocking()
    assert not os.get_inheritable(listener.fileno())
    assert listener.proto == socket.IPPROTO_TCP
    running = await start_filter()
    async with listening(running.service, {"listen": listener}):
        with socket.create_connection((LOOPBACK, port_of(listener))):
            await running.service.loop.run_in_executor(None, lambda: None)
            while not running.service._sessions:
                await running.service.loop.run_in_executor(None, lambda: None)
            (session,) = running.service._sessions
            accepted = session.transport.get_extra_info("socket")
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
