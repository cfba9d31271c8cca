"""Campaigns from the command line, with a real store in both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from stored_mails import VERDICT, mail

from milter.cli import main
from milter.config import Store
from milter.model import Envelope
from milter.store.letter import letter_of
from milter.store.opened import OpenStore
from milter.store.records import CampaignState

NOW = datetime.now(UTC)
BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
LETTER = (
    "Hello Anna, a small program on your computer has recorded you while you looked at pages for adults. My address for"
    f" bitcoin is {BTC}. Unless 900 USD arrive there within two days, everybody you know gets the film. Your password"
    " is xylophon99."
)
OTHER = (
    "This is a message to the owner of the shop. Tomorrow a flood of requests will make your pages vanish from the net"
    " until you have paid, and no provider in the world is able to stop it."
)
Run = Callable[..., Result]


@pytest.fixture
def run(store_settings: Store, tmp_path: Path) -> Run:
    """Run `quarantine` with these words; nothing it says is a traceback."""
    path = tmp_path / "config.yaml"
    store = {"url": store_settings.url, "key_file": str(store_settings.key_file)}
    settings = {"store": store, "hostname": "filter.example", "next_hop": f"maildir:{tmp_path / 'mail'}"}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def run(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(main, ["quarantine", *words, "-c", str(path)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == code, done.output
        return done

    return run


def keep(store: OpenStore, text: str = LETTER, to: str = "anna@example.org", hours: float = 0) -> str:
    raw, envelope, received = mail(text), Envelope("", (to,)), NOW - timedelta(hours=hours)
    mail_id = store.quarantine.keep(raw, envelope, VERDICT, received=received)
    store.campaigns.remember([letter_of(raw, envelope, VERDICT, seen=received, mail_id=mail_id)])
    return mail_id


def states(store: OpenStore) -> list[CampaignState]:
    return [campaign.state for campaign in store.campaigns.find()]


def audited(store: OpenStore) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.action, entry.detail) for _, entry in reversed(store.audit.entries())]


def test_the_list_is_the_default_and_tells_no_secret(opened, run):
    keep(opened, hours=72)
    keep(opened, to="paul@example.org", hours=2)
    keep(opened, OTHER, hours=1)
    done = run("campaigns")
    head, other, letter = done.stdout.splitlines()
    assert head.split() == ["id", "first", "last", "mails", "recipients", "kind", "state", "wallets", "template"]
    assert other.split()[1:7] == ["1h", "1h", "1", "1", "sextortion", "suspected"]
    assert letter.split()[1:7] == ["3d", "2h", "2", "2", "sextortion", "suspected"]
    assert " 1A1zP1…vfNa " in letter
    assert "Hello … a small program on your computer" in letter
    assert done.stdout == run("campaigns", "list").stdout
    assert "xylophon99" not in done.stdout


def test_a_list_can_be_narrowed(opened, run):
    assert run("campaigns", "list").stdout == "No such campaign.\n"
    keep(opened)
    keep(opened, to="paul@example.org")
    keep(opened, OTHER)
    number = opened.campaigns.find(least=2)[0].id
    run("campaigns", "confirm", str(number))
    for words in (["--state", "confirmed"], ["--mails", "2"]):
        (found,) = run("campaigns", "--json", *words).stdout.splitlines()
        assert json.loads(found)["id"] == number
    assert len(run("campaigns", "list", "--json", "--limit", "1").stdout.splitlines()) == 1


def test_json_has_all(opened, run):
    keep(opened)
    (line,) = run("campaigns", "--json").stdout.splitlines()
    found = json.loads(line)
    assert found["wallets"] == [{"address": BTC, "currency": "BTC"}]
    assert (found["mails"], found["recipients"], found["state"], found["decided_at"]) == (1, 1, "suspected", None)
    assert datetime.fromisoformat(found["first_seen"]) == NOW
    assert "xylophon99" not in line


def test_one_is_shown_with_its_mails(opened, run):
    first, second = keep(opened, hours=1), keep(opened, to="paul@example.org")
    number = str(opened.campaigns.find()[0].id)
    run("campaigns", "confirm", number, "--as", "ada")
    shown = run("campaigns", "show", number).stdout
    assert shown.startswith(f"Campaign {number}: confirmed, by ada at ")
    assert "2 mails to 2 recipients, sextortion" in shown
    assert f"BTC address {BTC}" in shown
    assert "Your password is •••." in shown
    assert shown.index(second) < shown.index(first)
    found = json.loads(run("campaigns", "show", number, "--json").stdout)
    assert (found["kept"], found["decided_by"]) == ([second, first], "ada")
    assert [json.loads(line)["id"] for line in run("list", "--json", "--campaign", number).stdout.splitlines()] == [
        second,
        first,
    ]


def test_what_is_decided_is_audited(opened, run):
    keep(opened)
    number = str(opened.campaigns.find()[0].id)
    assert run("campaigns", "confirm", number, "--as", "ada").stdout == f"Campaign {number} is confirmed as extortion\n"
    assert states(opened) == ["confirmed"]
    assert run("campaigns", "harmless", number, "--as", "bob").stdout == f"Campaign {number} is harmless\n"
    assert states(opened) == ["harmless"]
    assert audited(opened) == [("ada", "confirm", f"campaign {number}"), ("bob", "harmless", f"campaign {number}")]


@pytest.mark.parametrize("words", [["show", "77"], ["confirm", "77"], ["harmless", "77"]])
def test_an_unknown_one_is_named(opened, run, words):
    done = run("campaigns", *words, code=2)
    assert done.stderr == "blackmail-filter: there is no campaign 77\n"
    assert audited(opened) == []


def test_help_is_help():
    said = CliRunner().invoke(main, ["quarantine", "campaigns", "--help"]).stdout
    for name in ("list", "show", "confirm", "harmless"):
        assert f"  {name} " in said


def test_a_release_as_false_alarm_teaches(opened, run):
    mail_id = keep(opened)
    number = opened.campaigns.find()[0].id
    run("campaigns", "confirm", str(number), "--as", "ada")
    run("release", mail_id, "--false-alarm", "--as", "bob")
    assert states(opened) == ["harmless"]
    said = [(action, detail) for actor, action, detail in audited(opened) if actor == "bob"]
    assert said == [
        ("release", "1 of 1 copies"),
        ("false-alarm", f"campaign {number}"),
        ("harmless", f"campaign {number}"),
    ]
