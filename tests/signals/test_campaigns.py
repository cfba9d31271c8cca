"""What a mail has to do with campaigns that are known, and that this supports a verdict but never makes one."""

from __future__ import annotations

import pytest

from milter.config import Config, Policy
from milter.content.message import read
from milter.inspector import configured_rules
from milter.model import Envelope, Verdict, Wallet
from milter.pipeline import inspect, letter_texts, readings_of
from milter.signals import campaigns
from milter.signals.campaigns import CampaignBook, KnownCampaign, KnownCampaigns
from milter.signals.template import SLOTS, Signature, bands, signature

RULES = configured_rules(Config())
BTC, OTHER_BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
LETTER = (
    "Good day. Your web site is weak, and our group has looked at it with care for some weeks now. We will leak the"
    " data of your customers to the press and to everybody who cares, and your name will be worth nothing any more."
    " Transfer 2 BTC to our wallet until Friday. Whoever is clever does so at once and never hears of us again."
)
# A threat and nothing else.
THREAT = (
    "We will publish the videos of you to all your friends and to your family, one after the other, night by night."
)
ORDINARY = (
    "Good day. The minutes of our meeting are in the folder, as always, and the next one is on Friday in the big room."
    " Please send me what you want to talk about until Wednesday, so that I can put it on the list for all of us."
)


def mail(text: str) -> bytes:
    return f"From: a@example.com\r\nTo: b@example.org\r\nSubject: hello\r\n\r\n{text}\r\n".encode()


def sign(text: str) -> Signature:
    found = signature(letter_texts(readings_of(read(mail(text)))))
    assert found
    return found


def judged(text: str, known: KnownCampaigns = campaigns.NO_CAMPAIGNS, policy: Policy | None = None) -> Verdict:
    return inspect(read(mail(text)), Envelope(), rules=RULES, policy=policy or Policy(), campaigns=known)


def campaign(text: str = LETTER, *wallets: str, number: int = 1, harmless: bool = False) -> KnownCampaign:
    return KnownCampaign(number, harmless, sign(text), frozenset(wallets))


def wallet(address: str) -> Wallet:
    return Wallet("BTC", address, True, "text")


def names(known: KnownCampaigns, text: str, *wallets: str) -> list[str]:
    return [sign.name for sign in known.match(sign(text), [wallet(address) for address in wallets])]


# What is known


def test_a_letter_a_wallet_or_neither_is_known():
    known = KnownCampaigns([campaign(LETTER, BTC)])
    assert names(known, LETTER) == ["campaign.known"]
    assert names(known, LETTER, BTC) == ["campaign.known", "campaign.wallet"]
    assert names(known, ORDINARY, OTHER_BTC) == []
    assert [sign.excerpt for sign in known.match(sign(LETTER), [wallet(BTC)])] == ["campaign 1", BTC]
    assert [sign.name for sign in known.match(None, [wallet(BTC)])] == ["campaign.wallet"]


def test_the_most_alike_decides():
    other = LETTER.replace("with care for some weeks now", "at night").replace("and never hears of us again", "")
    known = KnownCampaigns([campaign(LETTER, number=1), campaign(other, number=2, harmless=True)])
    assert names(known, LETTER) == ["campaign.known"]
    assert names(known, other) == ["campaign.harmless"]
    both = KnownCampaigns([campaign(LETTER, number=1), campaign(LETTER, number=2, harmless=True)])
    assert names(both, LETTER) == ["campaign.harmless"]


@pytest.mark.parametrize(("equal", "known"), [(0.45, ["campaign.known"]), (0.35, [])])
def test_what_resembles_it_less_than_closely_is_not_known(equal, known):
    found = sign(LETTER)
    same = round(equal * SLOTS)
    other = found[:same] + tuple(slot + 1 for slot in found[same:])
    assert set(bands(found)) & set(bands(other))
    assert [sign.name for sign in KnownCampaigns([campaign(LETTER)]).match(other, [])] == known


