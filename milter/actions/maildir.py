"""Write mail into a Maildir so that it survives a crash: tmp, fsync, rename into new, fsync of the folder."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from milter.actions.nexthop import BeforeEnd, Reply
from milter.errors import NextHopError
from milter.model import Envelope, Verdict
from milter.reason import sentence

CAPABILITIES = {"8BITMIME": "", "SMTPUTF8": "", "ENHANCEDSTATUSCODES": "", "SIZE": ""}

_count = itertools.count()


class Maildir:
    """A Maildir (cr.yp.to/proto/maildir.html); its folders are made when first needed. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made = False

    def add(self, parts: Sequence[bytes | memoryview]) -> Path:
        """Store a message; when this returns, it is on disk under a name of its own."""
        return self._store(_unique_name(), parts)

    def add_with_record(self, message: bytes, record: Mapping[str, object]) -> Path:
        """Store a message untouched and, before it, what is known about it as JSON in `info/`."""
        name = _unique_name()
        self._make_folders()
        info = self.path / "info" / f"{name}.json"
        _write(info, [json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8", "surrogateescape")])
        _sync_folder(info.parent)
        return self._store(name, [message])

    def _store(self, name: str, parts: Sequence[bytes | memoryview]) -> Path:
        self._make_folders()
        temporary, final = self.path / "tmp" / name, self.path / "new" / name
        try:
            _write(temporary, parts)
            temporary.rename(final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(final.parent)
        return final

    def _make_folders(self) -> None:
        if self._made:
            return
        for folder in ("tmp", "new", "cur", "info"):
            (self.path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._made = True


class MaildirHop:
    """A Maildir as the end of the road: every recipient's mail goes into it."""

    def __init__(self, path: Path) -> None:
        self._maildir = Maildir(path)

    async def capabilities(self) -> Mapping[str, str]:
        """What needs no mail server behind us."""
        return CAPABILITIES

    async def begin(self, path: str, parameters: Sequence[str], forwarded: Mapping[str, str]) -> MaildirTransaction:
        """Start a mail."""
        return MaildirTransaction(self._maildir, path)

    async def close(self) -> None:
        """Nothing is kept open."""


class MaildirTransaction:
    """One mail on its way into the Maildir."""

    def __init__(self, maildir: Maildir, sender: str) -> None:
        self._maildir = maildir
        self._sender = sender
        self.committed = False

    async def rcpt(self, path: str, parameters: Sequence[str]) -> Reply:
        """Everybody is welcome."""
        return Reply(250, ("2.1.5 Ok",))

    async def data(self, parts: Sequence[bytes], before_end: BeforeEnd | None = None) -> Reply:
        """Write the mail, below the Return-Path that final delivery adds (RFC 5321 §4.4)."""
        if before_end:
            await before_end()
        self.committed = True
        return_path = f"Return-Path: {self._sender}\r\n".encode("utf-8", "surrogateescape")
        try:
            stored = await asyncio.to_thread(self._maildir.add, [return_path, *parts])
        except OSError as error:
            raise NextHopError(f"cannot write into {self._maildir.path}: {error}") from error
        return Reply(250, (f"2.0.0 Ok: stored as {stored.name}",))

    def abandon(self) -> None:
        """Nothing is written before data()."""


class Quarantine:
    """Mail that is kept back: the bytes as they came in, and a JSON record of envelope and verdict beside them."""

    def __init__(self, path: Path) -> None:
        self._maildir = Maildir(path)

    async def keep(self, message: bytes, envelope: Envelope, verdict: Verdict, received: str) -> Path:
        """Store a mail for good; received is its arrival in RFC 3339. Raises OSError."""
        record = {
            "received": received,
            "reason": sentence(verdict),
            "envelope": asdict(envelope),
            "verdict": asdict(verdict),
        }
        return await asyncio.to_thread(self._maildir.add_with_record, message, record)


def _unique_name() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    host = socket.gethostname().replace("/", r"\057").replace(":", r"\072")
    return f"{seconds}.M{nanoseconds // 1000:06}P{os.getpid()}Q{next(_count)}.{host}"


def _write(path: Path, parts: Sequence[bytes | memoryview]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
