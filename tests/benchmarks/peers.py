"""The programs that are measured, each started on free loopback ports with folders of its own, and stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

sys.path.append(str(Path(__file__).parents[1] / "postfix"))
from conftest import Postfix

PATIENCE = 180.0  # rspamd compiles its expressions first


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int) -> None:
    """Until something accepts connections there. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


@contextlib.contextmanager
def running(
    command: list[str], port: int, log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on a port; it and its children are ended together."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    try:
        wait_for(port)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def sink(folder: Path) -> Iterator[int]:
    """Postfix's smtp-sink: takes everything, keeps nothing."""
    port = free_port()
    with running(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1024"], port, folder / "sink.log"):
        yield port


@contextlib.contextmanager
def forking_sink(folder: Path) -> Iterator[int]:
    """A sink in which no mail waits for another."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).parent / "forking_sink.py"), str(port)]
    with running(command, port, folder / "forking-sink.log"):
        yield port


def our_command(folder: Path, port: int, next_hop: int, **settings: object) -> list[str]:
    """The command that serves on a port, in front of next_hop, with DNS off and these settings."""
    config = folder / f"ours-{port}.yaml"
    base = {
        "listen": f"127.0.0.1:{port}",
        "next_hop": f"smtp://127.0.0.1:{next_hop}",
        "store": {"url": f"sqlite:///{folder}/store.sqlite", "key_file": str(folder / "key")},
        "verify_senders": False,
        "hostname": "filter.example.org",
    }
    config.write_text(yaml.safe_dump({**base, **settings}), encoding="utf-8")
    return [sys.executable, "-m", "milter", "serve", "-c", str(config), "--log-level", "warning"]


@contextlib.contextmanager
def ours(folder: Path, next_hop: int, *, port: int | None = None, **settings: object) -> Iterator[int]:
    """The filter itself, in front of next_hop and with these settings; gives its port."""
    port = port or free_port()
    command = our_command(folder, port, next_hop, **settings)
    with running(command, port, folder / f"ours-{port}.log"):
        yield port


@contextlib.contextmanager
def syslog() -> Iterator[None]:
    """Somebody who takes what is sent to syslog and forgets it, where nobody does: spampd will not run without."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        with contextlib.suppress(OSError):  # in use: there is a real one
            listener.bind(("127.0.0.1", 514))
        yield


@contextlib.contextmanager
def spampd(folder: Path, next_hop: int) -> Iterator[int]:
    """Debian's spampd with SpamAssassin and its local rules, two children for two cores."""
    port = free_port()
    # Its --homedir fails under perl's taint checks with SpamAssassin 4.0.1, so that it stays with Debian's.
    command = [
        "spampd", "--nodetach", "--logsock=inet", f"--host=127.0.0.1:{port}", f"--relayhost=127.0.0.1:{next_hop}",
        "--children=2", "--user=nobody", "--group=nogroup", "--local-only", f"--pid={folder}/spampd.pid",
        "--maxrequests=10000",
    ]  # fmt: skip
    with syslog(), running(command, port, folder / "spampd.log"):
        yield port


class Rspamd(NamedTuple):
    """The ports of a running rspamd."""

    http: int
    milter: int


@contextlib.contextmanager
def rspamd(folder: Path) -> Iterator[Rspamd]:
    """Debian's rspamd with its shipped rules, two workers for each port, no DNS, no Redis."""
    port, milter_port, control = free_port(), free_port(), free_port()
    local = folder / "rspamd" / "local.d"
    local.mkdir(parents=True, exist_ok=True)
    state = folder / "rspamd" / "state"
    state.mkdir(exist_ok=True)
    (local / "worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{port}"; count = 2;\n')
    (local / "worker-proxy.inc").write_text(
        f'bind_socket = "127.0.0.1:{milter_port}"; count = 2; upstream "local" {{ default = yes; self_scan = yes; }}\n'
    )
    (local / "worker-controller.inc").write_text(f'bind_socket = "127.0.0.1:{control}"; count = 1;\n')
    (local / "worker-fuzzy.inc").write_text("enabled = false;\n")
    (local / "dkim_signing.conf").write_text("enabled = false;\n")
    (local / "logging.inc").write_text('type = "console"; level = "error";\n')
    (local / "options.inc").write_text(
        f'dns {{ nameserver = ["127.0.0.1:{free_port()}"]; timeout = 0.01s; retransmits = 1; }}\n'
        "disable_monitoring = true; local_addrs = [];\n"
    )
    for path in (folder, folder / "rspamd", state):
        shutil.chown(path, "_rspamd")
    command = [
        "rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", f"--var=LOCAL_CONFDIR={folder / 'rspamd'}",
        f"--var=DBDIR={state}", f"--var=RUNDIR={state}",
    ]  # fmt: skip
    with running(command, port, folder / "rspamd.log"):
        wait_for(milter_port)
        yield Rspamd(port, milter_port)


@contextlib.contextmanager
def postfix(layout: str) -> Iterator[Postfix]:
    """A Postfix of its own with a lay-out of postfix-config, as the tests start it."""
    server = Postfix(layout)
    try:
        server.configure()
        server.start()
        yield server
    finally:
        server.remove()


def missing(*programs: str) -> list[str]:
    """Those programs that are not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin"
    return [program for program in programs if shutil.which(program, path=path) is None]
