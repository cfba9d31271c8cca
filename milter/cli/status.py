"""`status`: is the server up, and what is wrong with it, in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import click

from milter.cli.moments import age, local
from milter.cli.options import config_option, load_config
from milter.config import Address, Config
from milter.frontends.health import Health
from milter.frontends.sockets import addresses

# Seconds: the server itself asks its listeners, its next hops and its store before it answers.
PATIENCE = 30.0
LABEL = 12


@click.command("status")
@config_option
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def command(config_path: Path | None, output: str) -> None:
    """Say whether the server of a configuration is up and what is wrong with it.

    With metrics.listen the server tells of its workers and mails, too. Exit code 1: something is wrong.
    """
    report = ask(load_config(config_path))
    if output == "json":
        click.echo(json.dumps(report))
    else:
        for line in lines(report, datetime.now(UTC)):
            click.echo(line)
    if report["troubles"]:
        sys.exit(1)


def ask(config: Config) -> dict[str, Any]:
    """What the server says of itself; if it cannot be asked, what can be seen from here."""
    trouble = ""
    if config.metrics.listen:
        try:
            return {"up": True, **_asked(config.metrics.listen)}
        except (URLError, OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            what = getattr(reason, "strerror", None) or str(reason)
            trouble = f"metrics on {config.metrics.listen} does not answer: {what}."
    # The kernel chose a port for 0, and nobody knows it here.
    known = {
        name: address
        for name, address in addresses(config).items()
        if not (isinstance(address, Address) and address.port == 0)
    }
    report = Health(config, known).report()
    up = any(not listener["trouble"] for listener in report["listeners"].values())
    troubles = [trouble, *report["troubles"]] if trouble else report["troubles"]
    return {"up": up, **report, "troubles": troubles}


def _asked(address: Address) -> dict[str, Any]:
    with build_opener(ProxyHandler({})).open(f"http://{address.reached_at}/status", timeout=PATIENCE) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found


def lines(report: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """The report for people."""
    yield _headline(report, now)
    if "workers" in report:
        workers = report["workers"]
        again = f", {workers['restarts']} replaced since the start" if workers["restarts"] else ""
        yield _line("workers", f"{workers['running']} of {workers['wanted']}{again}")
        yield _line("settings", f"read anew {_time(report['reloaded'])}" if report["reloaded"] else "as at the start")
    for name, listener in report["listeners"].items():
        yield _line(name, f"{listener['address']}  {listener['trouble'] or 'ok'}")
    for name, hop in report["next_hops"].items():
        yield _line("next hop", f"{name}  {hop['trouble'] or 'ok'}")
    if "mails" in report:
        yield _line("mails", _mails(report))
    yield _line("quarantine", _quarantine(report["quarantine"], now))
    for trouble in report["troubles"]:
        yield f"TROUBLE: {trouble}"
    if not report["troubles"]:
        yield "Nothing is wrong."


def _headline(report: Mapping[str, Any], now: datetime) -> str:
    if "started" not in report:
        return f"blackmail-filter {'answers' if report['up'] else 'does not answer'}"
    started = datetime.fromisoformat(report["started"])
    return (
        f"blackmail-filter {report['version']} is up since {local(started)} ({age(started, now)}),"
        f" process {report['pid']}"
    )


def _mails(report: Mapping[str, Any]) -> str:
    counts = {fate: count for fate, count in report["mails"].items() if count}
    parts = [f"{count:,} {fate}" for fate, count in counts.items()]
    text = f"{sum(counts.values()):,} since the start" + (f": {', '.join(parts)}" if parts else "")
    return text + (f"; the scanner failed on {report['faults']:,}" if report["faults"] else "")


def _quarantine(kept: Mapping[str, Any], now: datetime) -> str:
    if "trouble" in kept:
        return "unknown"
    if not kept["mails"]:
        return "empty"
    oldest = age(datetime.fromisoformat(kept["oldest"]), now)
    mails = "1 mail" if kept["mails"] == 1 else f"{kept['mails']:,} mails"
    asked = f", {kept['requested']:,} asked for by recipients" if kept["requested"] else ""
    return f"{mails}, {kept['bytes'] / 1e6:,.1f} MB, the oldest {oldest} old{asked}"


def _line(label: str, text: str) -> str:
    return f"{label:<{LABEL}}{text}"


def _time(text: str) -> str:
    return local(datetime.fromisoformat(text))
