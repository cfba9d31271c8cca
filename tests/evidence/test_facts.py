"""The facts of a case, and what of them can be looked for elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from evidence_cases import RECEIVED, english, german, innocent

from milter.evidence.facts import checksum, examine
from milter.evidence.indicators import Indicator, indicators
from milter.model import RuleMatch, Wallet


def test_facts_of_a_mail_from_a_file():
    facts = examine(german())
    assert facts.subject == "•••"
    assert [box.address for box in facts.reply_to] == ["answers@quickpost.example"]
    assert facts.source.address == "2001:db8:77::5"
    assert facts.seen == datetime(2026, 11, 24, 10, 59, 51, tzinfo=UTC)
    assert facts.recipients == {"erika@example.org"}


def test_facts_of_a_mail_that_the_filter_took_in():
    facts = examine(english())
    assert facts.seen == RECEIVED
    assert facts.return_path == "bounce-77@mailer.example"
    assert facts.subject == "Your password is ••• <b>and more</b>"
    assert [one.filename for one in facts.attachments] == ["../../<i>•••</i>.pdf"]
    assert facts.content_type == "multipart/mixed"
    assert facts.results == ("mx.example.com; spf=pass smtp.mailfrom=mailer.example",)


def test_the_state_of_a_checksum():
    assert [checksum(wallet) for wallet in examine(english()).wallets] == ["holds", "fails"]
    assert checksum(Wallet("ETH", "0x" + "ab" * 20, True, "text")) == "none"


def test_indicators_leave_out_what_a_sender_can_forge():
    assert list(indicators(examine(german()))) == [
        Indicator("wallet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        Indicator("reply-to", "answers@quickpost.example"),
        Indicator("client", "2001:db8:77::5"),
    ]


def test_an_author_is_an_indicator_if_dmarc_confirms_him():
    case = english()
    author = Indicator("author", "invoices@mailer.example")
    assert author in list(indicators(examine(case)))
    unproven = replace(case, verdict=replace(case.verdict, auth=replace(case.verdict.auth, dmarc="fail")))
    assert author not in list(indicators(examine(unproven)))


def test_the_recipients_own_address_is_no_indicator_wherever_it_stands():
    case = german()
    answers = replace(case, raw=case.raw.replace(b"answers@quickpost.example", b"erika@example.org"))
    confirmed = replace(answers, verdict=replace(case.verdict, auth=replace(case.verdict.auth, dmarc="pass")))
    assert {one.target for one in indicators(examine(confirmed))} == {"wallet", "client"}


def test_a_password_is_masked_in_an_excerpt_that_does_not_call_it_one():
    case = german()
    reason = RuleMatch("claim.password", "claim", 2.0, "text", "It is Sonnenschein77, as you know")
    told = examine(replace(case, verdict=replace(case.verdict, reasons=(reason,))))
    assert told.reasons[0].excerpt == "It is •••, as you know"


def test_a_mail_that_is_not_flagged_has_no_indicators():
    facts = examine(innocent())
    assert facts.wallets
    assert list(indicators(facts)) == []
