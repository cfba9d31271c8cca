"""Fields put on mail, and forged ones taken out of it."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.actions.headers import (
    Trace,
    field,
    forged_fields_removed,
    received,
    text_field,
    unchecked_fields,
    verdict_fields,
)
from milter.model import Authentication, RuleMatch, Verdict

OURS = "filter.example"
BODY = b"\r\nX-Blackmail-Flag: YES\r\nAuthentication-Results: filter.example; none\r\n"


def removed(header: bytes) -> bytes:
    cleaned = forged_fields_removed(header + BODY, OURS)
    assert cleaned.endswith(BODY)
    return cleaned.removesuffix(BODY)


def test_mail_without_forged_fields_is_the_same_object():
    raw = b"Subject: x-blackmail-flag: no\r\nAuthentication-Results: other.example; spf=pass\r\n" + BODY
    assert forged_fields_removed(raw, OURS) is raw


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"X-Blackmail-Flag: NO\r\nTo: b\r\n", b"To: b\r\n"),
        (b"To: b\r\nx-BLACKMAIL-anything-else : 1\r\n\tfolded\r\n  more\r\nCc: c\r\n", b"To: b\r\nCc: c\r\n"),
        (b"X-Blackmail-Flag: NO\r\nX-Blackmail-Flag: NO\r\nTo: b\r\nX-BlackMail-Score: 0\r\n", b"To: b\r\n"),
        (b"To: b\nX-Blackmail-Flag: NO\n folded\nCc: c\n", b"To: b\nCc: c\n"),
        (b"To: b\rX-Blackmail-Flag: NO\r\nCc: c\r\n", b"To: b\r\nCc: c\r\n"),
        (b"To: b\rX-Blackmail-Flag: NO\rCc: c\r\n", b"To: b\rCc: c\r\n"),
        (b"To: b\r\nX-Blackmail-A: 1\rX-Blackmail-B: 2\r\nCc: c\r\n", b"To: b\r\nCc: c\r\n"),
        (b"To: b\rX-Blackmail-A: 1\rX-Blackmail-B: 2\r\nCc: c\r\n", b"To: b\r\nCc: c\r\n"),
        (b"X-Blackmail-: \x00\xff\r\nTo: \x00\xff\r\n", b"To: \x00\xff\r\n"),
        (b"X-Blackmail-Flag: " + b"n" * 100_000 + b"\r\nTo: b\r\n", b"To: b\r\n"),
        (b"To: b\r\nX-Blackmail: kept, it is not ours\r\n", b"To: b\r\nX-Blackmail: kept, it is not ours\r\n"),
        (b"Subject: a\r\n X-Blackmail-Flag: NO\r\n", b"Subject: a\r\n X-Blackmail-Flag: NO\r\n"),
    ],
)
def test_fields_of_the_filter_are_removed(header, expected):
    assert removed(header) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"filter.example; dmarc=pass",
        b"FILTER.Example;spf=pass",
        b"filter.example 1; spf=pass",
        b"filter.example",
        b"filter.example.; none",
        b'"filter.example"; none',
        b'"filter\\.example"; none',
        b"(a (nested \\) one) comment) filter.example (b) 1; none",
        b"\r\n\tfilter.example\r\n ; none",
        b"filter.example(comment); none",
    ],
)
def test_results_in_our_name_are_removed(value):
    assert removed(b"To: b\r\nauthentication-RESULTS:" + value + b"\r\nCc: c\r\n") == b"To: b\r\nCc: c\r\n"
    assert removed(b"Authentication-Results: " + value + b"\r\n") == b""


@pytest.mark.parametrize(
    "value",
    [
        b"other.example; smtp.mailfrom=filter.example",
        b"notfilter.example; none",
        b"filter.example.org; none",
        b"(filter.example) other.example; none",
        b"",
        b"; none",
        b"(unclosed filter.example; none",
    ],
)
def test_results_of_others_stay(value):
    header = b"To: b\r\nAuthentication-Results: " + value + b"\r\nARC-Authentication-Results: i=1; filter.example\r\n"
    assert removed(header) == header


def test_only_the_header_block_is_searched():
    for raw in (b"\r\nX-Blackmail-Flag: YES\r\n", b"\nX-Blackmail-Flag: YES\n", b"A: b\n\nX-Blackmail-Flag: 1\n", b""):
        assert forged_fields_removed(raw, OURS) is raw


def test_a_mail_of_nothing_but_forgery_is_empty():
    assert forged_fields_removed(b"X-Blackmail-Flag: NO", OURS) == b""


@given(st.binary(), st.binary())
def test_removal_leaves_none_and_touches_nothing_else(before, after):
    raw = before + b"\r\nX-Blackmail-Flag: NO\r\nZ: z\r\n" + after
    cleaned = forged_fields_removed(raw, OURS)
    assert forged_fields_removed(cleaned, OURS) is cleaned
    assert len(cleaned) <= len(raw)


def lines_of(header: bytes) -> list[bytes]:
    assert header.endswith(b"\r\n")
    lines = header.removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert b"\r" not in header.replace(b"\r\n", b"")
    assert b"\n" not in header.replace(b"\r\n", b"")
    return lines


@given(st.text())
def test_no_text_breaks_out_of_its_field(text):
    for made in (field("X-Blackmail-Rules", text), text_field("X-Blackmail-Reason", text)):
        lines_of(made)
        made.decode("ascii")
        assert len(message_from_bytes(made + b"\r\n").keys()) == 1


@given(st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1).map(str.strip).filter(bool))
def test_text_comes_back_from_encoded_words(text):
    message = message_from_bytes(text_field("Subject", text) + b"\r\n", policy=policy.default)
    assert "".join(message["Subject"].split()) == "".join(text.split())


def test_long_fields_are_folded_at_spaces():
    lines = lines_of(field("X-Blackmail-Rules", ", ".join(f"threat.number_{n}" for n in range(40))))
    assert max(map(len, lines)) <= 78
    assert b"".join(lines).count(b"threat.number_") == 40


def test_a_word_without_a_place_to_fold_is_cut():
    lines = lines_of(field("X-Blackmail-Rules", "x" * 5000))
    assert b"".join(line.strip() for line in lines) == b"X-Blackmail-Rules: " + b"x" * 5000


def test_fields_of_a_flagged_mail():
    verdict = Verdict(
        action="tag",
        score=11.54,
        kind="sextortion",
        reasons=(
            RuleMatch("threat.publish", "threat", 3.0, "text", "x"),
            RuleMatch("threat.publish", "threat", 0.0, "subject", "y"),
            RuleMatch("demand.crypto", "demand", 2.5, "text", "z"),
        ),
        auth=Authentication(results="spf=fail smtp.mailfrom=a@example.org; dkim=none; dmärc=none"),
    )
    message = message_from_bytes(verdict_fields(verdict, OURS) + b"\r\n", policy=policy.default)
    assert message["Authentication-Results"].startswith("filter.example; spf=fail smtp.mailfrom=a@example.org; dkim=")
    assert message["X-Blackmail-Flag"] == "YES"
    assert message["X-Blackmail-Score"] == "11.5"
    assert message["X-Blackmail-Kind"] == "sextortion"
    assert message["X-Blackmail-Rules"] == "threat.publish, demand.crypto"
    assert message["X-Blackmail-Reason"].endswith(".")
    assert message["X-Blackmail-Status"] == "checked"


def test_fields_of_a_clean_mail():
    assert verdict_fields(Verdict(score=2.0), OURS) == (
        b"Authentication-Results: filter.example; none\r\n"
        b"X-Blackmail-Flag: NO\r\n"
        b"X-Blackmail-Score: 2.0\r\n"
        b"X-Blackmail-Status: checked\r\n"
    )
    assert unchecked_fields() == b"X-Blackmail-Status: unchecked\r\n"


def trace(**changes) -> Trace:
    values = {
        "client_addr": "192.0.2.1",
        "helo_name": "client.example",
        "hostname": OURS,
        "protocol": "ESMTP",
        "queue_id": "4QX",
        "date": datetime(2026, 11, 24, 12, 0, 0, 999, tzinfo=UTC),
    }
    return Trace(**values | changes)


def test_received():
    assert received(trace()) == (
        b"Received: from client.example ([192.0.2.1]) by filter.example with ESMTP id\r\n"
        b" 4QX; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    )
    assert b"([IPv6:2001:db8::1])" in received(trace(client_addr="2001:db8::1"))
    unfolded = b"".join(lines_of(received(trace(recipient="b@example.org"))))
    assert b" for <b@example.org>;" in unfolded
    assert b" for " not in received(trace(recipient="bé@example.org"))


def test_received_withstands_a_hostile_client():
    made = received(trace(helo_name="x) by evil; (\r\nX-Evil: 1", queue_id="1;\r\n\r\n", recipient="<(a)>\r\n@b"))
    assert made.startswith(b"Received: from x??by?evil?????X-Evil:?1 ([192.0.2.1])")
    assert made.count(b";") == 1
    assert "X-Evil" not in message_from_bytes(made + b"\r\n")
    lines_of(made)
