"""The sentence for people: each clause stems from a rule."""

from typing import get_args

import pytest

from milter.i18n import LANGUAGES
from milter.model import Demand, Kind, RuleMatch, Verdict, Wallet
from milter.reason import CLAIMS, SPOOFS, THREATS, kind_name, sentence, subject_tag


def verdict(*rules: str, wallets: tuple[Wallet, ...] = (), demand: Demand | None = None) -> Verdict:
    reasons = tuple(RuleMatch(rule, rule.split(".", maxsplit=1)[0], 1.0, "text", "") for rule in rules)  # type: ignore[arg-type]
    return Verdict(action="tag", score=9, reasons=reasons, wallets=wallets, demand=demand or Demand())


BTC = Wallet("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", valid=True, where="text")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            verdict(
                "claim.recorded", "demand.pay", "spoof.own_address", wallets=(BTC,), demand=Demand("1450", "USD", 48)
            ),
            "Claims to have filmed you through the camera, demands 1,450 USD in Bitcoin within 48 hours; "
            "your own address as sender is forged.",
        ),
        (verdict("threat.bomb", "demand.crypto"), "Threatens with a bomb, demands money in cryptocurrency."),
        (
            verdict("threat.publish", "demand.pay", demand=Demand("0.15", "BTC", 120)),
            "Threatens to publish recordings of you, demands 0.15 BTC within 5 days.",
        ),
        (verdict("claim.password", "demand.implied"), "Claims to know your password."),
        (verdict("threat.own_rule"), "Shows several signs of extortion."),
        (Verdict(), "No extortion found."),
    ],
)  # fmt: skip
def test_sentence(found: Verdict, expected: str) -> None:
    assert sentence(found) == expected


def test_nothing_is_invented() -> None:
    words = sentence(verdict("claim.hacked", "demand.pay")).lower()
    assert not {"filmed", "bitcoin", "hours", "forged"} & set(words.replace(",", " ").replace(".", " ").split())


FULL = verdict(
    "claim.recorded", "threat.publish", "demand.pay", "spoof.own_address", wallets=(BTC,),
    demand=Demand("1450", "USD", 48),
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "de",
            "Behauptet, Sie mit der Kamera gefilmt zu haben. Droht, Aufnahmen von Ihnen zu veröffentlichen. "
            "Verlangt innerhalb von 48 Stunden 1.450 US-Dollar in Bitcoin. "
            "Ihre eigene Adresse als Absender ist gefälscht.",
        ),
        (
            "nl",
            "Beweert u met de camera te hebben gefilmd, dreigt opnamen van u te publiceren, "
            "eist binnen 48 uur 1.450 Amerikaanse dollar in Bitcoin; uw eigen adres als afzender is vervalst.",
        ),
        (
            "ja",
            "カメラであなたを撮影したと主張しています。あなたの録画を公開すると脅しています。"
            "48時間以内にビットコインで1,450米ドルを支払うよう要求しています。"
            "差出人に使われているあなた自身のアドレスは偽装です。",
        ),
    ],
)
def test_sentence_in_other_languages(language: str, expected: str) -> None:
    assert sentence(FULL, language) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_clause_is_said_in_every_language(language: str) -> None:
    for table in (CLAIMS, THREATS, SPOOFS):
        for rule in table:
            words = sentence(verdict(rule, "demand.crypto"), language)
            assert "{" not in words
            assert "  " not in words
            assert words != sentence(verdict("demand.crypto"), language), rule
    assert sentence(FULL, language).count(".") + sentence(FULL, language).count("。") >= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_known_leaves_no_hole(language: str) -> None:
    for demand in (Demand(), Demand("5", None, None), Demand(None, None, 1), Demand("0.5", "BTC", 240)):
        words = sentence(verdict("demand.pay", demand=demand), language)
        assert "  " not in words
        assert not any(hole in words for hole in (" .", " ,", "None", "{"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_kinds_and_tag_have_names(language: str) -> None:
    names = [kind_name(kind, language) for kind in get_args(Kind)]
    assert len(set(names)) == len(names)
    assert kind_name(None, language) == kind_name("other", language)
    assert subject_tag(language)[0] + subject_tag(language)[-1] == "[]"


def test_an_unknown_language_is_english() -> None:
    assert sentence(FULL, "xx") == sentence(FULL) == sentence(FULL, None)
