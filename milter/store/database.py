"""One database for all processes and nodes: SQLite by default, PostgreSQL by its URL."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from milter.config import Store
from milter.disk import make_folder, sync_folder
from milter.errors import StoreError
from milter.store.faults import sentence

# The newest migration; another version in the database is brought to it, or refused if it is unknown.
VERSION = "0002"
# Connections of one process; its threads that keep mail are as many.
CONNECTIONS = 4
POSTGRES_EXTRA = "store.url: PostgreSQL needs psycopg; install it with: pip install 'blackmail-filter[postgres]'"


class Database:
    """Connects when first used. Not to be carried across a fork: close() it before."""

    def __init__(self, settings: Store, *, busy_timeout: float = 10.0) -> None:
        """busy_timeout: seconds to wait for others that write, or for a server that does not answer."""
        self._file = settings.file
        self._url = URL.create("sqlite", database=str(self._file)) if self._file else _url(settings.url)
        self._busy_timeout = busy_timeout
        self._engine: Engine | None = None

    @property
    def name(self) -> str:
        """The database as it may be shown: without a password."""
        if self._file:
            return str(self._file)
        # A password may also stand among the options.
        return self._url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of ours."""
        return self._file is not None

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that changes something: on disk when it returns, or without effect. Raises StoreError."""
        with self._transaction(writing=True) as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only looks. Raises StoreError."""
        with self._transaction(writing=False) as connection:
            yield connection

    @contextlib.contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[Connection]:
        try:
            engine = self._open()
            with engine.connect().execution_options(writing=writing) as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            # Its own text holds SQL and parameters.
            raise StoreError(f"{self.name}: {sentence(error)}") from None

    def migrate(self) -> None:
        """Bring the tables to this version; several processes may call it at once. Raises StoreError."""
        with self._connected_alone() as connection:
            found = _version(connection)
            if found == VERSION:
                return
            # At info it tells of each plugin.
            logging.getLogger("alembic").setLevel(logging.WARNING)
            from milter.store.migrations.run import known, upgrade  # noqa: PLC0415  alembic takes 0.2 s to load

            if found is not None and not known(found):
                raise StoreError(f"{self.name}: was made by a newer version of blackmail-filter; use that one")
            upgrade(connection)

    @contextlib.contextmanager
    def _connected_alone(self) -> Iterator[Connection]:
        if self._file:
            self._make_file(self._file)
        with self.writing() as connection:
            if not self.is_sqlite:
                # Any number will do, as long as it is ours alone; released with the transaction.
                connection.execute(text("SELECT pg_advisory_xact_lock(6213114201)"))
            yield connection

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        if self._engine:
            self._engine.dispose()
            self._engine = None

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = self._sqlite(self._file) if self._file else self._postgresql()
        return self._engine

    def _sqlite(self, path: Path) -> Engine:
        # A file that is missing is not made here, where everybody could read it.
        address = f"{path.absolute().as_uri()}?mode=rw"
        timeout = self._busy_timeout
        engine = sqlalchemy.create_engine(
            self._url,
            creator=lambda: sqlite3.connect(address, uri=True, timeout=timeout, check_same_thread=False),
            hide_parameters=True,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=timeout,
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _make_file(self, path: Path) -> None:
        """The file, for its owner only; SQLite gives the same mode to the files beside it."""
        try:
            if not path.exists():
                make_folder(path.parent)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
                sync_folder(path.parent)
        except OSError as error:
            raise StoreError(f"{self.name}: cannot be written ({error.strerror})") from None

    def _postgresql(self) -> Engine:
        milliseconds = int(self._busy_timeout * 1000)
        try:
            engine = sqlalchemy.create_engine(
                self._url,
                connect_args={
                    "connect_timeout": max(1, round(self._busy_timeout)),
                    "tcp_user_timeout": milliseconds,
                    "options": f"-c lock_timeout={milliseconds}",
                },
                hide_parameters=True,
                pool_size=CONNECTIONS,
                max_overflow=0,
                pool_timeout=self._busy_timeout,
                pool_pre_ping=True,
            )
        except ImportError:
            raise StoreError(POSTGRES_EXTRA) from None
        event.listen(engine, "connect", _set_up_postgresql)
        return engine


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError("store.url cannot be read; write it as postgresql://USER:PASSWORD@HOST/DATABASE") from None
    return url.set(drivername="postgresql+psycopg")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by _begin_sqlite, not by the driver.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later could not wait for another writer.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        # A server may be set up to acknowledge before it has written.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def _version(connection: Connection) -> str | None:
    """The migration that a database is at; None if it is empty."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
