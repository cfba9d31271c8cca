"""Tables, versions, faults of disks and servers: one clear line, nothing half done, nothing told that is secret."""

import contextlib
import logging
import os
import resource
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url, text
from sqlalchemy.exc import InternalError, OperationalError
from stored_mails import ENVELOPE, NOW, RAW, SECRETS, VERDICT

from milter.config import Store
from milter.errors import StoreError
from milter.store.database import VERSION, Database
from milter.store.faults import sentence
from milter.store.migrations.run import configuration
from milter.store.opened import migrate, open_store
from milter.store.records import Filter
from milter.store.tables import metadata


def keep(store) -> str:
    return store.quarantine.keep(RAW, ENVELOPE, VERDICT, received=NOW)


# Versions


def test_migrations_lead_to_the_tables(opened):
    with opened.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_version_is_that_of_the_newest_migration():
    assert ScriptDirectory.from_config(configuration()).get_heads() == [VERSION]


def test_migrating_again_changes_nothing(opened, store_settings, monkeypatch):
    mail_id = keep(opened)
    # Nor is alembic loaded for that.
    monkeypatch.setitem(sys.modules, "milter.store.migrations.run", None)
    migrate(store_settings)
    assert opened.quarantine.raw(mail_id) == RAW


def test_a_store_of_a_newer_version_is_left_alone(opened, store_settings):
    with opened.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="was made by a newer version of blackmail-filter"):
        migrate(store_settings)


def test_a_failed_migration_leaves_nothing(store_settings, monkeypatch):
    monkeypatch.setattr(sqlalchemy, "Integer", None)
    with pytest.raises(StoreError, match="CompileError"):
        migrate(store_settings)
    monkeypatch.undo()
    database = Database(store_settings)
    with database.reading() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
    database.close()
    migrate(store_settings)


MIGRATE = """
import sys
from pathlib import Path
from milter.config import Store
from milter.store.opened import migrate, open_store
import milter.store.migrations.run
print("ready", flush=True)
sys.stdin.readline()
migrate(Store(url=sys.argv[1], key_file=Path(sys.argv[2])))
"""


def test_several_start_at_once(store_settings):
    words = [sys.executable, "-c", MIGRATE, store_settings.url, str(store_settings.key_file)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = [subprocess.Popen(words, text=True, **pipes) for _ in range(4)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in started] == [("", 0)] * 4
    with open_store(store_settings) as store:
        assert store.quarantine.raw(keep(store)) == RAW


def test_what_was_not_migrated_says_how(store_settings):
    database = Database(store_settings)
    with contextlib.suppress(StoreError), database._connected_alone():
        pass
    said = "has no tables yet; run: blackmail-filter quarantine migrate"
    with pytest.raises(StoreError, match=said), database.reading() as connection:
        connection.execute(metadata.tables["mails"].select())
    database.close()


def test_a_missing_file_is_not_made_by_looking(tmp_path):
    database = Database(Store(url=f"sqlite:///{tmp_path}/nothing/store.sqlite"))
    said = "store.sqlite: cannot be opened; check the path"
    with pytest.raises(StoreError, match=said), database.reading():
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["with blank", "with%20percent", "ümlaut", "#hash", "ask?", "sqlite:"])
def test_a_path_may_have_any_name(tmp_path, name):
    settings = Store(url=f"sqlite:///{tmp_path}/{name}/store.sqlite", key_file=tmp_path / "key")
    with open_store(settings) as store:
        assert store.quarantine.raw(keep(store)) == RAW
    assert (tmp_path / name / "store.sqlite").exists()


# Nothing is half done


