"""What systemd hears of a server, over a real socket of the kind that systemd opens."""

import os
import socket
import subprocess
import sys
import time

import pytest

from milter.frontends.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """Where systemd would listen, and the name that it would give to us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = f"{tmp_path}/notify" if request.param == "path" else f"@blackmail-filter-test-{os.getpid()}"
        listener.bind(name.replace("@", "\0"))
        listener.settimeout(30)
        yield listener, name


def heard(listener) -> dict[str, str]:
    return dict(line.split("=", 1) for line in listener.recv(4096).decode().splitlines())


def heard_until(listener, name: str) -> list[dict[str, str]]:
    """All messages up to one that has this name in it."""
    messages = [heard(listener)]
    while name not in messages[-1]:
        messages.append(heard(listener))
    return messages


def test_a_life_of_a_server(start, manager):
    listener, name = manager
    server = start(environ={"NOTIFY_SOCKET": name}, workers=2)
    assert heard(listener) == {"READY": "1", "STATUS": f"2 workers on 127.0.0.1:{server.port}"}
    before = time.monotonic_ns() // 1000
    server.reload(workers=1)
    message = heard(listener)
    assert message["RELOADING"] == "1"
    assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert heard(listener) == {"READY": "1", "STATUS": f"1 workers on 127.0.0.1:{server.port}"}
    server.reload(own_domains=["broken.test"])
    assert heard(listener)["RELOADING"] == "1"
    refused = "reload refused, the old settings stay: rules.yaml:3: broken"
    assert heard(listener) == {"READY": "1", "STATUS": refused}
    assert server.stop() == 0
    message = heard(listener)
    assert message["STOPPING"] == "1"
    assert int(message["EXTEND_TIMEOUT_USEC"]) > server.settings["stop_timeout"] * 1_000_000


def test_signs_of_life_come_while_all_workers_live(start, manager):
    listener, name = manager
    start(environ={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"})
    heard_until(listener, "READY")
    times = []
    for _ in range(5):
        assert heard(listener) == {"WATCHDOG": "1"}
        times.append(time.monotonic())
    assert times[-1] - times[0] > 0.3


def test_a_watchdog_of_another_process_is_not_ours(manager):
    listener, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1", "WATCHDOG_PID": str(os.getpid() + 1)})
    notifier("alive")
    notifier("ready", "a line\nand another=1")
    assert heard(listener) == {"READY": "1", "STATUS": "a line and another=1"}


def test_a_manager_that_is_gone_stops_nothing(tmp_path, caplog):
    Notifier({"NOTIFY_SOCKET": f"{tmp_path}/gone"})("ready", "fine")
    assert "systemd cannot be told: No such file or directory" in caplog.text


def test_nothing_of_systemd_is_loaded_without_it():
    script = (
        "import sys, milter.cli.serve\n"
        "sys.exit(sorted({'milter.frontends.notify', 'milter.frontends.activation'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
