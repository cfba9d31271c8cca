"""The test string: flagged wherever a reader would see it, called a test, and no cover for a letter of extortion."""

from __future__ import annotations

import base64
import json
import quopri
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from milter.actions.notice import Reader, notice, same_notice
from milter.actions.remember import Memory, Sight
from milter.advice import advice
from milter.config import Config, Policy, Store
from milter.content.message import read
from milter.i18n import LANGUAGES
from milter.inspector import configured_rules
from milter.model import Envelope, Verdict, Wallet
from milter.pipeline import inspect
from milter.reason import heading, sentence

ROOT = Path(__file__).parents[1]
RULE_FILE = ROOT / "rules" / "test.yaml"
PAGE = ROOT / "docs" / "trying.md"
(STRING,) = yaml.safe_load(RULE_FILE.read_text(encoding="utf-8"))["rules"][0]["tests"]["en"]["match"]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
RULES = configured_rules(Config())
HEAD = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: A test\r\nMIME-Version: 1.0\r\n"
LETTER = (
    "I hacked your computer and recorded you through your webcam. I will send the video to all your contacts.\n"
    "Pay me 900 dollars in bitcoin within 48 hours."
)


def judged(raw: bytes, policy: Policy | None = None) -> Verdict:
    return inspect(read(raw), Envelope(), rules=RULES, policy=policy or Policy())


def mail(body: str, fields: str = "") -> bytes:
    return HEAD + fields.encode() + b"\r\n" + body.encode()


def part(content_type: str, body: bytes, encoding: str = "7bit", more: str = "") -> bytes:
    fields = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n{more}\r\n"
    return fields.encode() + body + b"\r\n"


def mixed(*parts: bytes) -> bytes:
    joined = b"".join(b"--x\r\n" + one for one in parts)
    return HEAD + b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + joined + b"--x--\r\n"


SEEN = {
    "text": mail(f"Hello,\r\n{STRING}\r\nBye"),
    "alone": mail(STRING),
    "subject": mail("Hello").replace(b"A test", STRING.encode()),
    "folded subject": mail("Hello").replace(b"A test", b"Is this seen:\r\n " + STRING.encode()),
    "lower case": mail(STRING.lower()),
    "in a sentence": mail(f'Please look whether "{STRING}" arrives.'),
    "wrapped": mail(STRING.replace("-MAX", "-\r\nMAX")),
    "html": HEAD + part("text/html", f"<html><body><p>Hello <b>{STRING}</b></p></body></html>".encode()),
    "base64": HEAD + part("text/plain; charset=utf-8", base64.encodebytes(STRING.encode()), "base64"),
    "utf-16": HEAD + part("text/plain; charset=utf-16", base64.encodebytes(STRING.encode("utf-16")), "base64"),
    "quoted-printable": HEAD
    + part("text/plain", quopri.encodestring(f"{'long ' * 8}{STRING}".encode()), "quoted-printable"),
    "below other parts": mixed(part("text/plain", b"Hello"), part("text/plain", STRING.encode())),
}
COPIES = {
    "the page, pasted": mail(PAGE.read_text(encoding="utf-8")),
    "the page, attached": mixed(
        part("text/plain", b"Here it is."),
        part("text/markdown; charset=utf-8", PAGE.read_bytes(), "8bit", "Content-Disposition: attachment\r\n"),
    ),
    "the rules, attached": mixed(part("text/plain", b"Here they are."), part("text/plain", RULE_FILE.read_bytes())),
    "another test": mail("This is a BLACKMAIL-FILTER-TEST and NO-CRIME."),
}


def test_the_string_is_one_plain_line_and_the_page_gives_it() -> None:
    assert re.fullmatch(r"[!-~]{40,60}", STRING)
    assert PAGE.read_text(encoding="utf-8").count(STRING) == 1


