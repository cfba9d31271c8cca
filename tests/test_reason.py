"""The sentence for people: each clause stems from a rule."""

import pytest

from milter.model import Demand, RuleMatch, Verdict, Wallet
from milter.reason import sentence


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
