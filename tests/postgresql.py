"""A real PostgreSQL for tests: its own server on a loopback port, in a folder of its own, as an unprivileged user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg

# Debian has a folder for each version.
PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/15/bin"))
# A crash of the machine in the middle of a test is nothing to prepare for.
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
"""


class PostgreSql:
    """One server; stop() and start() make it go away and come back with its data."""

    def __init__(self) -> None:
        assert (PROGRAMS / "initdb").exists(), f"not found: {PROGRAMS}/initdb; on Debian: apt-get install postgresql"
        self._numbers = count()
        self._used = ""
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="blackmail-filter-postgresql-"))
        if os.geteuid() == 0:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="ascii") as file:
            file.write(SETTINGS.format(port=self.port))
        self.start()

    def _run(self, program: str, *words: str) -> None:
        command = [str(PROGRAMS / program), *words]
        user = self._user if os.geteuid() == 0 else None
        # What a server that goes on running inherits must not be a pipe of ours.
        log = self.folder / "run.log"
        with log.open("a", encoding="ascii") as output:
            done = subprocess.run(command, user=user, cwd="/", stdout=output, stderr=output, timeout=60, check=False)
        assert done.returncode == 0, log.read_text()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "server.log"), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Break off all connections and stop."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def emptied_database(self) -> str:
        """The URL of a database that has been used before and is empty again: a new one is 300 files more."""
        if not self._used:
            self._used = self.new_database()
        with psycopg.connect(self._used, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self._used

    def _url(self, database: str) -> str:
        return f"postgresql://test:secret-word@127.0.0.1:{self.port}/{database}"

    def remove(self) -> None:
        """Stop it and remove its data."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder)
