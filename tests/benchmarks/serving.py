#!/usr/bin/env python3
"""The server as a whole: memory by mail size, time until it is ready, and quick mails beside a slow one.

usage: tests/benchmarks/serving.py [--quick]

The filter runs as users run it, with one worker and DNS off, in front of Postfix's smtp-sink; quick mails beside slow
ones go to a sink with a process for each connection, since smtp-sink lets them wait for each other.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import smtplib
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from mails import MIX, ham, with_attachment
from peers import forking_sink, free_port, our_command, ours, running, sink
from report import Table

LARGE = 25 * 2**20
SENDER, RECIPIENT = "paul@example.net", "anna@example.org"
PACE = 0.020  # seconds from one quick mail to the next
os.environ["PATH"] += ":/usr/sbin"


def send(port: int, file: Path, count: int = 1, sessions: int = 1) -> None:
    """Mails by smtp-source, which takes next to no time of its own."""
    subprocess.run(
        ["smtp-source", "-s", str(sessions), "-m", str(count), "-F", str(file), "-f", SENDER, "-t", RECIPIENT,
         f"127.0.0.1:{port}"],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip


def stored(folder: Path, name: str, mail: bytes) -> Path:
    """A file as smtp-source wants it."""
    file = folder / name
    file.write_bytes(mail.replace(b"\r\n", b"\n"))
    return file


# --- memory ----------------------------------------------------------------------------------------------------


def worker_of(supervisor: int) -> int:
    """The process id of its only child, once there is one. Raises TimeoutError."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if found := children.read_text().split():
            time.sleep(0.5)  # until it has started
            return int(found[0])
        time.sleep(0.05)
    raise TimeoutError(f"process {supervisor} has no child")


def status(process: int, field: str) -> float:
    """A field of /proc/PID/status, in MB."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found, f"no {field} for process {process}"
    return int(found[1]) / 1024


def memory(folder: Path) -> Table:
    """Resident memory of a fresh worker at rest and at work; the peak of one worker for each kind of large mail."""
    files = [stored(folder, f"{kind.__name__}-small.eml", kind(4096)) for kind, _ in MIX]
    large = {"text": ham(LARGE), "an attachment": with_attachment(LARGE)}
    cells = []
    with sink(folder) as end:
        for kind, mail in large.items():
            port = free_port()
            file = stored(folder, "large.eml", mail)
            command = our_command(folder, port, end, workers=1, cache_dir=str(folder / "cache"))
            with running(command, port, folder / "memory.log"):
                pass  # compiles the rules, which takes memory of its own
            with running(command, port, folder / "memory.log") as process:
                worker = worker_of(process.pid)
                idle = status(worker, "VmRSS")
                for small in files:
                    send(port, small, 300, 8)
                usual = status(worker, "VmHWM")
                send(port, file)
                peak, size = status(worker, "VmHWM"), file.stat().st_size / 2**20
            cells.append([f"25 MB of {kind}" if kind == "text" else f"25 MB with {kind}"]
                         + [f"{mb:,.0f}" for mb in (idle, usual, peak)] + [f"{(peak - usual) / size:.2f}"])  # fmt: skip
    header = ["resident memory of a worker, MB", "at rest", "peak at 4 KB mails", "peak at the large mail",
              "growth by its size"]  # fmt: skip
    return Table(header, cells)


# --- start -----------------------------------------------------------------------------------------------------


def start_time(command: list[str]) -> float:
    """Seconds from the call until the server says that it listens. Raises RuntimeError if it ends instead."""
    began = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            for line in process.stderr:
                if line.startswith("listening on"):
                    return time.perf_counter() - began
        finally:
            process.terminate()
    raise RuntimeError(f"{command} ended with {process.returncode} and never listened")


def starts(folder: Path, cold_rounds: int, warm_rounds: int) -> Table:
    """Ready after start: with no compiled rules on disk, and with them."""
    port = free_port()

    def seconds(cache: str) -> float:
        return start_time(our_command(folder, port, free_port(), workers="auto", cache_dir=str(folder / cache)))

    cold = [seconds(f"cache-{turn}") for turn in range(cold_rounds)]
    warm = [seconds("cache-0") for _ in range(warm_rounds)]
    rows = [
        [name, f"{statistics.median(times):.2f}", f"{max(times):.2f}", str(len(times))]
        for name, times in (("empty", cold), ("filled", warm))
    ]
    return Table(["cache of compiled rules", "ready after, s: median", "longest", "starts"], rows)


# --- a slow mail and quick ones --------------------------------------------------------------------------------


@contextlib.contextmanager
def stream(port: int, file: Path) -> Iterator[list[float]]:
    """The same mail again and again inside the block; seconds that each took."""
    stop, took = threading.Event(), []

    def run() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            send(port, file)
            took.append(time.perf_counter() - began)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


def delays(port: int, mail: bytes, count: int) -> list[float]:
    """Seconds that each of these mails took from the connection to its end, one begun every PACE seconds."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        with smtplib.SMTP("127.0.0.1", port, local_hostname="mx.example.net") as client:
            client.sendmail(SENDER, [RECIPIENT], mail)
        found.append(time.perf_counter() - began)
        time.sleep(max(0.0, PACE - found[-1]))
    return found


def beside(folder: Path, count: int) -> Table:
    """Delays of 4 KB mails alone and beside a stream of 25 MB mails."""
    small = ham(4096)
    streams = {
        "text": stored(folder, "text.eml", ham(LARGE)),
        "attachment": stored(folder, "attachment.eml", with_attachment(LARGE)),
    }
    rows = []
    with forking_sink(folder) as end, ours(folder, end) as port:
        delays(port, small, 20)
        rows.append(_delay_row("nothing", delays(port, small, count), []))
        for kind, file in streams.items():
            with stream(port, file) as took:
                found = delays(port, small, count)
            rows.append(_delay_row(f"25 MB mails ({kind}), one after the other", found, took))
    header = ["4 KB mails beside", "ms: median", "99 %", "longest", "large mails meanwhile", "ms for each"]
    return Table(header, rows)


def _delay_row(name: str, small: list[float], large: list[float]) -> list[str]:
    ordered = sorted(small)
    figures = (statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1])
    each = f"{statistics.median(large) * 1e3:,.0f}" if large else ""
    return [name, *(f"{seconds * 1e3:,.1f}" for seconds in figures), str(len(large)), each]


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Memory, start, and quick mails beside slow ones.")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="blackmail-filter-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        print(memory(folder), end="\n\n")
        print(starts(folder, 1 if quick else 3, 3 if quick else 7), end="\n\n")
        print(beside(folder, 50 if quick else 300))


if __name__ == "__main__":
    main()
