"""What a recipient is told: by kind, by what the verdict shows, and whether the reader is meant."""

from __future__ import annotations

from typing import get_args

import pytest

from milter.advice import BY_KIND, advice
from milter.i18n import LANGUAGES
from milter.model import Kind, RuleMatch, Verdict

KINDS: tuple[Kind, ...] = get_args(Kind)


def verdict(kind: Kind | None, *rules: str) -> Verdict:
    reasons = tuple(RuleMatch(rule, rule.split(".", maxsplit=1)[0], 1.0, "text", "") for rule in rules)  # type: ignore[arg-type]
    return Verdict(action="tag", score=9, kind=kind, reasons=reasons)


def said(found: Verdict, language: str = "en", *, personal: bool = False, emergency: str = "") -> str:
    words = advice(found, language, personal=personal, emergency=emergency)
    return "\n".join((words.headline, words.summary, *words.do, *words.avoid, words.comfort))


def test_each_kind_has_its_words() -> None:
    assert set(BY_KIND) == set(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_all_is_said_and_nothing_left_open(kind: Kind, language: str) -> None:
    for personal in (False, True):
        words = advice(verdict(kind, "claim.password", "spoof.own_address"), language, personal=personal)
        texts = (words.headline, words.summary, *words.do, *words.avoid, words.comfort)
        assert all(texts)
        assert len(words.do) >= 3
        assert len(words.avoid) >= 3
        assert not any("{" in text for text in texts)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("personal", [False, True])
def test_nobody_is_told_to_pay(kind: Kind, personal: bool) -> None:
    assert any(text.startswith("Do not pay") for text in advice(verdict(kind), "en", personal=personal).avoid)


def test_a_password_is_spoken_of_only_where_one_was_claimed() -> None:
    assert "password" in said(verdict("sextortion", "claim.password"))
    assert "password" not in said(verdict("sextortion", "claim.recorded"))
    assert "password" in said(verdict("sextortion", "claim.password"), personal=True)
    assert "password" not in said(verdict("sextortion"), personal=True)


def test_an_own_address_is_spoken_of_only_where_it_was_forged() -> None:
    assert "Anyone can forge that" in said(verdict("sextortion", "spoof.own_address"))
    assert "Anyone can forge that" not in said(verdict("sextortion", "claim.own_account"))


def test_a_rule_without_weight_says_nothing() -> None:
    quiet = Verdict(action="tag", kind="other", reasons=(RuleMatch("claim.password", "claim", 0.0, "text", ""),))
    assert "password" not in said(quiet)


@pytest.mark.parametrize("kind", ["bomb", "violence"])
@pytest.mark.parametrize("personal", [False, True])
def test_danger_to_life_begins_with_the_police(kind: Kind, personal: bool) -> None:
    words = advice(verdict(kind), "en", personal=personal, emergency="110")
    assert "Call the police now" in words.headline
    assert words.do[0] == "Call the police at once: 110. Read the mail to them."
    unknown = advice(verdict(kind), "en", personal=personal)
    assert unknown.do[0].startswith("Call the emergency number of the police at once.")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("bomb", "violence")])
def test_elsewhere_nobody_is_sent_to_the_emergency_number(kind: Kind) -> None:
    assert "110" not in said(verdict(kind), emergency="110")
    assert "emergency" not in said(verdict(kind))


def test_a_business_is_told_of_its_experts_and_duties() -> None:
    assert "internet provider" in said(verdict("ddos"))
    assert "72 hours" in said(verdict("data-leak"))
    assert "identity card" in said(verdict("fake-authority"))
    assert "reviews" in said(verdict("reputation"))


def test_a_personal_case_gets_other_words() -> None:
    bluff, personal = said(verdict("sextortion")), said(verdict("sextortion"), personal=True)
    assert "bluff" in bluff
    assert "thousands" in bluff
    assert not {"bluff", "thousands"} & set(personal.split())
    assert "Under 18?" in personal
    assert "Under 18?" not in bluff


def test_a_verdict_without_a_kind_gets_the_common_words() -> None:
    assert said(verdict(None)) == said(verdict("other"))
