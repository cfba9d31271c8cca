#!/usr/bin/env python3
"""Messages a second through the filter and its peers, side by side in one run.

usage: tests/benchmarks/throughput.py [--rounds N] [--messages N] [--json FILE]

Load: Postfix's smtp-source; end: Postfix's smtp-sink; all on loopback. Mails of 4 KB and 50 KB, 68 % plain, 30 % HTML,
2 % blackmail; 1, 8 and 32 sessions; a new connection for each mail. Rounds are interleaved, medians are shown,
and ratios to each program, since only ratios within one run mean anything on a shared machine.
Postfix stands alone and before ours as documented (postfix-config before-queue), and delivers into a Maildir.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mails import MIX
from peers import missing, ours, postfix, rspamd, sink, spampd
from report import Table

SIZES = {"4 KB": 4_096, "50 KB": 51_200}
SESSIONS = (1, 8, 32)
# Slow programs get fewer mails, so that a run ends; messages a second do not depend on it.
SLOW = {
    "spampd + SpamAssassin": 0.02,
    "rspamd /checkv2": 0.5,
    "Postfix alone, to disk": 0.3,
    "Postfix before-queue with ours, to disk": 0.3,
}
FEWEST = 3  # one of each kind
LARGE_SHARE = 0.4  # of the number of mails, where they are of 50 KB
NEEDED = ("smtp-source", "smtp-sink", "rspamd", "spampd", "postfix")
OURS = "ours, workers auto"
os.environ["PATH"] += ":/usr/sbin"

CHECK = b"POST /checkv2 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nIP: 192.0.2.1\r\nContent-Length: %d\r\n\r\n"
Results = dict[str, dict[str, list[float]]]  # program → "size, sessions" → messages a second of each round


def smtp_load(port: int, files: dict[str, Path], sessions: int, count: int) -> float:
    """Messages a second by smtp-source, one kind of mail after the other in the proportions of the mix."""
    sent, seconds = 0, 0.0
    for kind, share in MIX:
        part = max(round(count * share), 1)
        started = time.perf_counter()
        subprocess.run(
            ["smtp-source", "-s", str(min(sessions, part)), "-m", str(part), "-F", str(files[kind.__name__]),
             "-f", "paul@example.net", "-t", "b@example.org", f"127.0.0.1:{port}"],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
        seconds += time.perf_counter() - started
        sent += part
    return sent / seconds


def http_load(port: int, files: dict[str, Path], sessions: int, count: int) -> float:
    """Messages a second by POST /checkv2 over connections that are kept."""
    mails = [files[kind.__name__].read_bytes() for kind, share in MIX for _ in range(max(round(count * share), 1))]

    async def client(queue: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while queue:
            mail = queue.pop()
            writer.write(CHECK % len(mail) + mail)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line[15:]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            if b"connection: close" in answer.lower():
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    async def run() -> float:
        queue = list(mails)
        started = time.perf_counter()
        await asyncio.gather(*(client(queue) for _ in range(sessions)))
        return len(mails) / (time.perf_counter() - started)

    return asyncio.run(run())


def programs(stack: contextlib.ExitStack, folder: Path) -> dict[str, Callable[..., float]]:
    """Everything that is installed, started; each with what loads it."""

    def by_smtp(port: int) -> Callable[..., float]:
        return lambda files, sessions, count: smtp_load(port, files, sessions, count)

    end = stack.enter_context(sink(folder))
    found = {
        "direct (source to sink)": by_smtp(end),
        "ours, inspection off, 1 worker": by_smtp(stack.enter_context(ours(folder, end, inspect=False))),
        "ours, inspection off, workers auto": by_smtp(
            stack.enter_context(ours(folder, end, inspect=False, workers="auto"))
        ),
        "ours, 1 worker": by_smtp(stack.enter_context(ours(folder, end))),
        OURS: by_smtp(stack.enter_context(ours(folder, end, workers="auto"))),
    }
    if not missing("rspamd"):
        port = stack.enter_context(rspamd(folder)).http
        found["rspamd /checkv2"] = lambda files, sessions, count: http_load(port, files, sessions, count)
    if not missing("spampd"):
        found["spampd + SpamAssassin"] = by_smtp(stack.enter_context(spampd(folder, end)))
    if not missing("postfix"):
        server = stack.enter_context(postfix("before-queue"))
        stack.enter_context(ours(folder, server.back, workers="auto", port=server.filter))

        def by_postfix(port: int) -> Callable[..., float]:
            def load(files: dict[str, Path], sessions: int, count: int) -> float:
                speed = smtp_load(port, files, sessions, count)
                while server.queue:
                    time.sleep(0.1)  # what is still delivered would slow the next program
                return speed

            return load

        found["Postfix alone, to disk"] = by_postfix(server.back)
        found["Postfix before-queue with ours, to disk"] = by_postfix(server.front)
    return found


def mail_files(folder: Path, size: int) -> dict[str, Path]:
    """One mail of each kind, as smtp-source wants it."""
    files = {}
    for kind, _ in MIX:
        files[kind.__name__] = folder / f"{kind.__name__}-{size}.eml"
        files[kind.__name__].write_bytes(kind(size).replace(b"\r\n", b"\n"))
    return files


def measured(rounds: int, messages: int, folder: Path) -> Results:
    """Medians need at least 5 rounds; a short run has fewer."""
    results: Results = {}
    with contextlib.ExitStack() as stack:
        running = programs(stack, folder)
        for size_name, size in SIZES.items():
            files = mail_files(folder, size)
            share = LARGE_SHARE if size > 10_000 else 1.0
            for _ in range(rounds):
                for sessions in SESSIONS:
                    for name, load in running.items():
                        count = max(int(messages * share * SLOW.get(name, 1.0)), FEWEST)
                        speed = load(files, sessions, count)
                        results.setdefault(name, {}).setdefault(f"{size_name}, {sessions}", []).append(speed)
    return results


def tables(results: Results) -> tuple[Table, Table]:
    """Medians, and what ours is to each of the others: the median of the rounds' ratios."""
    columns = [f"{size}, {sessions}" for size in SIZES for sessions in SESSIONS]
    speeds = [[name, *(f"{statistics.median(found[c]):,.0f}" for c in columns)] for name, found in results.items()]
    ratios = [
        [name, *(f"{_ratio(results[OURS][c], found[c]):.2f}" for c in columns)]
        for name, found in results.items()
        if name != OURS
    ]
    return Table(["messages a second (size, sessions)", *columns], speeds), Table([f"{OURS}, to", *columns], ratios)


def _ratio(mine: list[float], others: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, others, strict=True))


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Messages a second, side by side.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for program in missing(*NEEDED):
        print(f"missing, not measured: {program}")
    with tempfile.TemporaryDirectory(prefix="blackmail-filter-benchmark-") as folder:
        Path(folder).chmod(0o755)
        results = measured(options.rounds, options.messages, Path(folder))
    for table in tables(results):
        print(table, end="\n\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
