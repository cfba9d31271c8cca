"""The server as processes: workers die, settings change, the end comes, and no mail is lost by it."""

import contextlib
import os
import re
import signal
import smtplib
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml

from milter.config import Address, Config, Store
from milter.errors import ConfigError
from milter.frontends.sockets import address_of, bind
from milter.frontends.supervisor import Child, Supervisor
from milter.store.opened import open_store

SCRIPT = """
import asyncio, logging, os, sys
from pathlib import Path
from milter.config import load
from milter.errors import ConfigError
from milter.frontends import supervisor
from milter.frontends.server import serve
from milter.model import Verdict

async def inspector(raw, envelope):
    if b"die" in raw:
        os._exit(9)
    if b"wait" in raw:
        await asyncio.sleep(1.0)
    return Verdict()

def make_inspector(config, policies, campaigns):
    if config.hostname == "crash.example":
        supervisor.work = None
    if "broken.test" in config.own_domains:
        raise ConfigError("rules.yaml:3: broken")
    return inspector

path = Path(sys.argv[1])
logging.basicConfig(level="INFO")
try:
    serve(load(path), make_inspector, reload=lambda: load(path))
except ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""
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
# A milter's client offers version 6 and everything.
NEGOTIATION = b"\0\0\0\x0dO" + bytes.fromhex("00000006 000001ff 001fffff")
MAIL = b"Subject: x\r\n\r\nHello\r\n"


class Server:
    """A server in processes of its own."""

    def __init__(self, folder: Path, **settings) -> None:
        self.path = folder / "config.yaml"
        self.mails = folder / "mail"
        self.settings = {
            "listen": "127.0.0.1:0",
            "next_hop": f"maildir:{self.mails}",
            "store": {"url": f"sqlite:///{folder}/q/store.sqlite", "key_file": str(folder / "q" / "key")},
            "hostname": "one.example",
            "next_hop_timeout": 5,
        } | settings
        self.clients: list[smtplib.SMTP] = []
        self.configure()
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(self.path)], stderr=log)
        asked = sum(self.settings.get(setting) is not None for setting in ("listen", "milter"))
        self.until(lambda: len(self.ports) == asked or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        self.port = self.ports.get("listening", 0)

    @property
    def ports(self) -> dict[str, int]:
        """What the server said on which ports it serves."""
        said = re.findall(r"^(\w+) on 127\.0\.0\.1:(\d+)$", self.log.read_text(), re.MULTILINE)
        return {front_end: int(port) for front_end, port in said}

    def configure(self, **settings) -> None:
        self.settings |= settings
        self.path.write_text(yaml.safe_dump(self.settings))

    @staticmethod
    def until(condition) -> None:
        """Wait for at most twenty seconds."""
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.02)

    @property
    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(pid) for pid in children}

    def client(self) -> smtplib.SMTP:
        client = smtplib.SMTP("127.0.0.1", self.port, timeout=20)
        self.clients.append(client)
        client.ehlo("client.example")
        return client

    def greeting(self) -> str:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            return connection.makefile().readline().strip()

    def send(self, message: bytes = MAIL) -> None:
        client = self.client()
        client.sendmail("a@example.org", ["b@example.org"], message)
        client.quit()

    @property
    def delivered(self) -> int:
        return len(list((self.mails / "new").glob("*")))

    def stop(self) -> int:
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path):
    servers = []

    def start_server(**settings) -> Server:
        servers.append(Server(tmp_path, **settings))
        return servers[-1]

    yield start_server
    for server in servers:
        server.stop()


def open_data(client: smtplib.SMTP) -> None:
    client.mail("a@example.org")
    client.rcpt("b@example.org")
    assert client.docmd("DATA")[0] == 354


def test_workers_share_the_port(start):
    server = start(workers=2)
    assert len(server.workers) == 2
    for _ in range(10):
        server.send()
    assert server.delivered == 10
    assert server.stop() == 0


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
    assert server.log.read_text().count("another one takes its place") == 2


def test_a_mail_that_kills_its_worker_is_not_acknowledged(start):
    server = start(workers=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        server.send(b"Subject: die\r\n\r\n")
    server.send()
    assert server.delivered == 1


def test_reload_changes_settings_and_breaks_no_session(start):
    server = start(workers=2)
    old_workers = server.workers
    session = server.client()
    open_data(session)
    server.configure(hostname="two.example")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: "reloaded" in server.log.read_text())
    # An old worker may still take a connection that came before it was told to retire.
    server.until(lambda: {server.greeting() for _ in range(10)} == {"220 two.example blackmail-filter"})
    session.send(MAIL + b".\r\n")
    assert session.getreply()[0] == 250
    open_data(session)
    session.send(MAIL + b".\r\n")
    assert session.getreply()[0] == 250
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
    server.configure(**{"hostname": "two.example"} | change)
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: "the old settings stay" in server.log.read_text())
    (line,) = [line for line in server.log.read_text().splitlines() if "the old settings stay" in line]
    assert complaint in line
    assert "Traceback" not in server.log.read_text()
    assert server.greeting() == "220 one.example blackmail-filter"
    assert server.workers == workers


def test_workers_that_do_not_start_leave_the_old_ones(start):
    server = start(workers=2)
    workers = server.workers
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server.configure(hostname="crash.example", listen=f"127.0.0.1:{port}")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: "the old settings stay: a worker did not start" in server.log.read_text())
    server.until(lambda: server.workers == workers)
    assert server.greeting() == "220 one.example blackmail-filter"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_reload_can_move_to_another_port(start):
    server = start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    old_port = server.port
    server.configure(listen=f"127.0.0.1:{port}")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: "reloaded" in server.log.read_text())
    server.port = port
    server.send()
    server.until(lambda: len(server.workers) == 1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old_port), timeout=5)


def milter_reply(port: int) -> bytes:
    """What a milter on that port answers to a negotiation."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(NEGOTIATION)
        return connection.recv(5)


