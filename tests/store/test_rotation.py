"""A new key: nothing is lost on the way, and an interrupted change of keys goes on where it was."""

import subprocess
import sys

import pytest
from sqlalchemy import select
from stored_mails import ENVELOPE, NOW, RAW, SECRETS, VERDICT, mail

from milter.errors import StoreError
from milter.model import Envelope
from milter.store.opened import open_store
from milter.store.rotation import rotate
from milter.store.tables import contents, mails

COUNT = 25


@pytest.fixture
def kept(opened):
    return fill(opened)


def fill(store) -> dict[str, bytes]:
    raws = [RAW, *(mail(f"number {n}") for n in range(1, COUNT))]
    return {store.quarantine.keep(raw, Envelope(), VERDICT, received=NOW): raw for raw in raws}


def key_ids(store) -> set[str]:
    with store.database.reading() as connection:
        return {key for table in (mails, contents) for key in connection.execute(select(table.c.key_id)).scalars()}


def turn(store):
    return rotate(store.database, store.cipher, by="anna", now=NOW)


def all_there(store, kept) -> bool:
    verdicts = [store.quarantine.get(mail_id).verdict for mail_id in kept]
    return {mail_id: store.quarantine.raw(mail_id) for mail_id in kept} == kept and set(verdicts) == {VERDICT}


def test_everything_is_under_the_new_key(opened, kept, store_settings):
    old = opened.cipher.key_id
    # One that has read the keys before.
    with open_store(store_settings) as other:
        done = turn(opened)
        assert (done.added, done.count, done.key_id) == (True, 2 * COUNT, opened.cipher.key_id)
        assert done.key_id != old
        assert key_ids(opened) == {done.key_id}
        assert all_there(opened, kept)
        assert all_there(other, kept)
        other.quarantine.keep(b"later", Envelope(), VERDICT, received=NOW)
        assert key_ids(opened) == {done.key_id}
    assert [(entry.actor, entry.detail) for _, entry in opened.audit.entries(action="rotate-key")] == [
        ("anna", f"key {done.key_id}, {2 * COUNT} rows")
    ]
    # The old key alone opens nothing any more.
    lines = store_settings.key_file.read_text().splitlines()
    store_settings.key_file.write_text(lines[1] + "\n")
    with pytest.raises(StoreError, match=f"the wrong key: the store needs key {done.key_id}"):
        open_store(store_settings)


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from itertools import count
from pathlib import Path
from milter.config import Store
from milter.store.cipher import Cipher
from milter.store.opened import open_store
from milter.store.rotation import rotate

url, key, at = sys.argv[1:]
store = open_store(Store(url=url, key_file=Path(key)))
calls, seal = count(1), Cipher.seal
def dying_seal(self, *arguments):
    if next(calls) == int(at):
        os.kill(os.getpid(), signal.SIGKILL)
    return seal(self, *arguments)
Cipher.seal = dying_seal
rotate(store.database, store.cipher, by="anna", now=datetime.now(UTC))
"""


# In the first batch of verdicts, in the second, and among the contents.
@pytest.mark.parametrize("at", [5, 62, 80])
def test_killed_in_between(opened, kept, store_settings, at):
    old = opened.cipher.key_id
    words = [sys.executable, "-c", KILLED, store_settings.url, str(store_settings.key_file), str(at)]
    assert subprocess.run(words, check=False).returncode == -9
    assert old in key_ids(opened)
    assert all_there(opened, kept)
    with open_store(store_settings) as store:
        assert all_there(store, kept)
        done = turn(store)
        assert not done.added
        assert done.count > 0
        assert key_ids(store) == {done.key_id}
        assert all_there(store, kept)
    assert len(store_settings.key_file.read_text().splitlines()) == 2


def test_what_was_kept_in_the_clear_is_encrypted(store_settings):
    with open_store(store_settings.model_copy(update={"encrypt": False})) as store:
        kept = fill(store)
        with pytest.raises(StoreError, match=r"store\.encrypt is off: there is no key to change"):
            turn(store)
    with open_store(store_settings) as store:
        assert key_ids(store) == {""}
        done = turn(store)
        assert (done.added, done.count) == (False, 2 * COUNT)
        assert all_there(store, kept)
        with store.database.reading() as connection:
            rows = repr([tuple(row) for row in connection.execute(select(mails))])
        assert not any(secret in rows for secret in SECRETS)


def test_what_was_wiped_needs_no_key(opened, kept):
    mail_id = next(iter(kept))
    opened.quarantine.delete([mail_id], by="anna", now=NOW)
    assert turn(opened).count == 2 * COUNT - 2
    assert opened.quarantine.get(mail_id).state == "deleted"


def test_a_key_from_elsewhere_is_put_there_by_hand(store_settings):
    one, two = "A" * 43 + "=", "B" * 42 + "A="
    with open_store(store_settings, environ={"BLACKMAIL_FILTER_KEY": one}) as store:
        mail_id = store.quarantine.keep(RAW, ENVELOPE, VERDICT, received=NOW)
        with pytest.raises(StoreError, match="put a new key in front"):
            turn(store)
    with open_store(store_settings, environ={"BLACKMAIL_FILTER_KEY": f"{two} {one}"}) as store:
        assert turn(store).count == 2
    with open_store(store_settings, environ={"BLACKMAIL_FILTER_KEY": two}) as store:
        assert store.quarantine.raw(mail_id) == RAW
