"""A blackmail letter keeps its verdict under every trick that leaves it readable."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from tricks import TRICKS, Letter, Trick, plain

from milter.config import Config, Policy
from milter.content.message import read
from milter.engine.schema import Language
from milter.inspector import configured_rules
from milter.model import Envelope, Verdict
from milter.pipeline import inspect

SAMPLES = Path(__file__).parent / "samples"
LANGUAGES = Language.__args__  # type: ignore[attr-defined]
ENOUGH = 5
ONE_CRIME = {"sextortion", "hacked-device", "leaked-password"}


RULES = cache(configured_rules)


def judged(raw: bytes) -> Verdict:
    return inspect(read(raw), Envelope(), rules=RULES(Config()), policy=Policy(quarantine=True))


@cache
def letters(language: str) -> list[tuple[str, Letter, Verdict]]:
    """The plain letters among our samples: flagged, without a disguise of their own."""
    found = []
    for path in sorted((SAMPLES / language / "extortion").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        subject, body = text.removeprefix("Subject: ").split("\n", 1) if text.startswith("Subject: ") else ("", text)
        letter = Letter(language, subject, body)
        verdict = judged(plain(letter))
        if verdict.flagged and not any(reason.group == "evasion" for reason in verdict.reasons):
            found.append((path.stem, letter, verdict))
    return found[:ENOUGH]


def fault(trick: Trick, name: str, letter: Letter, expected: Verdict) -> str | None:
    verdict = judged(trick.mail(letter))
    if not verdict.flagged:
        return f"missed at {verdict.score}"
    # A letter of two kinds may turn from the one to the other, if that is the one it was written as.
    if verdict.kind not in (expected.kind, name.split("-", 1)[1]) and not {verdict.kind, expected.kind} <= ONE_CRIME:
        return f"{expected.kind} became {verdict.kind}"
    if letter.address and not any(wallet.address == letter.address and wallet.valid for wallet in verdict.wallets):
        return "lost its address"
    return None


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_plain_letters(language: str) -> None:
    assert len(letters(language)) >= 2


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_a_trick_changes_nothing(trick: Trick) -> None:
    faults = {
        f"{language}/{name}": found
        for language in sorted(trick.languages)
        for name, letter, expected in letters(language)
        if trick.fits(letter) and (found := fault(trick, name, letter, expected))
    }
    assert faults == {}
