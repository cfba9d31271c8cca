"""What went wrong in a database, in words that hold none of its data."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

REMEDIES = {
    "database is locked": "is locked by someone else for too long; try again, or look who has it open",
    "no such table": "has no tables yet; run: blackmail-filter quarantine migrate",
    "database or disk is full": "the disk is full; make room",
    "disk I/O error": "the disk does not take it: it fails, or a file reached its largest size",
    "readonly database": "cannot be written; check the permissions of the file and its folder",
    "not a database": "is no SQLite database",
    "malformed": "is damaged; put a copy in its place, and keep this one",
    "unable to open database file": "cannot be opened; check the path and its permissions",
}
# Classes and codes of SQLSTATE (PostgreSQL, appendix A).
STATES = {
    "42P01": "has no tables yet; run: blackmail-filter quarantine migrate",
    "53100": "the disk of the server is full",
    "53300": "the server has too many connections",
    "55P03": "is locked by someone else for too long; try again, or look who has it open",
    "57P": "the server is starting or stopping",
    "08": "the connection broke",
}


def sentence(error: SQLAlchemyError) -> str:
    """What and remedy, without SQL and parameters."""
    if isinstance(error, PoolTimeoutError):
        return "all connections are busy; try again"
    if not isinstance(error, DBAPIError):
        return f"failed ({type(error).__name__})"
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    return _of_postgresql(error.orig)


def _of_sqlite(error: sqlite3.Error) -> str:
    # SQLite's messages name tables and columns, never values.
    return next((remedy for said, remedy in REMEDIES.items() if said in str(error)), str(error))


def _of_postgresql(error: BaseException | None) -> str:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # From the client's own library, which tells hosts and users, but neither passwords nor data.
        first, *_ = [*str(error).strip().splitlines(), ""]
        return f"cannot be reached ({first.rpartition('failed: ')[2].removeprefix('FATAL:').strip()})"
    known = next((words for code, words in STATES.items() if state.startswith(code)), None)
    return known or f"the server refuses (SQLSTATE {state})"
