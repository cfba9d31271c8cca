"""Our own letters as cases: the German one from a file, the English one as the quarantine kept it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from milter.config import Config, Policy
from milter.content.message import read
from milter.engine.ruleset import RuleSet
from milter.evidence import Case
from milter.inspector import configured_rules
from milter.model import Authentication, Envelope
from milter.pipeline import inspect

MAILS = Path(__file__).parent / "evidence" / "mails"
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
RECEIVED = datetime(2026, 11, 24, 3, 41, 8, tzinfo=UTC)
ENVELOPE = Envelope(
    "bounce-77@mailer.example",
    ("sam@example.com",),
    "203.0.113.77",
    "relay.mailer.example",
    "relay.mailer.example",
    "4Ym8Zk3qLtz5d",
)
RESULTS = (
    "spf=pass smtp.mailfrom=mailer.example; dkim=fail header.d=mailer.example; dmarc=pass header.from=mailer.example"
)
SECRETS = ("Sonnenschein77", "Falcon!92", "hunter2")


@cache
def rules() -> RuleSet:
    """The shipped rules."""
    return configured_rules(Config())


def case(raw: bytes, name: str = "lusab-babad", envelope: Envelope | None = None, **more: object) -> Case:
    """A case with the verdict of the shipped rules."""
    envelope = envelope or Envelope()
    verdict = inspect(read(raw), envelope, rules=rules(), policy=Policy(quarantine=True))
    return replace(Case(name, raw, envelope, verdict), **more)


def german() -> Case:
    return case((MAILS / "german.eml").read_bytes(), "lusab-babad")


def english() -> Case:
    kept = case((MAILS / "english.eml").read_bytes(), "gutih-tugad", ENVELOPE, received=RECEIVED)
    auth = Authentication("pass", "fail", "pass", "none", ("display_name_recipient",), RESULTS)
    return replace(kept, verdict=replace(kept.verdict, auth=auth))


def innocent() -> Case:
    raw = (
        b"From: a@example.net\nTo: b@example.org\nSubject: Donate\n\nOur address: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n"
    )
    return case(raw, "dafav-mubob")
