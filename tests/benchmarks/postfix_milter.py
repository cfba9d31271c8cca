#!/usr/bin/env python3
"""Messages a second that one Postfix takes with no milter, with ours and with rspamd's, side by side in one run.

usage: tests/benchmarks/postfix_milter.py [--quick] [--rounds N] [--messages N]

Load: Postfix's smtp-source, 8 sessions, 4 KB mails, a new connection for each; end: Postfix's smtp-sink. Postfix stands
as documented (postfix-config milter) and asks on each of its ports another milter; both have a worker for each core.
Rounds are interleaved; speeds are medians, ratios are medians of each round's ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from pathlib import Path

from peers import Postfix, free_port, missing, ours, postfix, rspamd, sink, wait_for
from report import Table
from throughput import mail_files, smtp_load

NEEDED = ("smtp-source", "smtp-sink", "postfix", "rspamd")
SESSIONS = 8
SIZE = 4_096
NONE, OURS, RSPAMD = "Postfix, no milter", "Postfix, our milter", "Postfix, rspamd's milter"
Results = dict[str, list[float]]  # milter → messages a second of each round
os.environ["PATH"] += ":/usr/sbin"


def ports(server: Postfix, end: int, rspamd_port: int | None) -> dict[str, int]:
    """Let Postfix send all mail to the sink and ask other milters on further ports; milter → port."""
    milters = {NONE: ""} | ({RSPAMD: f"inet:127.0.0.1:{rspamd_port}"} if rspamd_port else {})
    further = {name: free_port() for name in milters}
    config = server.folder / "config"
    with (config / "main.cf").open("a") as main:
        main.write(f"virtual_transport = smtp:[127.0.0.1]:{end}\n")
    with (config / "master.cf").open("a") as master:
        for name, port in further.items():
            master.write(f"\n127.0.0.1:{port} inet n - n - - smtpd\n    -o smtpd_milters={milters[name]}\n")
    server.command("postfix", "reload")
    for port in further.values():
        wait_for(port)
    return {OURS: server.front} | further


def load(server: Postfix, port: int, files: dict[str, Path], count: int) -> float:
    """Messages a second that Postfix takes; what is still to be delivered then would slow the next ones."""
    speed = smtp_load(port, files, SESSIONS, count)
    while server.queue:
        time.sleep(0.1)
    return speed


def measured(rounds: int, messages: int, folder: Path) -> Results:
    """Medians need at least 5 rounds; a short run has fewer."""
    results: Results = {}
    with contextlib.ExitStack() as stack:
        end = stack.enter_context(sink(folder))
        other = None if missing("rspamd") else stack.enter_context(rspamd(folder)).milter
        server = stack.enter_context(postfix("milter"))
        stack.enter_context(ours(folder, end, workers="auto", milter=f"127.0.0.1:{server.filter}"))
        files = mail_files(folder, SIZE)
        asked = ports(server, end, other)
        for port in asked.values():
            load(server, port, files, SESSIONS)
        for turn in range(rounds):
            # Nobody is always the one behind another one's deliveries.
            names = list(asked)[turn % len(asked) :] + list(asked)[: turn % len(asked)]
            for name in names:
                results.setdefault(name, []).append(load(server, asked[name], files, messages))
    return results


def table(results: Results) -> Table:
    """Speeds, and what ours is to each of the others."""
    rows = [
        [
            name,
            f"{statistics.median(speeds):,.0f}",
            f"{statistics.median(a / b for a, b in zip(results[OURS], speeds, strict=True)):.2f}",
        ]
        for name, speeds in results.items()
    ]
    return Table([f"{SESSIONS} sessions, 4 KB", "messages a second", "our milter, to"], rows)


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Postfix with milters, side by side.")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="blackmail-filter-benchmark-") as folder:
        Path(folder).chmod(0o755)
        rounds, messages = (1, 50) if options.quick else (options.rounds, options.messages)
        print(table(measured(rounds, messages, Path(folder))))
    for program in missing(*NEEDED):
        print(f"\nMissing, not measured: {program}.")


if __name__ == "__main__":
    main()
