"""What a notice says, in which order and language, and that it is a page which mail programs show as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest
from selectolax.lexbor import LexborHTMLParser

from milter.actions.notice import SHOWN_POINTS, Reader, notice, same_notice
from milter.advice import advice
from milter.i18n import LANGUAGES, translator
from milter.model import Demand, Kind, RuleMatch, Verdict, Wallet
from milter.reason import sentence
from milter.reporting import reporting

KINDS: tuple[Kind, ...] = get_args(Kind)
VERDICT = Verdict(
    action="tag",
    score=11,
    kind="sextortion",
    reasons=(
        RuleMatch("claim.recorded", "claim", 3, "text", "filmed you, sunshine1"),
        RuleMatch("threat.publish", "threat", 3, "text", "send it to all your friends"),
        RuleMatch("demand.crypto", "demand", 3, "text", "900 USD"),
    ),
    wallets=(Wallet("BTC", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", True, "text"),),
    demand=Demand("900", "USD", 48),
)
BRITISH = Reader("en", "GB")


def with_rule(rule: str) -> Verdict:
    return replace(VERDICT, reasons=(*VERDICT.reasons, RuleMatch(rule, "claim", 1, "text", "x")))


def html_text(html: str) -> str:
    return re.sub(r"\s+", " ", LexborHTMLParser(html).body.text(separator=" "))  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_both_forms_say_all_there_is_to_say(kind: Kind, language: str) -> None:
    verdict = replace(VERDICT, kind=kind)
    words = notice(verdict, Reader(language, "GB"))
    told = advice(verdict, language, personal=False, emergency="999")
    points = reporting("GB", language, kind=kind)[:SHOWN_POINTS]
    for shown in (re.sub(r"\s+", " ", words.text), html_text(words.html)):
        assert told.headline in shown
        assert sentence(verdict, language) in shown
        assert all(text in shown for text in (*told.do, *told.avoid, told.comfort))
        assert all(point.name in shown and point.how in shown and point.note in shown for point in points)
        assert all(point.email in shown and point.phone in shown for point in points)
        assert "{" not in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_names_its_language(language: str) -> None:
    page = LexborHTMLParser(notice(VERDICT, Reader(language)).html)
    frame = page.css_first("[role=note]")
    assert frame is not None
    assert (frame.attributes["lang"], frame.attributes["dir"]) == (language, "ltr")
    assert frame.attributes["aria-label"] == translator(language).gettext("Notice from your mail filter")
    assert [node.tag for node in page.css("h2, h3")] == ["h2", "h3", "h3", "h3"]


def test_points_can_be_reached() -> None:
    words = notice(replace(VERDICT, personal=True), BRITISH)
    links = LexborHTMLParser(words.html).css("a")
    for point in reporting("GB", "en", kind="sextortion"):
        assert point.url in words.text
        targets = [url for url in (point.url, f"mailto:{point.email}" if point.email else "") if url]
        assert set(targets) <= {link.attributes["href"] for link in links}
    for link in links:
        # What is read is where it leads.
        assert (link.attributes["href"] or "").removeprefix("https://").removeprefix("mailto:").rstrip(
            "/"
        ) == link.text()


def test_the_page_needs_nothing_from_elsewhere() -> None:
    html = notice(replace(VERDICT, personal=True), Reader("en", "DE")).html
    page = LexborHTMLParser(html)
    assert page.css("style, script, link, img, iframe, object") == []
    assert "url(" not in html
    assert {node.attributes.get("href", "").partition(":")[0] for node in page.css("[href]")} <= {"https", "mailto"}
    assert page.css("[src], [class], [id]") == []


def test_text_and_ground_change_together() -> None:
    for style in (
        node.attributes.get("style", "") for node in LexborHTMLParser(notice(VERDICT, BRITISH).html).css("*")
    ):
        assert style is None or ("background-color" in style) == (
            re.search(r"[; ]color:(?!inherit)", f" {style}") is not None
        )


def test_nothing_of_the_mails_own_words_stands_in_it() -> None:
    words = notice(with_rule("claim.password"), BRITISH)
    for shown in (words.text, words.html, words.origin):
        assert "sunshine" not in shown
        assert VERDICT.wallets[0].address not in shown


def test_a_password_is_spoken_of_only_where_one_was_claimed() -> None:
    assert "password" not in notice(VERDICT, BRITISH).text
    assert "password of yours" in notice(with_rule("claim.password"), BRITISH).text


def test_the_most_urgent_comes_first() -> None:
    def order(verdict: Verdict) -> bool:
        text = notice(verdict, BRITISH).text
        return text.index("What you should do") < text.index("What you should not do")

    assert [order(replace(VERDICT, kind=kind)) for kind in ("sextortion", "bomb", "violence")] == [False, True, True]
    assert order(replace(VERDICT, personal=True))


def test_a_personal_case_has_another_voice_and_every_help() -> None:
    mass, personal = notice(VERDICT, BRITISH).text, notice(replace(VERDICT, personal=True), BRITISH).text
    assert "almost certainly a bluff" in mass
    assert "bluff" not in personal
    assert "It is not your fault" in personal
    assert "takeitdown" not in mass
    assert "takeitdown" in personal


def test_the_emergency_number_is_that_of_the_country() -> None:
    bomb = replace(VERDICT, kind="bomb")
    assert "110" in notice(bomb, Reader("de", "DE")).text
    assert "999" in notice(bomb, BRITISH).text
    assert "emergency number of the police" in notice(bomb, Reader("en")).text


def test_where_the_mail_is() -> None:
    assert "follows below" in notice(VERDICT, BRITISH).text
    assert "attached to this notice" in notice(VERDICT, BRITISH, attached=True).text


@pytest.mark.parametrize(
    "verdict",
    [
        VERDICT,
        replace(VERDICT, personal=True),
        replace(VERDICT, kind=None, reasons=(), wallets=(), demand=Demand()),
        replace(VERDICT, demand=Demand("0.0153", "BTC")),
        replace(VERDICT, reasons=(RuleMatch("policy.block", "policy", 0.0, "header", "x@example.com"),)),
        replace(VERDICT, reasons=(*VERDICT.reasons, RuleMatch("context.advice", "context", -4, "text", ""))),
    ],
    ids=["bluff", "personal", "nothing", "coins", "blocked", "weakened"],
)
@pytest.mark.parametrize("attached", [False, True])
def test_a_notice_can_be_written_again_from_its_origin(verdict: Verdict, attached: bool) -> None:
    words = notice(verdict, BRITISH, attached=attached)
    assert same_notice(words.origin, verdict, BRITISH) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("currency", "USD now or else"),
        ("amount", "1 and 2"),
        ("wallet", "BTC quickly"),
        ("hours", "4x"),
        ("hours", "-4"),
    ],
)
def test_nobody_says_anything_by_an_origin(name: str, words: str) -> None:
    origin = notice(VERDICT, BRITISH).origin
    forged = re.sub(f"{name}=[^;]+", f"{name}={words}", origin)
    assert forged != origin
    assert same_notice(forged, VERDICT, BRITISH) is None


@pytest.mark.parametrize("origin", ["", "1", "x; y", "1; language=en", "2; language=en; kind=sextortion"])
def test_an_origin_that_tells_too_little_is_none(origin: str) -> None:
    assert same_notice(origin, VERDICT, BRITISH) is None
