"""The quarantine from the command line, with a real store in both databases."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from stored_mails import ENVELOPE, RAW, SECRETS, VERDICT, B, C

from milter.cli import main
from milter.cli.quarantine_options import login_name
from milter.config import Store
from milter.store.opened import OpenStore

NOW = datetime.now(UTC)
Quarantine = Callable[..., Result]


@pytest.fixture
def config(store_settings: Store, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    configure(path, store_settings, next_hop=f"maildir:{tmp_path / 'mail'}")
    return path


def configure(path: Path, store: Store, **settings: object) -> None:
    mine = {"store": {"url": store.url, "key_file": str(store.key_file)}, "hostname": "filter.example"}
    path.write_text(yaml.safe_dump(mine | settings), encoding="utf-8")


@pytest.fixture
def quarantine(config: Path) -> Quarantine:
    """Run `quarantine` with these words; nothing it says is a traceback."""

    def run(*words: str, code: int = 0, given: str | None = None) -> Result:
        done = CliRunner().invoke(main, ["quarantine", *words, "-c", str(config)], input=given)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == code, done.output
        if code == 2 and not done.stderr.startswith("Usage"):
            assert done.stderr.count("\n") == 1
        return done

    return run


def keep(store: OpenStore, hours: float = 0, raw: bytes = RAW, **envelope: object) -> str:
    queue_id = f"Q{os.urandom(4).hex()}"
    mine = replace(ENVELOPE, **{"queue_id": queue_id} | envelope)
    return store.quarantine.keep(raw, mine, VERDICT, received=NOW - timedelta(hours=hours))


def objects(done: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def actions(store: OpenStore) -> list[tuple[str, str, str | None]]:
    """The audit log, oldest first."""
    return [(entry.actor, entry.action, entry.mail_id) for _, entry in reversed(store.audit.entries())]


# Looking


def test_the_list_is_newest_first_and_fits_80_columns(opened, quarantine, monkeypatch):
    old, new = keep(opened, 72, rcpt_to=("firstname.lastname@a-long-department.example.org",)), keep(opened)
    monkeypatch.setenv("COLUMNS", "80")
    head, *rows = quarantine("list").stdout.splitlines()
    assert head.split() == ["id", "age", "recipient", "sender", "kind", "score", "state"]
    assert all(len(line) <= 80 for line in (head, *rows))
    assert [row.split()[0] for row in rows] == [new, old]
    assert re.fullmatch(rf"{old} +3d +firstname\S*… +crook@exam\S+ +sextortion +12\.5 +held *", rows[1])
    assert f" (2){B} " in rows[0]
    assert actions(opened) == []


def test_a_pipe_gets_addresses_in_full(opened, quarantine):
    address = "firstname.lastname@a-long-department.example.org"
    keep(opened, rcpt_to=(address,))
    assert f" {address} " in quarantine("list").stdout


def test_json_is_an_object_a_line_and_tells_no_text(opened, quarantine):
    mail_id = keep(opened)
    done = quarantine("list", "--json")
    (found,) = objects(done)
    assert found["id"] == mail_id
    assert [copy["address"] for copy in found["recipients"]] == [B, C]
    assert found["wallets"][0]["currency"] == "BTC"
    assert found["rules"] == ["threat.publish", "demand.crypto"]
    for secret in SECRETS:
        assert secret not in done.stdout


def test_pages(opened, quarantine):
    ids = [keep(opened, hours) for hours in range(5)]
    first = quarantine("list", "--limit", "2")
    assert first.stdout.splitlines()[-1] == f"More: --after {ids[1]}"
    second = quarantine("list", "--limit", "3", "--after", ids[1].upper())
    assert "More" not in second.stdout
    assert [line.split()[0] for line in second.stdout.splitlines()[1:]] == ids[2:]
    assert [one["id"] for one in objects(quarantine("list", "--json", "--limit", "2"))] == ids[:2]


FILTERS = [
    ("--since 2d", "new"),
    ("--until 2d", "old"),
    (f"--since {(NOW - timedelta(days=40)).astimezone().date()}", "old new"),
    (f"--until {(NOW - timedelta(days=30)).astimezone().date()}", "old"),
    (f"--until {(NOW - timedelta(days=31)).astimezone().date()}", ""),
    (f"--since {(NOW - timedelta(hours=1)).isoformat()}", "new"),
    ("--recipient new@example.org", "new"),
    ("--recipient example.org", "old new"),
    ("--sender spam@example.net", "old new"),
    ("--sender example.org", ""),
    ("--rule threat", "old new"),
    ("--rule threat.bomb", ""),
    ("--wallet bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "old new"),
    ("--kind bomb", ""),
    ("--state held", "old new"),
    ("--state released", ""),
    ("--text attic", "new"),
    ("--text attic --since 2d --kind sextortion", "new"),
]


def test_filters(opened, quarantine):
    ids = {
        keep(opened, 30 * 24, rcpt_to=("old@example.org",)): "old",
        keep(opened, raw=RAW + b"in the attic\r\n", rcpt_to=("new@example.org",)): "new",
    }
    for words, expected in FILTERS:
        found = [ids[str(one["id"])] for one in objects(quarantine("list", "--json", *words.split()))]
        assert sorted(found) == sorted(expected.split()), words
    assert quarantine("list", "--kind", "bomb").stdout == "No such mail.\n"


def test_wrong_filters_are_usage(quarantine, opened):
    for words in (["--since", "yesterday"], ["--kind", "spam"], ["--limit", "0"], ["--sender"]):
        assert quarantine("list", *words, code=2).stderr.startswith("Usage: ")


def test_show_says_why_in_sentences_and_masks_secrets(opened, quarantine):
    mail_id = keep(opened)
    out = quarantine("show", mail_id.upper().replace("-", ""), "--as", "anna").stdout
    assert out.startswith(f"{mail_id}: held, arrived ")
    assert "\nThreatens to publish recordings of you, demands 900 USD in Bitcoin within 48 hours.\n" in out
    assert "\nsubject   Dein Passwort •••\n" in out
    assert "\nfrom      Jörg Sonderling <crook@example.com>\n" in out
    assert "\n  BTC address bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 (checksum holds)\n" in out
    assert f"\n{B}: waits\n" in out
    assert "xylophon99" not in out
    assert re.search(r"\n  \S+ \S+  anna  show\n", out)
    assert actions(opened) == [("anna", "show", mail_id)]


def test_show_as_json(opened, quarantine):
    mail_id = keep(opened)
    done = quarantine("show", mail_id, "--json")
    (found,) = objects(done)
    assert (found["id"], found["subject"], found["auth"]["spf"]) == (mail_id, "Dein Passwort •••", "fail")
    assert [entry["action"] for entry in found["history"]] == ["show"]
    assert "xylophon99" not in done.stdout


def test_show_a_personal_case(opened, quarantine):
    mail_id = opened.quarantine.keep(RAW, ENVELOPE, replace(VERDICT, personal=True), received=NOW)
    assert "\nIt speaks of this reader: " in quarantine("show", mail_id).stdout


def test_the_original_is_an_export(opened, quarantine):
    mail_id = keep(opened)
    assert quarantine("show", mail_id, "--original").stdout_bytes == RAW
    assert actions(opened) == [(login_name(), "export", mail_id)]
    quarantine("show", mail_id, "--original", "--json", code=2)


def test_a_mail_cannot_write_to_the_terminal(opened, quarantine):
    raw = b"From: \x1b[31m<a\x1b[31m@example.net>\r\nSubject: \x1b[2J\x9b2J\r\n\r\nx"
    mail_id = keep(opened, raw=raw, mail_from="a\x1b[31m@example.net", rcpt_to=("[red]\udcff@example.org",))
    words = [["list"], ["show", mail_id], ["list", "--json"], ["allow", mail_id], ["allow"], ["release", mail_id]]
    for done in [quarantine(*some) for some in [*words, ["audit"]]]:
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout)
    assert "[red]" in quarantine("list").stdout


# Release


def test_release_into_the_next_hop(opened, quarantine, tmp_path):
    first, second = keep(opened), keep(opened)
    out = quarantine("release", first, second, "--as", "anna").stdout
    assert out == "".join(f"{mail_id}: released to {B}, {C}\n" for mail_id in (first, second))
    head = re.compile(rb"Return-Path: <spam@example.net>\r\nX-Blackmail-Released: anna; .*\r\n")
    for path in (tmp_path / "mail" / "new").iterdir():
        assert head.fullmatch(path.read_bytes().removesuffix(RAW))
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 2
    assert actions(opened) == [("anna", "release", first), ("anna", "release", second)]
    assert quarantine("release", first, code=2).stderr == f"blackmail-filter: {first} is already released by anna\n"
    assert f"\n{B}: released by anna at " in quarantine("show", first).stdout


def test_release_to_some(opened, quarantine):
    mail_id = keep(opened)
    assert quarantine("release", mail_id, "--to", C.upper()).stdout == f"{mail_id}: released to {C}\n"
    assert f"it has: {B}, {C}" in quarantine("release", mail_id, "--to", "x@example.org", code=2).stderr
    assert quarantine("release", mail_id).stdout == f"{mail_id}: released to {B}\n"


def test_one_unknown_id_does_not_keep_the_others_back(opened, quarantine):
    mail_id = keep(opened)
    wrong = mail_id[:-1] + ("z" if mail_id[-1] != "z" else "v")
    done = quarantine("release", wrong, mail_id, code=2)
    assert done.stdout == f"{mail_id}: released to {B}, {C}\n"
    assert done.stderr == f"blackmail-filter: there is no mail '{wrong}' in quarantine; did you mean {mail_id}?\n"


def test_false_alarms_are_noted(opened, quarantine):
    mail_id = keep(opened)
    quarantine("release", mail_id, "--false-alarm", "--as", "anna")
    assert actions(opened) == [("anna", "release", mail_id), ("anna", "false-alarm", mail_id)]


async def test_what_the_next_hop_says_is_told(opened, quarantine, config, store_settings, start_hop):
    hop = await start_hop(answers={"RCPT TO:<c@": "550 5.1.1 nobody", "message": "451 4.3.0 later"})
    configure(config, store_settings, next_hop=f"smtp://{hop.address}", next_hop_timeout=0.5)
    mail_id = keep(opened)

    async def release(*words: str, code: int = 1) -> str:
        done = await asyncio.to_thread(quarantine, "release", mail_id, *words, code=code)
        return done.output

    assert await release() == f"{mail_id}: {C} not taken: 550 5.1.1 nobody; {B} not taken: 451 4.3.0 later\n"
    hop.answers["message"] = "drop"
    told = await release()
    assert f"may have arrived at {B}: next hop closed the connection; --again sends it once more\n" in told
    hop.answers = {"connect": "421 4.3.2 busy"}
    assert await release() == f"{mail_id}: not released: next hop greets with 421 4.3.2 busy\n"
    hop.answers = {}
    assert await release(code=0) == f"{mail_id}: released to {C}\n"
    assert "may have arrived" in await release(code=2)
    uncertain = await asyncio.to_thread(quarantine, "list", "--state", "uncertain")
    assert re.search(rf"{mail_id} .* uncertain", uncertain.stdout)
    assert await release("--again", code=0) == f"{mail_id}: released to {B}\n"


def test_a_recipient_who_may_only_ask(opened, quarantine, config, store_settings, tmp_path):
    configure(config, store_settings, next_hop=f"maildir:{tmp_path / 'mail'}", policies={B: {"self_release": "ask"}})
    mail_id = keep(opened)
    asked = quarantine("release", mail_id, "--as-recipient", B.upper())
    assert asked.stdout == f"{mail_id}: requested; somebody else has to release it\n"
    assert not (tmp_path / "mail").exists()
    assert " requested" in quarantine("list", "--state", "requested").stdout
    assert ", requested at " in quarantine("show", mail_id).stdout
    assert quarantine("release", mail_id, "--as-recipient", C).stdout == f"{mail_id}: released to {C}\n"
    quarantine("release", mail_id, "--as-recipient", "x@example.org", code=2)
    assert [entry[:2] for entry in actions(opened)] == [(B.upper(), "request"), (login_name(), "show"), (C, "release")]
    assert "x@example.org" not in quarantine("list").stdout
    quarantine("release", mail_id)
    assert quarantine("list", "--state", "requested").stdout == "No such mail.\n"


def test_a_recipient_speaks_for_itself(opened, quarantine):
    mail_id = keep(opened)
    for words in (["--to", B], ["--as", "anna"], ["--again"], ["--false-alarm"]):
        quarantine("release", mail_id, "--as-recipient", B, *words, code=2)


# Wiping


def test_delete_asks_for_a_yes(opened, quarantine):
    mail_id = keep(opened)
    assert "say --yes" in quarantine("delete", mail_id, code=2).stderr
    assert opened.quarantine.get(mail_id).state == "held"
    assert quarantine("delete", mail_id, mail_id, "--yes", "--as", "anna").stdout == "1 deleted\n"
    assert quarantine("delete", mail_id, "--yes").stdout == "0 deleted, 1 were gone before\n"
    assert actions(opened) == [("anna", "delete", mail_id)]
    out = quarantine("show", mail_id).stdout
    assert f"\n{B}: was not released\n" in out
    assert "Passwort" not in out
    assert "content is gone" in quarantine("show", mail_id, "--original", code=2).stderr


def test_delete_is_all_or_nothing(opened, quarantine):
    mail_id = keep(opened)
    quarantine("delete", mail_id, "no-such", "--yes", code=2)
    assert opened.quarantine.get(mail_id).state == "held"


def test_purge(opened, quarantine, config, store_settings):
    old, new = keep(opened, 91 * 24), keep(opened, 89 * 24)
    assert quarantine("purge", "--as", "anna").stdout.startswith("1 mail from before ")
    assert [opened.quarantine.get(mail_id).state for mail_id in (old, new)] == ["expired", "held"]
    assert actions(opened) == [("anna", "expire", old)]
    assert "say --yes" in quarantine("purge", "--before", "1d", code=2).stderr
    assert quarantine("purge", "--before", "1d", "--yes").stdout.startswith("1 mail from before ")
    assert opened.quarantine.get(new).state == "expired"
    assert f"{new}: expired" in quarantine("show", new).stdout


# Senders


def test_allow_the_author_of_a_mail_for_its_recipients(opened, quarantine):
    mail_id = keep(opened)
    expected = "".join(f"crook@example.com passes for {recipient}\n" for recipient in (B, C))
    assert quarantine("allow", mail_id, "--as", "anna").stdout == expected
    assert opened.senders.listing("crook@example.com", C) == "allow"
    assert quarantine("allow").stdout.startswith(f"crook@example.com passes for {B}, since ")
    assert quarantine("block").stdout == ""
    assert quarantine("allow", mail_id, "--for", B, "--remove").stdout == f"crook@example.com for {B}: removed\n"
    assert opened.senders.listing("crook@example.com", B) is None
    assert {entry[:2] for entry in actions(opened)} == {("anna", "allow"), (login_name(), "unlist")}


def test_block_a_domain_for_a_domain(opened, quarantine):
    mail_id = keep(opened)
    out = quarantine("block", mail_id, "--domain", "--for", "example.org", "--for", "*").stdout
    assert out == "example.com is kept back for example.org\nexample.com is kept back for *\n"
    assert opened.senders.listing("other@example.com", "x@example.net") == "block"


def test_senders_by_name(opened, quarantine):
    assert "--for" in quarantine("block", "crook@example.com", code=2).stderr
    assert quarantine("block", "Crook@Example.com", "--for", B).stdout == f"crook@example.com is kept back for {B}\n"
    assert "write an address" in quarantine("block", "a@", "--for", B, code=2).stderr


def test_nobody_is_blocked_for_writing_to_himself(opened, quarantine):
    mail_id = keep(opened, raw=b"From: B@Example.org\r\n\r\nI sent it from your account\r\n")
    assert "must not be blocked" in quarantine("block", mail_id, code=2).stderr
    nameless = keep(opened, raw=b"Subject: x\r\n\r\n")
    assert "names no author" in quarantine("allow", nameless, code=2).stderr
    assert opened.senders.entries() == []


# Evidence, audit and upkeep


def test_evidence_is_an_export(opened, quarantine, tmp_path):
    first, second = keep(opened), keep(opened)
    done = quarantine("evidence", first, second, first, "-o", str(tmp_path / "x.zip"), "--as", "anna")
    assert "evidence of 2 mails" in done.stderr
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.read(f"{first}/original.eml") == RAW
    assert actions(opened) == [("anna", "export", first), ("anna", "export", second)]
    quarantine("evidence", "no-such", "-o", str(tmp_path / "y.zip"), code=2)
    assert not (tmp_path / "y.zip").exists()


def test_the_audit_log(opened, quarantine):
    first, second = keep(opened), keep(opened)
    for who, mail_id in (("anna", first), ("ben", second), ("anna", second)):
        quarantine("show", mail_id, "--as", who)
    lines = quarantine("audit").stdout.splitlines()
    assert [line.split()[2:] for line in lines] == [
        ["anna", "show", second], ["ben", "show", second], ["anna", "show", first],
    ]  # fmt: skip
    assert len(objects(quarantine("audit", "--json", "--mail", second.upper()))) == 2
    assert len(objects(quarantine("audit", "--json", "--actor", "anna", "--since", "1h"))) == 2
    assert quarantine("audit", "--action", "delete").stdout == ""
    newest, more = quarantine("audit", "--limit", "1").stdout.splitlines()
    assert newest == lines[0]
    rest = quarantine("audit", *more.removeprefix("More: ").split()).stdout.splitlines()
    assert rest == lines[1:]


def test_rotate_key(opened, quarantine):
    mail_id = keep(opened)
    assert re.fullmatch(r"key [0-9a-f]{8} added; 2 rows encrypted with it\n", quarantine("rotate-key").stdout)
    assert opened.quarantine.raw(mail_id) == RAW


def test_migrate_makes_a_store(store_settings, quarantine):
    assert quarantine("migrate").stdout.endswith(" is ready\n")
    assert quarantine("list").stdout == "No such mail.\n"
    assert store_settings.key_file.stat().st_mode & 0o777 == 0o600


# Faults


ALL = [
    ["list"], ["show", "x"], ["release", "x"], ["delete", "x", "--yes"], ["allow", "x"], ["evidence", "x", "-o", "x"],
    ["audit"], ["purge"], ["rotate-key"],
]  # fmt: skip


def test_the_wrong_key(opened, quarantine, store_settings):
    keep(opened)
    store_settings.key_file.write_bytes(b"A" * 43 + b"=\n")
    for words in ALL:
        assert "is the wrong key" in quarantine(*words, code=2).stderr


def test_a_database_that_is_away(quarantine, config, store_settings, tmp_path):
    configure(config, store_settings.model_copy(update={"url": "postgresql://test:secret-word@127.0.0.1:1/test"}))
    for words in ALL:
        error = quarantine(*words, code=2).stderr
        assert "cannot be reached" in error
        assert "secret-word" not in error


def test_unknown_ids_name_near_ones(opened, quarantine):
    mail_id = keep(opened)
    wrong = ("z" if mail_id[0] != "z" else "v") + mail_id[1:]
    for words in (["show"], ["delete", "--yes"], ["allow"], ["audit", "--mail"], ["release"]):
        assert f"did you mean {mail_id}?" in quarantine(*words, wrong, code=2).stderr


def test_a_store_that_was_never_made_is_not_made_by_looking(tmp_path):
    words = ["quarantine", "list"]
    done = subprocess.run(
        [sys.executable, "-m", "milter", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"blackmail-filter: there is no store at {tmp_path}/quarantine/store.sqlite: ")
    assert list(tmp_path.iterdir()) == []


def test_who_is_at_it(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "anna")
    assert login_name() == "anna"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert login_name() == "uid 4000000000"
