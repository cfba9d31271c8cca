"""What a flagged mail becomes: the notice first, the original below it byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import Message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_shapes import SHAPES, SIGNED, leaf, make, multipart, shapes

from milter.actions.notice import Reader, notice
from milter.actions.rewrite import Rewriting, reader_of, rewrite
from milter.config import Config, Policy
from milter.content.message import read
from milter.i18n import LANGUAGES
from milter.model import Demand, Envelope, RuleMatch, Verdict, Wallet

VERDICT = Verdict(
    action="tag",
    score=11,
    kind="sextortion",
    reasons=(
        RuleMatch("claim.recorded", "claim", 3, "text", "filmed you"),
        RuleMatch("demand.crypto", "demand", 3, "text", "900 USD"),
    ),
    wallets=(Wallet("BTC", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", True, "text"),),
    demand=Demand("900", "USD", 48),
)
READER = Reader("de", "DE")
ADD, WRAP, TAG = Policy(notice="add"), Policy(notice="wrap"), Policy(subject_tag=True)
CLOSED = {
    "OpenPGP signature": SIGNED,
    "S/MIME": b"Subject: x\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIIB\r\n",
    "old S/MIME": b"Subject: x\r\nContent-Type: APPLICATION/X-PKCS7-MIME\r\n\r\nMIIB\r\n",
    "encrypted": b"Subject: x\r\nContent-Type: multipart/encrypted; boundary=e\r\n\r\n--e\r\n\r\nx\r\n--e--\r\n",
    "inline PGP": b"Subject: x\r\n\r\nHi\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nPay\r\n",
    "piece of a mail": b"Subject: x\r\nContent-Type: message/partial; id=1; number=1; total=2\r\n\r\nA: b\r\n\r\nx",
    "too many fields": b"Subject: x\r\n" + b"Content-X: y\r\n" * 21 + b"\r\nPay\r\n",
}


def rewritten(raw: bytes, policy: Policy = ADD, reader: Reader = READER, verdict: Verdict = VERDICT) -> bytes:
    done = rewrite(raw, verdict, policy, reader)
    assert done is not None
    return done.top + done.mail


def parts(mail: bytes) -> tuple[Message, Message]:
    """Notice and original."""
    message = message_from_bytes(mail)
    assert message.get_all("MIME-Version") == ["1.0"]
    assert message.get_content_type() == "multipart/mixed"
    first, original = message.get_payload()
    assert not message.defects
    return first, original


def said(part: Message) -> str:
    return part.get_payload(decode=True).decode(part.get_content_charset())


def described(part: Message) -> tuple[object, ...]:
    """What stands in a part; of blank lines at its end, parsers think differently."""
    content = b"" if part.is_multipart() else part.get_payload(decode=True).rstrip(b"\r\n")
    return part.get_content_type(), part.get_content_charset(), part["Content-ID"], content


def own_lines(mail: bytes, original: bytes) -> Iterator[bytes]:
    """The lines that are not those of the original."""
    before, _, after = mail.partition(original)
    yield from (*before.split(b"\r\n"), *after.split(b"\r\n"))


@pytest.mark.parametrize(("shape", "charset", "encoding"), [*shapes()])
def test_the_notice_stands_first_and_the_original_is_unchanged(shape: str, charset: str, encoding: str) -> None:
    original = make(shape, charset, encoding)
    mail = rewritten(original.raw)
    words = notice(VERDICT, READER)
    first, below = parts(mail)
    plain, html = first.get_payload()
    assert (plain.get_content_type(), said(plain)) == ("text/plain", words.text.replace("\n", "\r\n"))
    assert (html.get_content_type(), said(html)) == ("text/html", words.html.replace("\n", "\r\n"))
    body = original.raw.partition(b"\r\n\r\n")[2]
    assert b"\r\n\r\n" + body + b"\r\n--=_blackmail_" in mail
    assert all(leaf in mail for leaf in original.leaves)
    assert [described(part) for part in below.walk()] == [
        described(part) for part in message_from_bytes(original.raw).walk()
    ]
    assert all(
        len(line) <= 998 and line.isascii()
        for line in own_lines(mail, original.raw.partition(b"\r\n\r\n")[2])
        if not line.startswith(b"Content-Description: r\xe9")
    )


@pytest.mark.parametrize(("shape", "charset", "encoding"), [*shapes()])
def test_our_own_reader_finds_notice_and_original(shape: str, charset: str, encoding: str) -> None:
    original = make(shape, charset, encoding)
    texts = [text.content for text in read(rewritten(original.raw)).texts]
    assert any("Zahlen Sie nicht." in text for text in texts)
    assert not original.letters or any(original.letters in text for text in texts)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_header_stays_but_for_what_is_about_the_content(shape: str) -> None:
    raw = make(shape).raw
    fields = [line for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:8].lower() != b"content-"]
    mail = rewritten(raw)
    header = mail.partition(b"\r\n\r\n")[0]
    kept = [line for line in fields if not line.startswith((b"\tcharset", b" de"))]
    assert header.endswith(b"\r\n".join(kept))
    assert header.lower().count(b"\ncontent-type:") + header.lower().startswith(b"content-type:") == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mail_with_our_notice_gets_no_other_one(shape: str) -> None:
    mail = rewritten(make(shape).raw)
    assert rewrite(mail, VERDICT, ADD, READER) is None
    # The verdict on a mail that comes once more also sees the notice.
    again = replace(VERDICT, score=20, kind="hacked-device", reasons=VERDICT.reasons[:1], demand=Demand())
    assert rewrite(mail, again, ADD, READER) is None


@pytest.mark.parametrize(
    "other",
    [
        {"verdict": replace(VERDICT, personal=True)},
        {"verdict": replace(VERDICT, kind="bomb")},
        {"reader": Reader("en", "DE")},
        {"reader": Reader("de", "AT")},
    ],
    ids=["personal", "kind", "language", "country"],
)
def test_a_notice_that_says_something_else_does_not_count(other: dict[str, object]) -> None:
    mail = rewritten(make("html").raw)
    assert rewritten(mail, **other).count(b"X-Blackmail-Notice: ") == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Zahlen Sie nicht", b"Zahlen Sie doch!"),
        (b"currency=3DUSD".replace(b"3D", b""), b"currency=USD jetzt"),
        (b"hours=48", b"hours=-8"),
        (b"Notice: 1", b"Notice: 2"),
        (b"rules=", b"rulez="),
    ],
)
def test_a_forged_notice_does_not_count(old: bytes, new: bytes) -> None:
    mail = rewritten(make("html").raw)
    forged = mail.replace(old, new)
    assert forged != mail
    again = rewritten(forged)
    assert again.count(b"X-Blackmail-Notice: ") == 2
    assert forged.partition(b"\r\n\r\n")[2] in again


def test_a_genuine_notice_that_does_not_stand_first_does_not_count() -> None:
    first = (
        rewritten(make("plain").raw).partition(b"\r\n\r\n--")[2].partition(b"\r\n")[2].partition(b"\r\n--=_black")[0]
    )
    letter = leaf("html", "us-ascii", "7bit")
    raw = b"Subject: x\r\nMIME-Version: 1.0\r\n" + multipart("mixed", letter, first)
    assert rewritten(raw).count(b"X-Blackmail-Notice: ") == 2


@pytest.mark.parametrize("name", CLOSED)
def test_closed_mail_is_left_alone(name: str) -> None:
    assert rewrite(CLOSED[name], VERDICT, ADD, READER) is None
    assert rewrite(CLOSED[name], VERDICT, Policy(defang=True), READER) is None
    tagged = rewritten(CLOSED[name], TAG)
    assert tagged.replace(b"[Erpressung?] ", b"") == CLOSED[name]


@pytest.mark.parametrize("name", CLOSED)
def test_closed_mail_is_wrapped_where_that_is_wanted(name: str) -> None:
    raw = CLOSED[name]
    mail = rewritten(raw, Policy(notice="wrap", subject_tag=True, defang=True))
    first, attached = parts(mail)
    assert attached.get_content_type() == "message/rfc822"
    assert attached.get_content_disposition() == "attachment"
    assert b"\r\n\r\n" + raw + b"\r\n--=_blackmail_" in mail
    assert "Die Mail selbst ist diesem Hinweis angehängt." in said(first.get_payload(0))
    assert message_from_bytes(mail)["Subject"].startswith("[Erpressung?] ")
    assert rewrite(mail, VERDICT, WRAP, READER) is None


def test_open_mail_is_not_wrapped() -> None:
    raw = make("alternative").raw
    assert rewritten(raw, WRAP) == rewritten(raw, ADD)


def test_what_is_signed_inside_stays_as_it_is_and_gets_a_notice_above() -> None:
    inner = SIGNED.partition(b"MIME-Version: 1.0\r\n")[2]
    raw = b"Subject: x\r\nMIME-Version: 1.0\r\n" + multipart("mixed", inner, leaf("html", "utf-8", "8bit"))
    mail = rewritten(raw, Policy(notice="add", defang=True))
    assert inner in mail
    assert b"https://pay" not in mail


def test_default_settings_change_nothing() -> None:
    assert rewrite(make("html").raw, VERDICT, Policy(), READER) is None


def test_eight_bits_are_declared_where_the_original_has_them() -> None:
    assert (
        b"\r\nContent-Transfer-Encoding: 8bit\r\n"
        in rewritten(make("plain", "utf-8", "8bit").raw).partition(b"From")[0]
    )
    seven = rewritten(make("plain", "utf-8", "base64").raw)
    assert seven.isascii()
    assert b"Transfer-Encoding: 8bit" not in seven


def test_a_subject_is_tagged_once() -> None:
    mail = rewritten(make("plain").raw, TAG)
    assert mail == make("plain").raw.replace(b"Subject: About\r\n you", b"Subject: [Erpressung?] About\r\n you")
    assert rewrite(mail, VERDICT, TAG, READER) is None


def test_a_mail_without_subject_gets_one() -> None:
    done = rewrite(b"From: a@example.com\r\n\r\nPay\r\n", VERDICT, TAG, READER)
    assert done == Rewriting(
        b"Subject: [Erpressung?]\r\n",
        b"From: a@example.com\r\n\r\nPay\r\n",
        done.change if done else None,
        None,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_survives_the_way(language: str) -> None:
    first, _ = parts(rewritten(make("plain").raw, Policy(notice="add", subject_tag=True), Reader(language, None)))
    words = notice(VERDICT, Reader(language, None))
    assert [said(part).replace("\r\n", "\n") for part in first.get_payload()] == [words.text, words.html]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"\r\nbody",
        b"no header at all\r\n",
        b"Subject: x",
        b"Subject: x\r\n",
        b"Subject: x\r\nno field\r\nContent-Type: text/html\r\n\r\nbody\r\n",
        b"From a@example.com Tue Nov 24 12:00:00 2026\r\nSubject: x\r\nContent-Type: text/html\r\n\r\nbody",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nbody",
        b"Content-Transfer-Encoding: base64\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nLS14\r\n",
    ],
)
def test_odd_mail(raw: bytes) -> None:
    mail = rewritten(raw, Policy(notice="add", subject_tag=True, defang=True))
    first, _ = message_from_bytes(mail).get_payload()
    assert "Zahlen Sie nicht." in said(first.get_payload(0))
    assert raw.partition(b"\r\n\r\n")[2] in mail


def test_unix_line_ends_stay() -> None:
    raw = make("alternative").raw.replace(b"\r\n", b"\n")
    mail = rewritten(raw)
    assert b"\r" not in mail
    assert raw.partition(b"\n\n")[2] in mail
    assert rewrite(mail, VERDICT, ADD, READER) is None


@given(st.binary(max_size=300), st.sampled_from([ADD, WRAP, Policy(notice="add", defang=True, subject_tag=True)]))
@settings(max_examples=300, deadline=None)
def test_any_bytes(noise: bytes, policy: Policy) -> None:
    for raw in (
        noise,
        b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + noise + b"\r\n--b--\r\n",
    ):
        mail = rewritten(raw, policy)
        assert b"Zahlen Sie nicht." in mail
        if not policy.defang:
            assert raw.rpartition(b"\n\n")[2].rpartition(b"\r\n\r\n")[2] in mail


def test_whom_a_notice_speaks_to() -> None:
    config = Config(country="CH")
    to = Envelope(rcpt_to=("b@example.fr", "c@example.it"))
    german = replace(VERDICT, language="de")
    assert reader_of(german, Policy(), to, Config()) == Reader("de", "FR", None)
    assert reader_of(german, Policy(language="fr"), to, config) == Reader("fr", "CH", None)
    assert reader_of(VERDICT, Policy(), Envelope(), Config()) == Reader("en", None, None)
    assert reader_of(german, Policy(), Envelope(rcpt_to=("b@example.org",)), Config()) == Reader("de", "DE", None)
