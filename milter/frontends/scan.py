"""Mails from files: .eml, .txt, mbox, Maildir, folders and standard input, judged on all cores."""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from milter.inspector import Judge
from milter.model import Envelope, Verdict

SUFFIXES = {".eml", ".txt", ".mbox", ".mbx", ".msg", ""}
MBOX_FROM = re.compile(rb"^From [^\n]*\n", re.MULTILINE)
# Files a task: enough that handing over costs nothing, few enough that all cores end together.
CHUNK = 16


@dataclass(frozen=True, slots=True)
class Item:
    """One mail to read: a file, or the index-th mail of an mbox (bytes start to end)."""

    path: str
    index: int = 0
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The outcome for one mail: a verdict with its milliseconds, or an error in one line.

    raw is the mail itself, where it is flagged or the only one, for those who show more of it.
    """

    path: str
    index: int
    verdict: Verdict | None = None
    ms: float = 0.0
    error: str | None = None
    raw: bytes = b""

    def as_json(self) -> dict[str, Any]:
        """The object that `scan --format jsonl` prints (DESIGN.md § Command line)."""
        head: dict[str, Any] = {"path": self.path, "index": self.index}
        if self.verdict is None:
            return {**head, "error": self.error}
        v = self.verdict
        return {
            **head,
            "action": v.action,
            "score": v.score,
            "kind": v.kind,
            "language": v.language,
            "reasons": [asdict(reason) for reason in v.reasons],
            "wallets": [asdict(wallet) for wallet in v.wallets],
            "demand": asdict(v.demand),
            "auth": {
                "spf": v.auth.spf,
                "dkim": v.auth.dkim,
                "dmarc": v.auth.dmarc,
                "arc": v.auth.arc,
                "spoof": list(v.auth.spoof),
            },
            "ms": round(self.ms, 2),
            **({"notes": list(v.notes)} if v.notes else {}),
        }


def find_items(paths: Iterable[str]) -> Iterator[Item | Record]:
    """The mails that these paths hold, in order; a path that cannot be read is a Record with its error."""
    for path in paths:
        if path == "-":
            yield Item("-")
            continue
        try:
            yield from _items_of(Path(path), named=True)
        except OSError as error:
            yield _unreadable(path, error)


def _items_of(path: Path, *, named: bool) -> Iterator[Item | Record]:
    if path.is_dir():
        # A Maildir's tmp holds mail that is not delivered yet.
        maildir = (path / "cur").is_dir() and (path / "new").is_dir()
        for child in sorted(path.iterdir()):
            if not child.name.startswith(".") and not (maildir and child.name == "tmp"):
                yield from _items_of(child, named=False)
    elif named or (path.suffix.lower() in SUFFIXES or ":2," in path.name or path.parent.name in ("cur", "new")):
        try:
            yield from _mails_in(path)
        except OSError as error:
            yield _unreadable(str(path), error)


def _mails_in(path: Path) -> Iterator[Item]:
    with path.open("rb") as file:
        is_mbox = file.read(5) == b"From " and path.suffix.lower() != ".txt"
    if not is_mbox:
        yield Item(str(path))
        return
    content = path.read_bytes()
    starts = [
        m.end()
        for m in MBOX_FROM.finditer(content)
        if m.start() == 0 or content[m.start() - 2 : m.start()] in (b"\n\n", b"\r\n")
    ]
    ends = [content.rfind(b"\nFrom ", 0, start) + 1 for start in starts[1:]]
    for index, (start, end) in enumerate(zip(starts, [*ends, len(content)], strict=True)):
        yield Item(str(path), index, start, end)


def _unreadable(path: str, error: OSError) -> Record:
    return Record(path, 0, error=f"cannot be read: {error.strerror or error}")


def bare_body(text: bytes) -> bytes:
    """A mail made of a bare body; its first line may be `Subject: …`."""
    head = b"Content-Type: text/plain; charset=utf-8\r\n"
    if text[:8].lower() == b"subject:":
        subject, _, text = text.partition(b"\n")
        head += subject.rstrip(b"\r") + b"\r\n"
    return head + b"\r\n" + text


def judge_item(item: Item | Record, judge: Judge, *, alone: bool = False) -> Record:
    """Read and judge one mail, alone or one of many. A fault of it is its record, never the end of the scan."""
    if isinstance(item, Record):
        return item
    try:
        raw = sys.stdin.buffer.read() if item.path == "-" else _read(item)
    except OSError as error:
        return _unreadable(item.path, error)
    is_body = item.path.lower().endswith(".txt")
    mail = bare_body(raw) if is_body else raw
    started = time.perf_counter()
    try:
        verdict = judge(mail, Envelope(), is_body)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other mails go on and this one is reported
        return Record(item.path, item.index, error=f"the scanner failed: {type(error).__name__}: {error}")
    spent = (time.perf_counter() - started) * 1000
    return Record(item.path, item.index, verdict, spent, raw=mail if verdict.flagged or alone else b"")


def _read(item: Item) -> bytes:
    with open(item.path, "rb") as file:
        file.seek(item.start)
        return file.read() if item.end is None else file.read(item.end - item.start)


_judge: Judge | None = None


def _judge_here(item: Item | Record) -> Record:
    assert _judge is not None  # set before the processes fork
    return judge_item(item, _judge)


def scan(paths: Iterable[str], judge: Judge) -> Iterator[Record]:
    """Judge all mails, in input order, with a process for each core when there are many."""
    items = list(find_items(paths))
    cores = len(os.sched_getaffinity(0))
    if len(items) < 2 * CHUNK or cores == 1:
        yield from (judge_item(item, judge, alone=len(items) == 1) for item in items)
        return
    global _judge  # noqa: PLW0603 - what forked processes inherit; a compiled rule set cannot be pickled
    _judge = judge
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("fork")) as pool:
        yield from pool.map(_judge_here, items, chunksize=CHUNK)
