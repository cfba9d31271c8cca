"""Quarantine as a client sees it: 250 only for what is on disk, 451 for all else, and nothing is lost or kept twice."""

import logging
import os
import resource
import threading

import pytest
from stored_mails import SECRETS

from milter.actions import keep
from milter.config import Store
from milter.model import RuleMatch, Verdict
from milter.store.quarantine import Quarantine

MAIL = f"From: {SECRETS[1]} <a@example.org>\r\nSubject: {SECRETS[0]}\r\n\r\nHello\r\n".encode()
LARGE = b"Subject: large\r\n\r\n" + os.urandom(400_000).hex().encode() + b"\r\n"
QUARANTINE = Verdict(
    action="quarantine", score=12.0, kind="bomb", reasons=(RuleMatch("threat.bomb", "threat", 9.0, "text", SECRETS[2]),)
)


@pytest.fixture
def asked(start_hop, start_filter, connect):
    """A client of a filter that quarantines everything: `await asked(setting=...)`."""

    async def start(**settings):
        running = await start_filter(await start_hop(), QUARANTINE, **settings)
        client = await connect(running)
        await client.hello()
        return running, client

    return start


async def test_nothing_is_opened_before_a_mail_is_kept(start_hop, start_filter, connect, tmp_path):
    hop = await start_hop()
    client = await connect(await start_filter(hop, Verdict(action="tag", score=6.0)))
    await client.hello()
    assert (await client.send(MAIL)).startswith("250 ")
    assert len(hop.messages) == 1
    assert not (tmp_path / "quarantine").exists()


async def test_the_log_names_the_mail_and_tells_nothing_of_it(asked, caplog):
    caplog.set_level(logging.DEBUG)
    running, client = await asked()
    assert (await client.send(MAIL)).startswith("250 ")
    assert running.quarantined == [MAIL]
    assert ": kept as " in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)


async def test_a_full_disk(asked, caplog):
    running, client = await asked()
    assert (await client.send(MAIL)).startswith("250 ")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        assert (await client.send(LARGE)).startswith("451 4.3.0 ")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "store.sqlite: the disk " in caplog.text
    assert running.quarantined == [MAIL]
    assert (await client.send(LARGE)).startswith("250 ")
    assert sorted(running.quarantined) == sorted([MAIL, LARGE])


async def test_a_server_that_is_away(asked, postgresql, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    store = Store(url=postgresql.new_database(), key_file=tmp_path / "key")
    running, client = await asked(store=store)
    postgresql.stop()
    try:
        # Away when the store is opened.
        assert (await client.send(MAIL)).startswith("451 4.3.0 ")
    finally:
        postgresql.start()
    assert (await client.send(MAIL)).startswith("250 ")
    postgresql.stop()
    try:
        # Away when a mail is kept.
        assert (await client.send(LARGE)).startswith("451 4.3.0 ")
    finally:
        postgresql.start()
    assert running.quarantined == [MAIL]
    assert (await client.send(LARGE)).startswith("250 ")
    assert sorted(running.quarantined) == sorted([MAIL, LARGE])
    assert caplog.text.count("deferred: postgresql://test:***@127.0.0.1") == 2
    assert not any(secret in caplog.text for secret in (*SECRETS, "secret-word"))


async def test_a_key_that_is_lost(asked, tmp_path, caplog):
    running, client = await asked()
    assert (await client.send(MAIL)).startswith("250 ")
    key = tmp_path / "quarantine" / "key"
    key.rename(tmp_path / "elsewhere")
    assert (await client.send(MAIL)).startswith("451 4.3.0 ")
    assert f"deferred: {key}: the key file cannot be read (No such file or directory)\n" in caplog.text
    (tmp_path / "elsewhere").rename(key)
    assert running.quarantined == [MAIL]


async def test_a_store_that_does_not_answer(asked, monkeypatch, caplog):
    monkeypatch.setattr(keep, "TIMEOUT", 0.2)
    go_on, write = threading.Event(), Quarantine.keep

    def slow_write(*arguments, **options):
        assert go_on.wait(20)
        return write(*arguments, **options)

    monkeypatch.setattr(Quarantine, "keep", slow_write)
    running, client = await asked()
    await client.ask("XFORWARD IDENT=4QX")
    assert (await client.send(MAIL)).startswith("451 4.3.0 ")
    assert "the store does not answer" in caplog.text
    go_on.set()
    monkeypatch.setattr(keep, "TIMEOUT", 20)
    # It is written after all; the client, which cannot know, comes again.
    await client.ask("XFORWARD IDENT=4QX")
    assert (await client.send(MAIL)).startswith("250 ")
    await running.service.stop(1.0)
    assert running.quarantined == [MAIL]
