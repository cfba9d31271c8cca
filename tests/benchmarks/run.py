#!/usr/bin/env python3
"""All benchmarks in one go: fills the tables of docs/performance.md and draws docs/plots.

usage: tests/benchmarks/run.py [--quick] [--only NAME …] [--rounds N] [--messages N]

--quick shows that all of it works and writes nothing into docs. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import serving
import stages
import throughput
from peers import missing
from report import fill

from milter.engine.cache import load_rules, rule_paths

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCUMENT = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "plots"


def said(*command: str) -> str:
    """The first line that a program prints, "missing" where it is not installed."""
    if missing(command[0]):
        return "missing"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def version(*command: str) -> str:
    """The version number in what a program says about itself."""
    found = re.search(r"\d+(?:\.\d+)+", line := said(*command))
    return found[0] if found else line


def conditions() -> str:
    """When, where, and with which versions."""
    processor = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": said("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "processor": f"{processor[1] if processor else platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
        f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "load average before the run": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in ("hyperscan", "uvloop", "aiosmtpd", "selectolax")},
        "rspamd": version("rspamd", "--version"),
        "SpamAssassin": version("spamassassin", "--version"),
        "spampd": version("spampd", "--version"),
        "Postfix": version("postconf", "mail_version"),
    }
    return "\n".join(f"- {name}: {value}" for name, value in lines.items())


class Benchmarks:
    """One method for each part; each gives its sections of the document."""

    def __init__(self, *, quick: bool, rounds: int, messages: int) -> None:
        self.quick = quick
        self.rounds = rounds
        self.messages = messages
        self.runs = 30 if quick else 300

    def stages(self) -> dict[str, str]:
        """One mail inside one process."""
        found = load_rules(rule_paths([], shipped=True))
        costs = {name: stages.stages(raw, found, self.runs) for name, raw in stages.MAILS.items()}
        rules, by_rules = stages.by_rules(self.runs)
        sizes, by_size = stages.by_size(found, 3 if self.quick else 15, 6 if self.quick else stages.DOUBLINGS)
        if not self.quick:
            import plots  # noqa: PLC0415  a short run does without matplotlib

            plots.rules(by_rules, PLOTS / "rules.svg")
            plots.sizes(by_size, PLOTS / "size.svg")
        return {
            "stages": str(stages.stage_table(costs)),
            "rules": str(rules),
            "engines": str(stages.engines(self.runs)),
            "sizes": str(sizes),
        }

    def serving(self) -> dict[str, str]:
        """The server: memory, start, a slow mail."""
        with tempfile.TemporaryDirectory(prefix="blackmail-filter-benchmark-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            return {
                "memory": str(serving.memory(folder)),
                "starts": str(serving.starts(folder, *((1, 2) if self.quick else (3, 7)))),
                "beside": str(serving.beside(folder, 40 if self.quick else 300)),
            }

    def throughput(self) -> dict[str, str]:
        """All programs side by side."""
        with tempfile.TemporaryDirectory(prefix="blackmail-filter-benchmark-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            results = throughput.measured(1 if self.quick else self.rounds, self.messages, folder)
        if not self.quick:
            import plots  # noqa: PLC0415  a short run does without matplotlib

            plots.throughput(results, PLOTS / "throughput.svg")
        absent = [f"Missing, not measured: {program}." for program in missing(*throughput.NEEDED)]
        return {"throughput": "\n\n".join([*absent, *map(str, throughput.tables(results))])}

    def authentication(self) -> dict[str, str]:
        """Small signed mails beside large ones."""
        return {"authentication": printed("authentication.py", "2" if self.quick else "7")}

    def postfix_milter(self) -> dict[str, str]:
        """Postfix with milters."""
        if not (HERE / "postfix_milter.py").exists():
            return {"postfix-milter": "Not measured in this run."}
        return {"postfix-milter": printed("postfix_milter.py", *(["--quick"] if self.quick else []))}


def printed(script: str, *arguments: str) -> str:
    """What a benchmark of its own prints; its exit code says whether a limit was kept."""
    done = subprocess.run([sys.executable, str(HERE / script), *arguments], capture_output=True, text=True, check=False)
    output = done.stdout.rstrip() + (
        f"\n(exit code {done.returncode}) {done.stderr.strip()[-500:]}" if done.returncode else ""
    )
    return output if output.startswith("|") else f"```\n{output}\n```"


PARTS: dict[str, Callable[[Benchmarks], dict[str, str]]] = {
    "stages": Benchmarks.stages,
    "serving": Benchmarks.serving,
    "authentication": Benchmarks.authentication,
    "throughput": Benchmarks.throughput,
    "postfix_milter": Benchmarks.postfix_milter,
}


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="All benchmarks.")
    parser.add_argument("--quick", action="store_true", help="a short run that writes nothing")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    parser.add_argument("--rounds", type=int, default=5, help="of the comparison")
    parser.add_argument("--messages", type=int, default=1000, help="of 4 KB in each round; slow programs get fewer")
    options = parser.parse_args()
    benchmarks = Benchmarks(
        quick=options.quick, rounds=options.rounds, messages=100 if options.quick else options.messages
    )
    write({"conditions": conditions()}, options.quick)
    for name in options.only:
        began = time.monotonic()
        write(PARTS[name](benchmarks), options.quick)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def write(sections: dict[str, str], quick: bool) -> None:
    """Print sections, and put them into the document unless the run is a short one."""
    for section, content in sections.items():
        print(f"\n{section}\n\n{content}", flush=True)
        if not quick:
            fill(DOCUMENT, section, content)


if __name__ == "__main__":
    main()