def test_a_wallet_that_harmless_mail_names_proves_nothing():
    known = KnownCampaigns([campaign(LETTER, BTC, OTHER_BTC), campaign(ORDINARY, BTC, number=2, harmless=True)])
    assert names(known, LETTER, BTC) == ["campaign.known"]
    assert names(known, LETTER, OTHER_BTC) == ["campaign.known", "campaign.wallet"]


def test_nothing_known_is_false():
    assert not KnownCampaigns()
    assert KnownCampaigns([KnownCampaign(1, False, None, frozenset({BTC}))])


def test_a_book_takes_over_what_is_new_and_drops_what_is_gone():
    book = CampaignBook()
    one, two = campaign(LETTER, number=1), campaign(ORDINARY, number=2)
    assert book.outdated({1: 5, 2: 6}) == [1, 2]
    book.renew({1: 5, 2: 6}, [one, two])
    assert book.outdated({1: 5, 2: 7}) == [2]
    book.renew({1: 5, 2: 7}, [campaign(ORDINARY, number=2, harmless=True)])
    assert names(book.current, ORDINARY) == ["campaign.harmless"]
    assert names(book.current, LETTER) == ["campaign.known"]
    book.renew({2: 7}, [])
    assert names(book.current, LETTER) == []
    same = book.current
    book.renew({2: 7}, [])
    assert book.current is same


# What follows from it


def test_a_known_letter_counts_more_but_no_more_than_the_group_may():
    alone = judged(f"{LETTER} {BTC}")
    known = judged(f"{LETTER} {BTC}", KnownCampaigns([campaign(LETTER, BTC)]))
    assert alone.flagged
    assert known.score == pytest.approx(alone.score + 2)
    found = {reason.rule: (reason.group, reason.excerpt) for reason in known.reasons}
    assert found["campaign.letter"] == ("campaign", "campaign 1")
    assert found["campaign.address"] == ("campaign", BTC)
    assert known.kind == alone.kind


@pytest.mark.parametrize("text", [THREAT, f"Transfer 2 BTC to this wallet until Friday, please: {BTC}. " + ORDINARY])
def test_it_never_flags_by_itself(text):
    known = judged(text, KnownCampaigns([campaign(text, BTC)]))
    assert known.action == "accept"
    assert known.score <= RULES.scoring.one_sided_cap


def test_mail_without_any_side_is_not_even_looked_at(monkeypatch):
    monkeypatch.setattr("milter.pipeline.signature", lambda *_: pytest.fail("was signed"))
    assert (
        judged(f"{ORDINARY} {BTC}", KnownCampaigns([campaign(ORDINARY, BTC)])).score
        == judged(f"{ORDINARY} {BTC}").score
    )
    with pytest.raises(pytest.fail.Exception, match="was signed"):
        judged(THREAT, KnownCampaigns([campaign(THREAT)]))


def test_while_nothing_is_known_nothing_is_signed(monkeypatch):
    monkeypatch.setattr("milter.pipeline.signature", lambda *_: pytest.fail("was signed"))
    assert judged(LETTER).flagged


def test_what_resembles_a_false_alarm_counts_less_and_is_never_quarantined():
    policy = Policy(quarantine=True, quarantine_at=5)
    assert judged(LETTER, policy=policy).action == "quarantine"
    verdict = judged(LETTER, KnownCampaigns([campaign(harmless=True)]), policy)
    assert verdict.score <= max(0, judged(LETTER).score - 7)
    assert not verdict.flagged


def test_a_letter_that_is_cited_is_not_the_authors():
    cited = "Dear help desk, is this real? " + ORDINARY + "\n" + "".join(f"> {line}.\n" for line in LETTER.split(". "))
    rules = {reason.rule for reason in judged(cited, KnownCampaigns([campaign(LETTER, BTC)])).reasons}
    assert "campaign.letter" not in rules