def test_workers_share_the_port_of_the_milter_too(start):
    server = start(workers=2, milter="127.0.0.1:0")
    assert server.greeting().startswith("220 ")
    for worker in server.workers:
        os.kill(worker, signal.SIGSTOP)
        assert milter_reply(server.ports["milter"]) == NEGOTIATION[:5]
        os.kill(worker, signal.SIGCONT)
    server.send()
    assert server.delivered == 1


def test_clients_that_reset_at_once_are_no_trouble(start):
    server = start(milter="127.0.0.1:0")
    for port in server.ports.values():
        for _ in range(200):
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.connect(("127.0.0.1", port))
    server.send()
    assert milter_reply(server.ports["milter"]) == NEGOTIATION[:5]
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_a_milter_alone_comes_and_goes_with_a_reload(start):
    server = start(listen=None, milter="127.0.0.1:0")
    port = server.ports["milter"]
    assert server.ports == {"milter": port}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        smtp_port = free.getsockname()[1]
    server.configure(listen=f"127.0.0.1:{smtp_port}")
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: "reloaded" in server.log.read_text())
    server.port = smtp_port
    server.send()
    assert milter_reply(port) == NEGOTIATION[:5]
    server.configure(milter=None)
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.log.read_text().count("reloaded") == 2)
    server.until(lambda: len(server.workers) == 1)
    with pytest.raises(ConnectionRefusedError):
        milter_reply(port)
    server.send()
    assert server.delivered == 2


def test_a_milter_port_in_use_refuses_a_reload_and_frees_the_other(start):
    server = start()
    with contextlib.closing(bind(Address(host="127.0.0.1", port=0))) as taken:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server.configure(listen=f"127.0.0.1:{port}", milter=str(address_of(taken)))
        server.process.send_signal(signal.SIGHUP)
        server.until(lambda: f"stay: milter: {address_of(taken)}: Address already in use" in server.log.read_text())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    server.send()


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
    monkeypatch.setattr(time, "sleep", lambda _: None)
    supervisor = Supervisor(Mock(config=Config(workers=3)), Mock(), Mock())
    supervisor._start(supervisor._generation)
    assert orders == [True, False, False]
    monkeypatch.setattr(os, "waitpid", lambda pid, _: (pid, 9) if pid <= 2 else (0, 0))
    supervisor._replace_dead()
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


def test_stop_finishes_a_mail_in_transfer(start):
    server = start(workers=2)
    idle, busy = server.client(), server.client()
    open_data(busy)
    server.process.terminate()
    assert idle.getreply()[0] == 421
    busy.send(b"Subject: wait\r\n\r\n.\r\n")
    assert busy.getreply()[0] == 250
    assert busy.getreply()[0] == 421
    assert server.process.wait(20) == 0
    assert server.delivered == 1
    with pytest.raises(ConnectionRefusedError):
        server.client()


def test_a_second_signal_stops_at_once(start):
    server = start(next_hop_timeout=300)
    busy = server.client()
    open_data(busy)
    idle = server.client()
    server.process.terminate()
    assert idle.getreply()[0] == 421
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) == 0


def test_workers_do_not_outlive_their_supervisor(start):
    server = start(workers=2)
    workers = server.workers
    server.process.kill()
    server.process.wait()

    def gone() -> bool:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    return False
        return True

    server.until(gone)


def test_memory_at_a_large_mail(start):
    server = start()
    server.send()
    (worker,) = server.workers

    def peak() -> int:
        status = Path(f"/proc/{worker}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    before, size = peak(), 40_000_000
    message = b"Subject: x\r\n\r\n" + (b"0123456789" * 7 + b"\r\n") * (size // 72)
    server.send(message)
    assert peak() - before < 3 * size


def test_port_in_use_is_one_line(tmp_path):
    with contextlib.closing(bind(Address(host="127.0.0.1", port=0))) as taken:
        address = address_of(taken)
        with pytest.raises(ConfigError, match=rf"^listen: {address}: Address already in use; [^\n]*$"):
            bind(address)


def test_an_address_of_another_machine_is_one_line():
    with pytest.raises(ConfigError, match=r"^listen: 192\.0\.2\.1:25: [^\n]*$"):
        bind(Address(host="192.0.2.1", port=25))
    with pytest.raises(ConfigError, match=r"^listen: no-such-host\.invalid:25: [^\n]*$"):
        bind(Address(host="no-such-host.invalid", port=25))


def test_ipv6():
    with contextlib.closing(bind(Address(host="::1", port=0))) as listener:
        assert str(address_of(listener)).startswith("[::1]:")


async def test_small_packets_are_sent_at_once(start_hop, start_filter, connect):
    running = await start_filter(await start_hop())
    await (await connect(running)).hello()
    (session,) = running.service._sessions
    accepted = session.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
