#!/usr/bin/env python3
"""Messages a second through the filter and its peers, side by side in one run.

usage: tests/benchmarks/throughput.py [--rounds N] [--messages N] [--json FILE]

Load: Postfix's smtp-source; end: Postfix's smtp-sink; all on loopback. Mails of 4 KB and 50 KB, 68 % plain, 30 % HTML,
2 % blackmail; 1, 8 and 32 sessions; a new connection for each mail. Rounds are interleaved, medians are shown,
and ratios to each program, since only ratios within one run mean anything on a shared machine.
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
from peers import missing, ours, rspamd, sink, spampd

SIZES = {"4 KB": 4_096, "50 KB": 51_200}
SESSIONS = (1, 8, 32)
# Slow programs get fewer mails, so that a run ends; messages a second do not depend on it.
SLOW = {"spampd + SpamAssassin": 0.02}
os.environ["PATH"] += ":/usr/sbin"

CHECK = b"POST /checkv2 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nIP: 192.0.2.1\r\nContent-Length: %d\r\n\r\n"
Load = Callable[[int, dict[str, Path], int], float]


def smtp_load(port: int, files: dict[str, Path], sessions: int, count: int) -> float:
    """Messages a second by smtp-source, one kind of mail after the other in the proportions of the mix."""
    sent, seconds = 0, 0.0
    for kind, share in MIX:
        part = max(round(count * share), 1)
        started = time.perf_counter()
        subprocess.run(
            ["smtp-source", "-s", str(min(sessions, part)), "-m", str(part), "-F", str(files[kind.__name__]),
             "-f", "paul@example.net", "-t", "anna@example.org", f"127.0.0.1:{port}"],
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


def measured(options: argparse.Namespace, folder: Path) -> dict[str, dict[str, list[float]]]:
    """program → "size, sessions" → messages a second of each round."""
    results: dict[str, dict[str, list[float]]] = {}
    with contextlib.ExitStack() as stack:
        end = stack.enter_context(sink(folder))
        programs: dict[str, tuple[Callable[..., float], int]] = {
            "direct (source to sink)": (smtp_load, end),
            "ours, inspection off": (smtp_load, stack.enter_context(ours(folder, end, inspect=False))),
            "ours, inspection off, workers auto": (
                smtp_load, stack.enter_context(ours(folder, end, inspect=False, workers="auto"))),
            "ours, 1 worker": (smtp_load, stack.enter_context(ours(folder, end))),
            "ours, workers auto": (smtp_load, stack.enter_context(ours(folder, end, workers="auto"))),
        }  # fmt: skip
        if not missing("rspamd"):
            programs["rspamd /checkv2"] = (http_load, stack.enter_context(rspamd(folder)))
        if not missing("spampd"):
            programs["spampd + SpamAssassin"] = (smtp_load, stack.enter_context(spampd(folder, end)))
        for size_name, size in SIZES.items():
            files = {}
            for kind, _ in MIX:
                files[kind.__name__] = folder / f"{kind.__name__}-{size}.eml"
                files[kind.__name__].write_bytes(kind(size).replace(b"\r\n", b"\n"))
            for _ in range(options.rounds):
                for sessions in SESSIONS:
                    for name, (load, port) in programs.items():
                        count = max(int(options.messages * SLOW.get(name, 1.0)), 10)
                        speed = load(port, files, sessions, count)
                        results.setdefault(name, {}).setdefault(f"{size_name}, {sessions}", []).append(speed)
    return results


def table(results: dict[str, dict[str, list[float]]]) -> str:
    """Medians, and ratios to rspamd and to the direct way."""
    columns = [f"{size}, {sessions}" for size in SIZES for sessions in SESSIONS]
    medians = {name: {c: statistics.median(found[c]) for c in columns} for name, found in results.items()}
    lines = ["| messages a second (size, sessions) | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(f"{m[c]:,.0f}" for c in columns) + " |" for name, m in medians.items()]
    mine = medians["ours, workers auto"]
    for name in medians:
        if name != "ours, workers auto":
            ratios = " | ".join(f"{mine[c] / medians[name][c]:.2f} ×" for c in columns)
            lines.append(f"| *ours, workers auto / {name}* | {ratios} |")
    return "\n".join(lines)


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Messages a second, side by side.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    absent = missing("smtp-source", "smtp-sink", "rspamd", "spampd")
    for program in absent:
        print(f"missing, not measured: {program}")
    with tempfile.TemporaryDirectory(prefix="blackmail-filter-benchmark-") as folder:
        Path(folder).chmod(0o755)
        results = measured(options, Path(folder))
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
