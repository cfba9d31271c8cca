"""hyperscan, where it is installed: databases that any thread may scan with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

try:
    import hyperscan
except ImportError:  # no wheel for this platform
    hyperscan = None  # type: ignore[assignment]

__all__ = ["Database", "OnMatch", "compiled", "hyperscan", "loaded"]

OnMatch = Callable[[int, int, int, int, object], bool | None]


class Database:
    """A compiled database, with a scratch space for each thread, since one must not be shared."""

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        self._local = threading.local()

    def scan(self, data: bytes | memoryview, on_match: OnMatch) -> None:
        """Call on_match with number, start, end, flags and context of each match."""
        try:
            scratch = self._local.scratch
        except AttributeError:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        # The library takes any buffer; its types say less.
        self._database.scan(data, match_event_handler=on_match, scratch=scratch)  # type: ignore[type-var]

    def dump(self) -> bytes:
        """The database as bytes, for this library's version and this kind of processor."""
        return bytes(hyperscan.dumpb(self._database))


def compiled(expressions: Sequence[bytes], flags: Sequence[int]) -> Database:
    """A database of these expressions, numbered from 0. Raises hyperscan.error."""
    database = hyperscan.Database()
    count = len(expressions)
    database.compile(expressions=expressions, ids=list(range(count)), elements=count, flags=flags)
    return Database(database)


def loaded(dump: bytes) -> Database:
    """The inverse of Database.dump."""
    return Database(hyperscan.loadb(dump, hyperscan.HS_MODE_BLOCK))
