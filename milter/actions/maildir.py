"""Write mail into a Maildir so that it survives a crash: tmp, fsync, rename into new, fsync of the folder."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from milter.actions.nexthop import BeforeEnd, Health, Reply
from milter.disk import sync_folder, write_new
from milter.errors import NextHopError

CAPABILITIES = {"8BITMIME": "", "SMTPUTF8": "", "ENHANCEDSTATUSCODES": "", "SIZE": ""}

_count = itertools.count()


class Maildir:
    """A Maildir (cr.yp.to/proto/maildir.html); its folders are made when first needed. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made = False

    def add(self, parts: Sequence[bytes | memoryview]) -> Path:
        """Store a message; when this returns, it is on disk under a name of its own. What fails leaves nothing."""
        name = _unique_name()
        self._make_folders()
        temporary, final = self.path / "tmp" / name, self.path / "new" / name
        try:
            write_new(temporary, parts)
            temporary.rename(final)
            sync_folder(final.parent)
        except BaseException:
            for path in (temporary, final):
                path.unlink(missing_ok=True)
            raise
        return final

    def _make_folders(self) -> None:
        if self._made:
            return
        for folder in ("tmp", "new", "cur"):
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

    def health(self) -> Mapping[str, Health]:
        """No server, no ailment."""
        return {}

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
            self.committed = False
            raise NextHopError(f"cannot write into {self._maildir.path}: {error}") from error
        return Reply(250, (f"2.0.0 Ok: stored as {stored.name}",))

    def abandon(self) -> None:
        """Nothing is written before data()."""


def _unique_name() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    host = socket.gethostname().replace("/", r"\057").replace(":", r"\072")
    return f"{seconds}.M{nanoseconds // 1000:06}P{os.getpid()}Q{next(_count)}.{host}"