def test_sqlite_syncs_each_commit(tmp_path):
    with open_store(Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key")) as store:
        with store.database.writing() as connection:
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        # 2 is FULL.
        assert found == ["wal", 2]


@pytest.mark.parametrize(("asked", "given"), [("off", "on"), ("on", "on"), ("local", "local")])
def test_postgresql_syncs_each_commit(postgresql, asked, given):
    url = postgresql.emptied_database()
    name = url.rpartition("/")[2]
    database = Database(Store(url=url))
    with database.writing() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = {asked}"))
    database.close()
    with database.writing() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == given
        connection.execute(text(f"ALTER DATABASE {name} RESET synchronous_commit"))
    database.close()


def test_an_interrupted_transaction_leaves_nothing(opened, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("milter.store.rows._insert_details", interrupted)
    with pytest.raises(KeyboardInterrupt):
        keep(opened)
    assert opened.quarantine.find(Filter()) == []
    monkeypatch.undo()
    assert opened.quarantine.raw(keep(opened)) == RAW


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from milter.config import Store
from milter.model import Envelope, Verdict
from milter.store.opened import open_store

url, key, when = sys.argv[1:]
store = open_store(Store(url=url, key_file=Path(key)))
def die(connection):
    os.kill(os.getpid(), signal.SIGKILL)
if when == "before":
    event.listen(Engine, "commit", die)
print(store.quarantine.keep(b"x", Envelope(), Verdict(), received=datetime.now(UTC)), flush=True)
die(None)
"""


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
def test_who_is_killed_has_kept_all_or_nothing(opened, store_settings, when, count):
    words = [sys.executable, "-c", KILLED, store_settings.url, str(store_settings.key_file), when]
    killed = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -9
    kept = [mail.id for mail in opened.quarantine.find(Filter())]
    assert kept == killed.stdout.split()
    assert len(kept) == count


# Faults


@contextlib.contextmanager
def locked(store):
    """Somebody else holds all of it."""
    other = Database(store, busy_timeout=5)
    with other.writing() as connection:
        if not other.is_sqlite:
            connection.execute(text("LOCK TABLE mails IN ACCESS EXCLUSIVE MODE"))
        yield
    other.close()


def test_locked_for_too_long(store_settings):
    with open_store(store_settings, busy_timeout=0.2) as store:
        with locked(store_settings), pytest.raises(StoreError, match="is locked by someone else for too long"):
            keep(store)
        assert store.quarantine.find(Filter()) == []
        assert store.quarantine.raw(keep(store)) == RAW


def test_a_reader_does_not_wait_for_a_writer(tmp_path):
    settings = Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key")
    with open_store(settings, busy_timeout=0.0) as store:
        mail_id = keep(store)
        with locked(settings):
            assert store.quarantine.raw(mail_id) == RAW


@contextlib.contextmanager
def unprivileged():
    """Root may write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def read_only_folder():
    """A store in a folder that its user may read, and no more."""
    folder = Path("/tmp") / f"blackmail-filter-{os.getpid()}-read-only"
    folder.mkdir()
    settings = Store(url=f"sqlite:///{folder}/store.sqlite", key_file=folder / "key")
    with open_store(settings) as store:
        keep(store)
    paths = [folder, *folder.iterdir()]
    for path in paths:
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield settings
    folder.chmod(0o700)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_a_read_only_folder(read_only_folder):
    with unprivileged(), pytest.raises(StoreError) as caught, open_store(read_only_folder) as store:
        keep(store)
    assert str(caught.value).startswith(f"{read_only_folder.url.removeprefix('sqlite:///')}: cannot be ")
    new = Store(url=read_only_folder.url.replace("store.sqlite", "new/store.sqlite"))
    with unprivileged(), pytest.raises(StoreError, match=r"store\.sqlite: cannot be written \(Permission denied\)"):
        open_store(new)


@contextlib.contextmanager
def full_disk(room: int):
    """No file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing(tmp_path):
    settings = Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key")
    with open_store(settings) as store:
        kept = [keep(store)]
        raw = os.urandom(600_000)
        with full_disk(600_000), pytest.raises(StoreError, match=r"store\.sqlite: the disk"):
            store.quarantine.keep(raw, ENVELOPE, VERDICT, received=NOW)
        assert [mail.id for mail in store.quarantine.find(Filter())] == kept
        assert store.quarantine.raw(kept[0]) == RAW
        assert store.quarantine.raw(store.quarantine.keep(raw, ENVELOPE, VERDICT, received=NOW)) == raw


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"This is no database, " * 100, "is no SQLite database"), (b"SQLite format 3\0" + b"\xff" * 4000, "is ")],
)
def test_another_file_in_its_place(tmp_path, content, expected):
    (tmp_path / "store.sqlite").write_bytes(content)
    with pytest.raises(StoreError, match=f"store.sqlite: {expected}"):
        migrate(Store(url=f"sqlite:///{tmp_path}/store.sqlite"))
    assert (tmp_path / "store.sqlite").read_bytes() == content


def test_a_server_that_stops_and_comes_back(postgresql, tmp_path):
    settings = Store(url=postgresql.new_database(), key_file=tmp_path / "key")
    with open_store(settings) as store:
        mail_id = keep(store)
        postgresql.stop()
        try:
            with pytest.raises(StoreError) as caught:
                keep(store)
            with pytest.raises(StoreError, match="cannot be reached"):
                migrate(settings)
        finally:
            postgresql.start()
        said = str(caught.value)
        assert said.startswith(f"postgresql://test:***@127.0.0.1:{postgresql.port}/")
        assert "refused" in said
        assert "secret-word" not in said
        assert len(said.splitlines()) == 1
        assert store.quarantine.raw(mail_id) == RAW
        assert store.quarantine.raw(store.quarantine.keep(b"x", ENVELOPE, VERDICT, received=NOW)) == b"x"


def test_a_server_that_breaks_off_in_the_middle(postgresql, tmp_path):
    settings = Store(url=postgresql.new_database(), key_file=tmp_path / "key")
    with open_store(settings) as store:
        with pytest.raises(StoreError), store.database.writing() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert store.quarantine.raw(keep(store)) == RAW


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, '/nothing: cannot be reached (database "nothing" does not exist)'),
        ({"username": "stranger"}, '/nothing: cannot be reached (role "stranger" does not exist)'),
        ({"port": 1}, "/nothing: cannot be reached (Connection refused)"),
    ],
)
def test_a_wrong_address_of_a_server(postgresql, change, expected):
    url = make_url(postgresql.new_database()).set(database="nothing", **change)
    with pytest.raises(StoreError) as caught:
        migrate(Store(url=url.render_as_string(hide_password=False)))
    assert expected in str(caught.value)
    assert "secret-word" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["postgresql://u:secret-word@h:port/x", "postgresql://u@h/x?password=secret-word&port=none"]
)
def test_an_address_that_cannot_be_read(url):
    with pytest.raises(StoreError) as caught:
        migrate(Store(url=url))
    assert "secret-word" not in "".join(traceback.format_exception(caught.value))


def test_postgresql_without_its_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'blackmail-filter\[postgres\]'"):
        migrate(Store(url="postgresql://127.0.0.1:1/x"))


class RefusedError(Exception):
    """As psycopg has it: a code, and a text with the data in it."""

    def __init__(self, sqlstate):
        super().__init__("value (xylophon99) is too long")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("53100", "the disk of the server is full"),
        ("55P03", "is locked by someone else for too long; try again, or look who has it open"),
        ("57P03", "the server is starting or stopping"),
        ("22001", "the server refuses (SQLSTATE 22001)"),
    ],
)
def test_faults_of_a_server_have_words_of_ours(state, expected):
    assert sentence(InternalError("INSERT xylophon99", {}, RefusedError(state))) == expected


def test_a_busy_pool(tmp_path):
    settings = Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key")
    with open_store(settings, busy_timeout=0.1) as store, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(store.database.reading())
        with pytest.raises(StoreError, match="all connections are busy"):
            keep(store)


# Nothing is told


@pytest.mark.parametrize("broken", ["recipients", "contents", "mails"])
def test_no_secret_in_an_error_or_in_the_log(opened, broken, caplog):
    caplog.set_level(logging.DEBUG)
    with opened.database.writing() as connection:
        connection.execute(text(f"ALTER TABLE {broken} RENAME TO elsewhere"))
    raw = RAW.replace(b"\x00", b"")
    with pytest.raises(StoreError) as caught:
        opened.quarantine.keep(raw, ENVELOPE, VERDICT, received=NOW)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    for secret in (*SECRETS, ENVELOPE.mail_from, ENVELOPE.rcpt_to[0], "INSERT", opened.cipher.ring.ids[0]):
        assert secret not in shown
    assert "secret-word" not in shown


def test_sqlalchemy_itself_would_tell():
    """What the test above looks for can happen."""
    error = OperationalError("INSERT INTO x", {"a": SECRETS[0]}, Exception("broken"))
    assert SECRETS[0] in str(error)


# Keys


def test_a_lost_key_is_not_replaced(opened, store_settings):
    keep(opened)
    store_settings.key_file.unlink()
    with pytest.raises(
        StoreError, match=r"key: the key file is missing, and the store needs its key \w{8}; put it back"
    ):
        open_store(store_settings)
    assert not store_settings.key_file.exists()


def test_a_wrong_key_is_refused_when_the_store_is_opened(opened, store_settings):
    keep(opened)
    before = store_settings.key_file.read_text()
    store_settings.key_file.unlink()
    other = store_settings.model_copy(update={"url": f"sqlite:///{store_settings.key_file}.sqlite"})
    migrate(other)
    with pytest.raises(
        StoreError, match=r"/key is the wrong key: the store needs key \w{8}; put that key back into it"
    ):
        open_store(store_settings)
    with store_settings.key_file.open("a") as file:
        file.write(before)
    with open_store(store_settings) as store:
        assert [store.quarantine.raw(mail.id) for mail in store.quarantine.find(Filter())] == [RAW]


def test_a_key_from_the_environment(store_settings):
    environ = {"BLACKMAIL_FILTER_KEY": "A" * 43 + "="}
    with open_store(store_settings, environ=environ) as store:
        assert store.quarantine.raw(keep(store)) == RAW
    assert not store_settings.key_file.exists()
    with pytest.raises(StoreError, match="key file is missing"):
        open_store(store_settings, environ={})
