"""A blackmail letter keeps its verdict under every trick that leaves it readable."""

from __future__ import annotations

import pytest
from letters import LANGUAGES, Letter, judged, plain_letters
from tricks import TRICKS, Trick

from milter.model import Verdict

ONE_CRIME = {"sextortion", "hacked-device", "leaked-password"}


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
    assert len(plain_letters(language)) >= 2


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_a_trick_changes_nothing(trick: Trick) -> None:
    faults = {
        f"{language}/{name}": found
        for language in sorted(trick.languages)
        for name, letter, expected in plain_letters(language)
        if trick.fits(letter) and (found := fault(trick, name, letter, expected))
    }
    assert faults == {}
