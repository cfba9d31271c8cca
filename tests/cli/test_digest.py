"""The digest from the command line."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from click.testing import CliRunner
from stored_mails import ENVELOPE, RAW, VERDICT, B, C

from milter.cli import main

BEFORE = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def run(opened, store_settings, tmp_path):
    opened.quarantine.keep(RAW, ENVELOPE, VERDICT, received=BEFORE)

    def call(*words: str, **digest: object):
        settings = {
            "store": {"url": store_settings.url, "key_file": str(store_settings.key_file)},
            "hostname": "filter.example",
            "next_hop": f"maildir:{tmp_path / 'mail'}",
            "digest": digest,
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        return CliRunner().invoke(main, ["digest", *words, "-c", str(path)])

    return call


def arrived(tmp_path) -> list[str]:
    return [path.read_text(encoding="ascii") for path in (tmp_path / "mail").glob("new/*")]


def test_it_is_sent_once_to_each(run, tmp_path):
    first = run("send", command_address="commands@example.org")
    assert (first.exit_code, first.output) == (0, f"sent to {B}\nsent to {C}\n")
    again = run("send", command_address="commands@example.org")
    assert (again.exit_code, again.output) == (0, "nothing to send: nobody has new mail, or today's digest is out\n")
    mails = arrived(tmp_path)
    assert len(mails) == 2
    assert all(mail.startswith("Return-Path: <>\n") for mail in mails)


def test_one_recipient_and_the_administrator(run, tmp_path):
    assert run("send", "--recipient", B.upper(), command_address="commands@example.org").output == f"sent to {B}\n"
    rest = run("send", command_address="commands@example.org", admin="postmaster@example.org")
    assert rest.output == f"sent to {C}\nsent to postmaster@example.org\n"


def test_a_preview_sends_nothing(run, tmp_path):
    text = run("preview", "--recipient", C)
    assert text.exit_code == 0
    assert text.output.startswith(f"To: {C}\nSubject: 1 Mail an Sie wurde zurückgehalten\n")
    assert "900 US-Dollar" in text.output
    assert run("preview", "--html").output.startswith("<!doctype html>")
    assert arrived(tmp_path) == []
    assert run("send", command_address="commands@example.org").output.count("sent to") == 2


def test_faults_are_one_line(run):
    assert run("preview", "--recipient", "nobody@example.org").output == (
        "blackmail-filter: nothing new is held for nobody@example.org\n"
    )
    fault = run("send")
    assert fault.exit_code == 2
    assert fault.output.startswith("blackmail-filter: digest: give from_address or command_address")


def test_a_missing_extra_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette", None)
    path = tmp_path / "config.yaml"
    path.write_text("web: {listen: 127.0.0.1:0}\n", encoding="ascii")
    for command in ("serve", "check"):
        done = CliRunner().invoke(main, [command, "-c", str(path)])
        assert done.exit_code == 2
        assert done.output.endswith("pip install 'blackmail-filter[web]'\n")
