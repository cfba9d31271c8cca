"""What is kept comes back byte for byte, is found by what is known of it, and is gone when it is wiped."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from stored_mails import ENVELOPE, NOW, RAW, SECRETS, VERDICT, B, C, mail

from milter.config import Store
from milter.errors import StoreError
from milter.model import Envelope, Verdict
from milter.store import quarantine as module
from milter.store.opened import open_store
from milter.store.records import Copy, Filter
from milter.store.tables import contents, metadata

HELD = Verdict(action="quarantine", score=12.0)


@pytest.fixture
def quarantine(opened):
    return opened.quarantine


def keep(quarantine, raw=RAW, envelope=ENVELOPE, verdict=VERDICT, minutes=0) -> str:
    return quarantine.keep(raw, envelope, verdict, received=NOW + timedelta(minutes=minutes))


def random_words(size: int) -> bytes:
    """What cannot be compressed into an index."""
    return random.Random(size).randbytes(size).hex().encode()[:size]


def content_of(opened) -> str:
    """All that stands in the database, as text."""
    with opened.database.reading() as connection:
        rows = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(table.select())]
    return repr(rows)


def test_all_that_is_known_comes_back(quarantine):
    mail_id = keep(quarantine)
    found = quarantine.get(f" {mail_id.upper()}\n")
    assert quarantine.raw(mail_id) == RAW
    assert (found.id, found.received, found.state) == (mail_id, NOW, "held")
    assert (found.envelope, found.verdict) == (ENVELOPE, VERDICT)
    assert (found.author, found.author_name) == ("crook@example.com", "Jörg Sonderling")
    assert (found.subject, found.size) == ("Dein Passwort xylophon99", len(RAW))
    assert found.copies == (Copy(B), Copy(C))
    assert (found.note, found.campaign) == ("", None)


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(),
        Envelope("", ("postmaster",), "2001:db8::1"),
        Envelope("\udcff\\u0041\\@example.org", ("\udc80@example.org", "ä@ü.example"), client_name="\x00'; --"),
        Envelope("a@example.org", (B,), authenticated=True),
    ],
    ids=repr,
)
def test_whatever_strangers_send_comes_back(quarantine, envelope):
    mail_id = keep(quarantine, b"\xff\xfe\x00", envelope)
    assert quarantine.get(mail_id).envelope == envelope
    assert quarantine.raw(mail_id) == b"\xff\xfe\x00"
    assert [found.id for found in quarantine.find(Filter())] == [mail_id]


@pytest.mark.parametrize(
    "fields",
    [
        b"From: =?utf-7?q?+2AA-?= <a@example.org>\r\nSubject: =?utf-7?q?+2AA-?=\r\n",
        b"From: " + random_words(20_000) + b"@example.org\r\nSubject: " + random_words(100_000) + b"\r\n",
        b"From: \xff\xfe <\xff@\xff>\r\nSubject: \x00\r\n",
        b"From:\r\nSubject:\r\n",
    ],
    ids=["surrogates", "long", "bytes", "empty"],
)
def test_whatever_they_write_into_fields_is_kept(quarantine, fields):
    raw = fields + b"\r\nx\r\n"
    address = random_words(4_000).decode() + "@example.net"
    mail_id = keep(quarantine, raw, Envelope(address, (address,)), HELD)
    found = quarantine.get(mail_id)
    assert quarantine.raw(mail_id) == raw
    assert found.envelope == Envelope(address, (address,))
    assert quarantine.find(Filter(recipient=address, sender=address)) == [found]
    assert quarantine.claim(mail_id, [address], by="anna", now=NOW).recipients == (address,)


def test_a_large_mail_comes_back(quarantine):
    raw = RAW + bytes(range(256)) * 40_000
    assert quarantine.raw(keep(quarantine, raw)) == raw


def test_one_recipient_named_twice_has_one_copy(quarantine):
    assert quarantine.get(keep(quarantine, envelope=Envelope("", (B, C, B)))).envelope.rcpt_to == (B, C)


def test_a_mail_that_its_client_hands_over_again_is_kept_once(quarantine):
    mail_id = keep(quarantine)
    assert keep(quarantine, minutes=5) == mail_id
    others = [
        keep(quarantine, RAW + b"x"),
        keep(quarantine, envelope=replace(ENVELOPE, queue_id="OTHER")),
        keep(quarantine, envelope=replace(ENVELOPE, rcpt_to=(B,))),
        keep(quarantine, envelope=replace(ENVELOPE, queue_id="")),
        keep(quarantine, envelope=replace(ENVELOPE, queue_id="")),
    ]
    assert len({mail_id, *others}) == 6


def test_an_id_that_is_taken_is_not_given_twice(quarantine, monkeypatch):
    ids = iter(["lusab-babad", "lusab-babad", "gutih-tugad"])
    monkeypatch.setattr(module, "new_id", lambda: next(ids))
    assert keep(quarantine, envelope=Envelope()) == "lusab-babad"
    assert keep(quarantine, b"second", envelope=Envelope()) == "gutih-tugad"
    assert quarantine.raw("lusab-babad") == RAW
    monkeypatch.setattr(module, "new_id", lambda: "lusab-babad")
    with pytest.raises(StoreError, match="no free id"):
        keep(quarantine, envelope=Envelope())


@pytest.mark.parametrize("wrong", ["babab-babab", "", "'; DROP TABLE mails; --", "\x00\udcff", "x" * 300])
def test_an_unknown_id(quarantine, wrong):
    keep(quarantine)
    for ask in (quarantine.get, quarantine.raw):
        with pytest.raises(StoreError, match="there is no mail '"):
            ask(wrong)


def test_an_id_that_was_mistyped_is_guessed(quarantine, monkeypatch):
    monkeypatch.setattr(module, "new_id", lambda: "lusab-babad")
    keep(quarantine)
    with pytest.raises(StoreError, match=r"there is no mail 'lusab-babat' in quarantine; did you mean lusab-babad\?"):
        quarantine.get("lusab-babat")


def test_damage_is_noticed(opened):
    mail_id = keep(opened.quarantine)
    with opened.database.writing() as connection:
        connection.execute(update(contents).values(raw=b"\0damaged"))
    with pytest.raises(StoreError, match=f"{mail_id}: the content is damaged"):
        opened.quarantine.raw(mail_id)


# What can be read of it by others


def test_no_secret_stands_in_the_database(opened, tmp_path):
    keep(opened.quarantine)
    everything = content_of(opened)
    assert "spam@example.net" in everything
    files = b"".join(path.read_bytes() for path in (tmp_path / "store").iterdir())
    for secret in SECRETS:
        assert secret not in everything
        assert secret.encode() not in files


def test_without_encryption_they_do(store_settings):
    with open_store(store_settings.model_copy(update={"encrypt": False})) as store:
        mail_id = keep(store.quarantine)
        everything = content_of(store)
        assert all(secret in everything for secret in SECRETS)
        assert store.quarantine.raw(mail_id) == RAW
    assert not store_settings.key_file.exists()


def test_encryption_can_be_switched_off_and_on(store_settings):
    with open_store(store_settings) as store:
        first = keep(store.quarantine)
    with open_store(store_settings.model_copy(update={"encrypt": False})) as store:
        second = keep(store.quarantine, mail("open"))
    with open_store(store_settings) as store:
        assert store.quarantine.raw(first) == RAW
        assert store.quarantine.raw(second) == mail("open")


def test_files_are_for_their_owner_only(opened, tmp_path):
    keep(opened.quarantine)
    for path in (tmp_path / "store", *(tmp_path / "store").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


# Finding


@pytest.fixture
def three(quarantine):
    """Three mails, by name; the last one came first."""
    return {
        "whole": keep(quarantine, minutes=2),
        "bomb": keep(
            quarantine,
            mail("A BOMB in the Straße", author="X <x@sub.example.com>"),
            Envelope("", ("D@Example.ORG",)),
            Verdict(action="quarantine", score=10.0, kind="bomb"),
            minutes=1,
        ),
        "plain": keep(quarantine, mail("nothing"), Envelope("a_b@example.net", ("e@ex%ample.org", C)), HELD),
    }


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["whole", "bomb", "plain"]),
        ({"since": NOW + timedelta(minutes=1)}, ["whole", "bomb"]),
        ({"until": NOW + timedelta(minutes=1)}, ["plain"]),
        ({"recipient": C}, ["whole", "plain"]),
        ({"recipient": "C@EXAMPLE.org"}, ["whole", "plain"]),
        ({"recipient": "d@example.org"}, ["bomb"]),
        ({"recipient": "example.org"}, ["whole", "bomb", "plain"]),
        ({"recipient": "@Example.org"}, ["whole", "bomb", "plain"]),
        ({"recipient": "ex_ample.org"}, []),
        ({"sender": "spam@example.net"}, ["whole"]),
        ({"sender": "crook@example.com"}, ["whole"]),
        ({"sender": "example.com"}, ["whole", "plain"]),
        ({"sender": "sub.example.com"}, ["bomb"]),
        ({"sender": "example.net"}, ["whole", "plain"]),
        ({"rule": "threat.publish"}, ["whole"]),
        ({"rule": "threat"}, ["whole"]),
        ({"rule": "thr"}, []),
        ({"rule": "demand_crypto"}, []),
        ({"wallet": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}, ["whole"]),
        ({"wallet": "bc1"}, []),
        ({"kind": "bomb"}, ["bomb"]),
        ({"state": "held"}, ["whole", "bomb", "plain"]),
        ({"state": "released"}, []),
        ({"text": "XYLOPHON99"}, ["whole"]),
        ({"text": "sonderling"}, ["whole"]),
        ({"text": "in the STRASSE"}, ["bomb"]),
        ({"text": "x@sub.example.com"}, ["bomb"]),
        ({"text": "nothing of the kind"}, []),
        ({"campaign": 1}, []),
        ({"kind": "sextortion", "recipient": B, "text": "pay", "rule": "demand.crypto"}, ["whole"]),
        ({"kind": "bomb", "recipient": B}, []),
    ],
    ids=repr,
)
def test_finding(quarantine, three, wanted, names):
    assert [found.id for found in quarantine.find(Filter(**wanted))] == [three[name] for name in names]


@pytest.mark.parametrize("text", [None, "number"])
def test_pages_hold_each_mail_once(quarantine, monkeypatch, text):
    monkeypatch.setattr("milter.store.search.TEXT_BATCH", 3)
    monkeypatch.setattr("milter.store.search.BATCH", 2)
    # Several at the same moment.
    kept = [keep(quarantine, mail(f"number {n}"), Envelope("", (B,)), HELD, minutes=n // 3) for n in range(10)]
    seen, last = [], None
    while page := quarantine.find(Filter(text=text), limit=3, after=last):
        assert len(page) <= 3
        seen += page
        last = page[-1].id
    assert sorted(found.id for found in seen) == sorted(kept)
    assert [found.received for found in seen] == sorted((found.received for found in seen), reverse=True)
    with pytest.raises(StoreError, match="there is no mail 'nope'"):
        quarantine.find(Filter(), after="nope")


# The end


def test_what_is_deleted_leaves_envelope_hash_and_times(opened, tmp_path):
    quarantine = opened.quarantine
    mail_id, other = keep(quarantine), keep(quarantine, mail("other"), Envelope("", (B,)))
    before = quarantine.get(mail_id)
    assert quarantine.delete([mail_id, mail_id], by="anna", now=NOW) == 1
    found = quarantine.get(mail_id)
    assert found.state == "deleted"
    assert (found.envelope, found.sha256, found.size, found.received) == (
        before.envelope, before.sha256, before.size, before.received
    )  # fmt: skip
    assert (found.subject, found.author, found.author_name, found.verdict.reasons) == ("", "", "", ())
    with pytest.raises(StoreError, match=f"{mail_id} is deleted: its content is gone"):
        quarantine.raw(mail_id)
    assert quarantine.delete([mail_id], by="anna", now=NOW) == 0
    assert quarantine.find(Filter(text="xylophon99")) == []
    assert quarantine.raw(other) == mail("other")
    assert [entry.mail_id for _, entry in opened.audit.entries(action="delete")] == [mail_id]


def test_all_or_none_are_deleted(quarantine):
    mail_id, released = keep(quarantine), keep(quarantine, mail("other"), Envelope("", (B,)))
    with pytest.raises(StoreError, match="there is no mail 'babab-babab'"):
        quarantine.delete([mail_id, "babab-babab"], by="anna", now=NOW)
    quarantine.claim(released, by="bert", now=NOW)
    with pytest.raises(StoreError, match=f"{released} is being released just now; nothing was deleted"):
        quarantine.delete([mail_id, released], by="anna", now=NOW)
    assert quarantine.raw(mail_id) == RAW


def test_what_expires_leaves_no_person(opened, monkeypatch):
    monkeypatch.setattr(module, "EXPIRED_AT_ONCE", 2)
    quarantine = opened.quarantine
    old = [
        keep(quarantine, mail(str(n)), Envelope("a@example.com", (B,), "192.0.2.7", queue_id=str(n))) for n in range(5)
    ]
    new = keep(quarantine, minutes=10)
    quarantine.delete(old[:1], by="anna", now=NOW)
    quarantine.claim(old[1], by="anna", now=NOW)
    assert quarantine.purge(NOW + timedelta(minutes=10), now=NOW) == 4
    assert quarantine.purge(NOW + timedelta(minutes=10), now=NOW) == 0
    assert quarantine.get(old[1]).state == "releasing"
    assert quarantine.raw(new) == RAW
    found = quarantine.get(old[2])
    assert (found.state, found.envelope, found.copies, found.size) == ("expired", Envelope(), (), len(mail("2")))
    with pytest.raises(StoreError, match="is expired: its content is gone"):
        quarantine.raw(old[2])
    expired = opened.audit.entries(action="expire")
    assert sorted(entry.mail_id for _, entry in expired) == sorted([old[0], *old[2:]])
    assert {entry.actor for _, entry in expired} == {"retention"}


@pytest.mark.parametrize("wipe", ["delete", "purge"])
def test_what_is_wiped_is_in_no_file(tmp_path, wipe):
    """Of SQLite, and without encryption, where it would be seen. PostgreSQL keeps old rows until it vacuums."""
    with open_store(Store(url=f"sqlite:///{tmp_path}/store.sqlite", encrypt=False)) as store:
        mail_id = store.quarantine.keep(b"Subject: telltale", ENVELOPE, HELD, received=NOW)
        assert files_with(tmp_path, b"telltale")
        if wipe == "delete":
            store.quarantine.delete([mail_id], by="anna", now=NOW)
        else:
            store.quarantine.purge(NOW + timedelta(days=1), now=NOW)
    assert not files_with(tmp_path, b"telltale")


def files_with(folder: Path, words: bytes) -> list[Path]:
    return [path for path in folder.iterdir() if words in path.read_bytes()]


# Requests


def test_a_recipient_asks_for_release(opened):
    quarantine = opened.quarantine
    mail_id = keep(quarantine)
    quarantine.request(mail_id, "B@example.org", now=NOW)
    assert quarantine.get(mail_id).copies == (Copy(B, requested_at=NOW), Copy(C))
    assert [entry.actor for _, entry in opened.audit.entries(mail_id=mail_id, action="request")] == ["B@example.org"]
    with pytest.raises(
        StoreError, match=f"{mail_id}: there is no copy for stranger@example.org that could be released"
    ):
        quarantine.request(mail_id, "stranger@example.org", now=NOW)
    quarantine.delete([mail_id], by="anna", now=NOW)
    with pytest.raises(StoreError, match="there is no copy"):
        quarantine.request(mail_id, B, now=NOW)
