"""Verdicts as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from milter.frontends.scan import Record
from milter.reason import sentence

STYLES = {"accept": "green", "tag": "yellow", "quarantine": "red", "reject": "red"}


def print_table(records: Iterable[Record], *, show_all: bool) -> None:
    """Print flagged and unreadable mails (all of them if asked), then a count."""
    console = Console(highlight=False)
    counts: Counter[str] = Counter()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("verdict", "score", "kind", "mail", "why"):
        table.add_column(name, justify="right" if name == "score" else "left", overflow="fold")
    for record in records:
        counts[record.verdict.action if record.verdict else "unreadable"] += 1
        if show_all or record.verdict is None or record.verdict.flagged:
            table.add_row(*_row(record))
    if table.row_count:
        console.print(table)
    console.print(_summary(counts))


def _row(record: Record) -> tuple[str, str, str, str, str]:
    name = escape(record.path) + (f" #{record.index}" if record.index else "")
    if record.verdict is None:
        return "[red]unreadable[/]", "", "", name, escape(record.error or "")
    v = record.verdict
    style = STYLES[v.action]
    return f"[{style}]{v.action}[/]", f"{v.score:.1f}", v.kind or "" if v.flagged else "", name, escape(sentence(v))


def _summary(counts: Counter[str]) -> str:
    total = sum(counts.values())
    flagged = total - counts["accept"] - counts["unreadable"]
    parts = [f"{total:,} {'mail' if total == 1 else 'mails'}", f"{flagged:,} flagged"]
    if counts["quarantine"]:
        parts.append(f"{counts['quarantine']:,} of them for quarantine")
    if counts["unreadable"]:
        parts.append(f"{counts['unreadable']:,} unreadable")
    return ", ".join(parts)