@pytest.mark.parametrize("place", SEEN)
def test_it_is_flagged_wherever_it_is_read(place: str) -> None:
    verdict = judged(SEEN[place], Policy(quarantine=True))
    assert (verdict.action, verdict.score, verdict.kind) == ("quarantine", Policy().quarantine_at, "other")
    assert [reason.rule for reason in verdict.reasons] == ["threat.test", "demand.test"]
    assert sentence(verdict).startswith("This mail is a test of the mail filter and no crime: ")


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_of_the_manual_is_no_test(copy: str) -> None:
    assert judged(COPIES[copy]).reasons == ()


def test_a_reply_that_quotes_it_is_not_kept_back() -> None:
    quoted = mail(f"On Monday Anna wrote:\r\n> {STRING}\r\n\r\nThank you, I have seen it and will look at it tomorrow.")
    verdict = judged(quoted, Policy(quarantine=True))
    assert (verdict.action, verdict.score) == ("tag", 6.0)


def test_in_a_warning_it_counts_less() -> None:
    warning = "Beware of blackmail mails. Do not pay, do not reply, and report them to the police."
    assert judged(mail(f"{warning}\r\n{STRING}")).score < Policy().quarantine_at


def test_a_test_from_ones_own_address_is_a_test_still() -> None:
    verdict = judged(mail(STRING).replace(b"a@example.com", b"b@example.org"))
    assert "spoof.own_address" in {reason.rule for reason in verdict.reasons}
    assert "test" in sentence(verdict)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_recipient_is_frightened(language: str) -> None:
    verdict = replace(judged(mail(STRING)), personal=True)
    told = advice(verdict, language, personal=True)
    usual = advice(Verdict("tag", kind="other"), language, personal=False)
    assert told.headline != usual.headline
    assert not {told.headline, told.summary, told.comfort, *told.do, *told.avoid} & {
        usual.headline, usual.summary, usual.comfort, *usual.do, *usual.avoid
    }  # fmt: skip
    shown = notice(verdict, Reader(language, "DE")).text
    assert sentence(verdict, language) in shown
    assert heading(verdict, language) in shown
    assert "onlinewache" not in shown.lower()


@pytest.mark.parametrize("addition", [LETTER, "Send it to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa."])
def test_a_letter_with_the_string_is_not_called_a_test(addition: str) -> None:
    verdict = judged(mail(f"{addition}\r\n{STRING}"))
    assert verdict.flagged
    assert "test" not in sentence(verdict)
    assert heading(verdict) != heading(judged(mail(STRING)))


def test_a_letter_keeps_its_kind_and_demand_beside_the_string() -> None:
    alone, both = judged(mail(LETTER)), judged(mail(f"{LETTER}\r\n{STRING}"))
    assert (both.kind, both.demand) == (alone.kind, alone.demand)
    assert sentence(both) == sentence(alone)
    assert both.score >= alone.score


def test_the_notice_of_a_test_is_not_kept_above_a_letter() -> None:
    test, reader = judged(mail(STRING)), Reader()
    origin = notice(test, reader).origin
    assert same_notice(origin, test, reader)
    with_wallet = replace(test, wallets=(Wallet("BTC", "", True, "text"),))
    assert heading(with_wallet) == "Blackmail"
    assert same_notice(origin, with_wallet, reader) is None
    assert same_notice(origin, Verdict("tag", 9.0, "other"), reader) is None


def test_no_campaign_is_learned_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: list[Sight] = []
    monkeypatch.setattr(Memory, "_remember", lambda self, batch: remembered.extend(batch))
    memory = Memory(Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key"))
    letter, test = mail(LETTER), mail(STRING)
    for raw in (letter, test):
        memory.remember(Sight(raw, Envelope(), judged(raw), NOW, "id"))
    memory.close()
    assert [sight.raw for sight in remembered] == [letter]


def test_scan_flags_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "milter", "scan", "--offline", "--format", "jsonl", "-"],
        input=SEEN["base64"], capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    record = json.loads(done.stdout)
    assert (record["action"], record["score"], record["kind"]) == ("tag", 10.0, "other")
