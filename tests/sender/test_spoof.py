"""Spoof signals: one mail for each, beside the mail next to it that is innocent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.content.headers import split_headers
from milter.model import SIGNALS, Envelope
from milter.sender.spoof import SIGNS, find_spoofs
from milter.sender.verify import offline

OWN = ("example.org",)
PLAIN = "From: Alice <alice@example.net>\nTo: bob@example.org\nSubject: Lunch\n"


def headers_of(head):
    return split_headers(head, 0, len(head))[0]


def spoofs(head, *, mail_from="", rcpt_to=("bob@example.org",), own=OWN, authenticated=None):
    envelope = Envelope(mail_from=mail_from, rcpt_to=rcpt_to)
    return set(find_spoofs(envelope, headers_of(head.encode()), own_domains=own, authenticated=authenticated))


def test_an_innocent_mail_has_none():
    assert spoofs(PLAIN, mail_from="alice@example.net") == set()


def test_each_sign_is_a_signal_that_rules_can_name():
    assert {f"spoof.{name}" for name in SIGNS} == {name for name in SIGNALS if name.startswith("spoof.")}


@pytest.mark.parametrize(
    ("head", "rcpt_to", "holds"),
    [
        ("From: Bob@Example.org\n", ("bob@example.ORG",), True),
        # a copy of the author's own post to a list
        ("From: bob@example.org\nTo: list@example.net\n", ("bob@example.org",), False),
        ("From: bob@example.org\nTo: Bob <BOB@example.org>\n", (), True),
        ("From: bob@example.org\nCc: bob@example.org, bob@example.org\n", (), True),
        ("From: =?utf-8?q?Hacker?= <phishing@pot>\nTo: undisclosed-recipients:;\n", ("phishing@pot",), True),
        ("From: bob@example.org\nTo: x@y.test\nCc: a@b.test, bob@example.org\n", ("bob@example.org",), False),
        (
            "From: Bob via Dev <dev@x.test>\nTo: Dev <dev@x.test>\nList-Post: <mailto:dev@x.test>\n",
            ("a@x.test",),
            False,
        ),
        ("From: bob@example.org\nTo: bobby@example.org\n", ("bob@example.net",), False),
        ('From: "bob@example.org" <x@y.test>\n', ("bob@example.org",), False),
        ("From: \nTo: \n", ("",), False),
    ],
)
def test_from_equals_to(head, rcpt_to, holds):
    assert ("from_equals_to" in spoofs(head, rcpt_to=rcpt_to)) == holds


@pytest.mark.parametrize(
    ("author", "authenticated", "holds"),
    [
        ("ceo@example.org", False, True),
        ("ceo@mail.example.org", False, True),
        ("ceo@example.org", True, False),
        ("ceo@example.org", None, False),
        ("ceo@example.net", False, False),
        ("ceo@notexample.org", False, False),
    ],
)
def test_own_domain_without_a_pass(author, authenticated, holds):
    assert ("own_domain_unauthenticated" in spoofs(f"From: {author}\n", authenticated=authenticated)) == holds


def test_an_own_domain_written_in_its_own_letters():
    found = spoofs("From: a@bücher.example\n", own=("Bücher.example",), authenticated=False)
    assert "own_domain_unauthenticated" in found


@pytest.mark.parametrize(
    ("author", "address", "recipient"),
    [
        ('"boss@corp.test" <evil@x.test>', True, False),
        ("boss@corp.test <evil@x.test>", True, False),
        ("=?utf-8?q?boss=40corp.test?= <evil@x.test>", True, False),
        ("evil@x.test (boss@corp.test)", True, False),
        ("boss＠corp.test <evil@x.test>", True, False),
        ("bob@example.org <evil@x.test>", True, True),
        ("Account BOB@EXAMPLE.ORG hacked <evil@x.test>", True, True),
        ("evil@x.test <evil@x.test>", False, False),
        ("evil@mail.x.test <evil@x.test>", False, False),
        ("Evil <evil@x.test>", False, False),
        ("me @ home <evil@x.test>", False, False),
    ],
)
def test_addresses_where_the_name_should_be(author, address, recipient):
    found = spoofs(f"From: {author}\n")
    assert ("display_name_address" in found, "display_name_recipient" in found) == (address, recipient)


@pytest.mark.parametrize(
    ("head", "holds"),
    [
        ("From: a@exarnple.org\n", True),
        ("From: a@xn--exmple-4nf.org\n", True),
        ("From: a@examplé.org\n", True),
        ("From: a@x.test\nReply-To: b@examp1e.org\n", True),
        ("From: a@example.org\n", False),
        ("From: a@x.test\n", False),
        ("From: nobody\n", False),
    ],
)
def test_look_alike_domains(head, holds):
    assert ("lookalike_domain" in spoofs(head)) == holds


@pytest.mark.parametrize(
    ("reply_to", "holds"),
    [
        ("x@evil.test", True),
        ("x@evil.test, y@reply.example.net", False),
        ("bounce@reply.example.net", False),
        ("junk", False),
    ],
)
def test_replies_that_go_elsewhere(reply_to, holds):
    assert ("reply_to_elsewhere" in spoofs(f"From: a@example.net\nReply-To: {reply_to}\n")) == holds


@pytest.mark.parametrize(
    ("head", "missing", "multiple"),
    [
        ("Subject: x\n", True, False),
        ("From:\n", True, False),
        ("From: Bank\n", True, False),
        ("From: a@x.test\n", False, False),
        ("From: a@x.test, b@x.test\n", False, True),
        ("From: a@x.test\nSubject: x\nfrom: b@y.test\n", False, True),
        ("From: Team: a@x.test, b@y.test;\n", False, True),
    ],
)
def test_no_author_and_several(head, missing, multiple):
    found = spoofs(head)
    assert ("from_missing" in found, "from_multiple" in found) == (missing, multiple)


@pytest.mark.parametrize(
    ("mail_from", "head", "holds"),
    [
        ("x@evil.test", "From: a@example.net\n", True),
        ("x@bounces.example.net", "From: a@mail.example.net\n", False),
        ("", "From: a@example.net\n", False),
        ("", "Return-Path: <x@evil.test>\nFrom: a@example.net\n", True),
        ("x@evil.test", "Subject: no author\n", False),
    ],
)
def test_return_paths(mail_from, head, holds):
    assert ("return_path_unrelated" in spoofs(head, mail_from=mail_from)) == holds


@pytest.mark.parametrize(
    ("head", "holds"),
    [
        ("Return-Path: <>\nFrom: a@x.test\nSubject: You are hacked\n", True),
        ("Return-Path: < >\nFrom: a@x.test\nAuto-Submitted: no\n", True),
        ("From: Mail Delivery System <MAILER-DAEMON@x.test>\nContent-Type: text/html\n", True),
        ("From: a@x.test\nX-Failed-Recipients: bob@example.org\n", True),
        ("Return-Path: <>\nFrom: mailer-daemon@x.test\nContent-Type: multipart/report; x=y\n", False),
        ("Return-Path: <>\nFrom: a@x.test\nAuto-Submitted: auto-replied\n", False),
        ("Return-Path: <a@x.test>\nFrom: a@x.test\n", False),
        (PLAIN, False),
    ],
)
def test_faked_bounces(head, holds):
    assert ("fake_bounce" in spoofs(head)) == holds


@pytest.mark.parametrize(
    ("subject", "rest", "holds"),
    [
        ("Re: your account", "", True),
        ("RE[2]: your account", "", True),
        ("AW: Ihr Konto", "", True),
        ("Antw: x", "", True),
        ("回复：您好", "", True),
        ("=?utf-8?q?Re=3A_x?=", "", True),
        ("Re: your account", "In-Reply-To: <1@x.test>\n", False),
        ("Re: your account", "References: <1@x.test>\n", False),
        ("Re: your patch", "List-Id: <dev.x.test>\n", False),
        ("Regarding: your account", "", False),
        ("Fwd: your account", "", False),
        ("", "", False),
    ],
)
def test_faked_replies(subject, rest, holds):
    assert ("fake_reply" in spoofs(f"From: a@x.test\nSubject: {subject}\n{rest}")) == holds


def test_offline_tells_what_the_headers_tell():
    headers = headers_of(b"From: bob@example.org\nTo: bob@example.org\n")
    found = offline(Envelope(), headers, own_domains=OWN)
    assert (found.spf, found.dkim, found.dmarc, found.arc, found.results) == ("none", "none", "none", "none", "none")
    assert found.spoof == ("from_equals_to",)


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_header_gives_signals(block, address):
    envelope = Envelope(mail_from=address, rcpt_to=(address,))
    named = b"From: " + block
    for head in (block, named, named + b"\r\nReply-To: " + block + b"\r\nSubject: Re: " + block):
        assert set(find_spoofs(envelope, headers_of(head), own_domains=OWN)) <= set(SIGNS)
