"""report.html says what matters in the reader's language, needs nothing from outside, and obeys no mail."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from evidence_cases import ENVELOPE, NOW, RECEIVED, SECRETS, case, english, german, innocent
from selectolax.lexbor import LexborHTMLParser

import milter
from milter.evidence.facts import examine
from milter.evidence.report import Reader, report
from milter.i18n import LANGUAGES

STYLE = Path(milter.__file__).parent / "data" / "evidence" / "page.css"
HOSTILE = '"><script>alert(1)</script><img src=//evil.test/x onerror=x>{{ 7*7 }}'


def page(of, language="en", country="GB"):
    return LexborHTMLParser(report(examine(of), Reader(language, country), now=NOW))


def text(tree, selector="body"):
    return " ".join(" ".join(node.text() for node in tree.css(selector)).split())


def test_it_names_demand_wallet_deadline_and_where_the_mail_came_from():
    shown = text(page(german()))
    assert "1,450 EUR" in shown
    assert "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4" in shown
    assert "The checksum is right" in shown
    assert "this would end on November 26, 2026, 10:59:51" in shown
    assert "2001:db8:77::5" in text(page(german()), ".finding")
    assert "Do not pay" in shown


def test_the_way_of_the_mail_shows_what_can_be_trusted():
    steps = page(german()).css(".route li")
    assert [step.attributes["class"] for step in steps] == ["ours", "ours", "handover", "claimed"]
    assert "47 minutes after the line below" in " ".join(steps[2].text().split())
    assert "an address that exists only inside a network" in steps[3].text()
    assert "if the file comes unchanged" in text(page(german()))
    assert "The filter itself took part" in text(page(english()))


def test_a_name_that_a_host_gave_itself_is_not_shown_as_its_name():
    finding = page(german()).css(".finding")[0]
    assert "called itself srv7.hosting.example" in " ".join(finding.text().split())
    assert [node.text() for node in finding.css("bdi")] == ["2001:db8:77::5"]


def test_results_of_the_sender_checks_are_in_plain_words():
    shown = text(page(english()))
    assert "That says nothing about the sender's intentions." in shown
    assert "The signature is not valid" in shown
    assert "The recipient's own name or address is shown" in shown
    assert "mx.example.com; spf=pass smtp.mailfrom=mailer.example" in shown
    assert "were not checked, since the DNS was not asked" in text(page(german()))


def test_a_deadline_and_wallets_with_and_without_a_right_checksum():
    shown = text(page(english()))
    assert "The checksum is right" in shown
    assert "The checksum is wrong" in shown


@pytest.mark.parametrize("make", [german, english])
def test_no_password_is_shown(make):
    source = report(examine(make()), Reader("en", "GB"), now=NOW)
    assert not any(secret in source for secret in SECRETS)
    assert "•••" in source


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_can_be_written_in_every_language(language):
    for make in (german, english, innocent):
        tree = page(make(), language, None)
        assert tree.css("html")[0].attributes["lang"] == language
        assert "{" not in text(tree, "main")


def test_the_country_decides_where_to_report_and_else_the_recipients_domain():
    assert "Onlinewache" in text(page(german(), "de", "DE"), ".points")
    assert "Onlinewache" in text(page(german(), "de", None), ".points")
    assert "Report Fraud" in text(page(german(), "de", "GB"), ".points")


def test_a_mail_that_is_not_flagged_gets_facts_and_no_advice():
    tree = page(innocent())
    assert "No extortion found." in text(tree)
    assert tree.css(".advice") == []
    assert tree.css(".points") == []


def hostile():
    """A mail that has markup wherever a stranger can write."""
    raw = (
        f"Received: from {HOSTILE} (evil.test [203.0.113.9]) by {HOSTILE}; x\n"
        f"Authentication-Results: {HOSTILE}\nFrom: {HOSTILE} <a@evil.test>\nReply-To: <{HOSTILE}@evil.test>\n"
        f"To: b@example.org\nSubject: {HOSTILE}\nMessage-ID: {HOSTILE}\nReturn-Path: {HOSTILE}\n"
        f"Content-Type: text/plain\n\nI hacked your webcam {HOSTILE} and filmed you. I will send the video {HOSTILE} to"
        " all your contacts. Pay 900 dollars in bitcoin within 48 hours.\n"
    ).encode()
    envelope = replace(ENVELOPE, mail_from=HOSTILE, rcpt_to=(HOSTILE,), helo_name=HOSTILE, client_name=HOSTILE)
    return case(raw, HOSTILE, envelope, received=RECEIVED)


def test_what_a_stranger_wrote_is_only_text():
    tree = page(hostile())
    allowed = "html head meta title style body main header section footer h1 h2 h3 p ul ol li dl dt dd span strong"
    allowed += " br a bdi code table tbody tr th td q div details summary"
    assert {node.tag for node in tree.css("*")} <= set(allowed.split())
    assert "{{ 7*7 }}" in text(tree)


@pytest.mark.parametrize("make", [german, english, hostile])
def test_it_loads_nothing_and_links_only_where_to_report(make):
    tree = page(make())
    named = {name for node in tree.css("*") for name in node.attributes}
    assert named <= {"lang", "charset", "name", "content", "http-equiv", "class", "href", "rel", "scope"}
    links = [node.attributes["href"] for node in tree.css("[href]")]
    assert all(re.match(r"(https://|mailto:)", link) and "evil" not in link for link in links)
    assert not re.search(r"url\(|@import|expression", STYLE.read_text(encoding="utf-8"))
    assert "default-src 'none'" in tree.css("meta[http-equiv]")[0].attributes["content"]


def test_it_is_made_for_paper_and_for_a_telephone():
    style = STYLE.read_text(encoding="utf-8")
    assert "size: A4" in style
    assert "max-width: 40rem" in style
    assert "prefers-color-scheme: dark" in style
    assert page(german()).css("meta[name=viewport]")


def test_a_route_without_end_is_cut():
    lines = "Received: from a.test (a.test [203.0.113.9]) by b.test; x\n" * 500
    tree = page(case(f"{lines}From: a@evil.test\n\nHello\n".encode()))
    assert len(tree.css(".route li")) == 40
    assert "Further lines that are not shown: 460" in text(tree)


def test_the_reader_is_told_in_his_language_how_to_read_the_lines():
    assert "Alles darunter kann der Absender erfunden haben." in text(page(german(), "de"))
    assert "Der Filter" in text(page(english(), "de"))
