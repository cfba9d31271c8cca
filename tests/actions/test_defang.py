"""Payment addresses, links and pictures made harmless, in any disguise of the kinds that reach inboxes."""

from __future__ import annotations

import base64
from email import message_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_shapes import LETTERS, PICTURE, make, multipart, shapes

from milter.actions.defang import defanged
from milter.actions.entity import Entity, take_apart
from milter.content.message import read

WALLET = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
BROKEN = "1BvBMSEYstWetqTFn[.]5Au4m4GFg7xJaNVN2"
HTML = b"Content-Type: text/html; charset=utf-8\r\n"
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"


def done(fields: bytes, body: bytes) -> Entity:
    return defanged(Entity(fields, body), [WALLET], b"\r\n")


def text(fields: bytes, body: str) -> str:
    after = done(fields, body.encode())
    return message_from_bytes(after.fields + b"\r\n" + after.body).get_payload(decode=True).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see https://a.example/x?y=1#z", "see hxxps://a[.]example/x?y=1#z"),
        ("HTTP://A.EXAMPLE", "HxxP://A[.]EXAMPLE"),
        ("(http://192.0.2.1). Or http://a.b@c.example", "(hxxp://192[.]0[.]2[.]1). Or hxxp://a[.]b@c.example"),
        ("www.a.example", "www[.]a[.]example"),
        ("go to bit.example/pay", "go to bit[.]example/pay"),
        ("bitcoin:" + WALLET + "?amount=1", "bitcoin[:]" + BROKEN + "?amount=1"),
        (f"pay to {WALLET}.", f"pay to {BROKEN}."),
        (WALLET[:20] + "\r\n" + WALLET[20:], WALLET[:17] + "[.]" + WALLET[17:20] + "\r\n" + WALLET[20:]),
        ("\u200b".join(WALLET), "\u200b".join(WALLET[:17]) + "[.]\u200b" + "\u200b".join(WALLET[17:])),
        ("größer → http://a.example", "größer → hxxp://a[.]example"),
    ],
)
def test_plain_text(before: str, after: str) -> None:
    assert text(PLAIN, before) == after


@pytest.mark.parametrize(
    "harmless",
    [
        "",
        "nothing here",
        "and/or 1.5/2 a.b",
        "anna@example.org",
        "HTTP is a protocol: //",
        "bitcoin: it is 5",
        "see example.org",
    ],
)
def test_what_is_harmless_stays_as_it_is(harmless: str) -> None:
    content = Entity(PLAIN, harmless.encode())
    assert defanged(content, [WALLET], b"\r\n") is content


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<a href='https://a.example'>x</a>", "<a data-href='hxxps://a[.]example'>x</a>"),
        ('<A title="> href" HREF = x>', '<A title="> href" data-HREF = x>'),
        ("<a/href=x><img src=cid:y>", "<a/data-href=x><img data-src=cid:y>"),
        ("<a href=&#104;ttps&#58;&#x2f;&#x2F;a.example>", "<a data-href=hxxps://a[.]example>"),
        ("http&colon;&sol;&sol;a.example", "hxxp&colon;&sol;&sol;a[.]example"),
        ("<form action=x><button formaction=y>", "<form data-action=x><button data-formaction=y>"),
        ("<p style='background:url( x )'>", "<p style='background:blocked( x )'>"),
        ("<svg><a xlink:href=x></svg>", "<x-svg><a xlink:data-href=x></x-svg>"),
        (f"<b>{WALLET[:9]}</b><i>{WALLET[9:]}</i>", f"<b>{WALLET[:9]}</b><i>{WALLET[9:17]}[.]{WALLET[17:]}</i>"),
        (f"{WALLET[:5]}&#{ord(WALLET[5])};{WALLET[6:]}", BROKEN),
        ("<meta charset='koi8-r'><a href=x>", "<meta charset='utf-8'><a data-href=x>"),
        (
            '<meta http-equiv=Content-Type content="text/html; charset=koi8-r"><a href=x>',
            '<meta http-equiv=Content-Type content="text/html; charset=utf-8"><a data-href=x>',
        ),
        ("<a href=x>&#228;&#x1f600;&amp;", "<a data-href=x>&#228;&#x1f600;&amp;"),
    ],
)
def test_html(before: str, after: str) -> None:
    assert text(HTML, before) == after


@pytest.mark.parametrize(("shape", "charset", "encoding"), [*shapes()])
def test_in_every_structure_charset_and_encoding(shape: str, charset: str, encoding: str) -> None:
    original = make(shape, charset, encoding)
    mail = take_apart(original.raw)
    after = defanged(mail.content, [WALLET], b"\r\n")
    again = read(b"MIME-Version: 1.0\r\n" + after.fields + b"\r\n" + after.body)
    shown = [part.content for part in again.texts]
    assert not any("https://" in part for part in shown)
    if any("https://" in part.content for part in read(original.raw).texts):
        assert "hxxps://pay[.]example[.]com/now" in "".join(shown)
    assert not original.letters or any(original.letters in part for part in shown)
    assert not any(part.content_type.startswith("image/") for part in again.attachments)
    # What can harm nobody is not touched.
    assert all(leaf in after.fields + b"\r\n" + after.body for leaf in original.leaves if b"delivery-status" in leaf)
    assert defanged(after, [WALLET], b"\r\n") is after


def test_a_picture_becomes_a_file_with_the_same_bytes() -> None:
    fields, _, body = PICTURE.partition(b"\r\n\r\n")
    after = done(fields + b"\r\n", body)
    assert after.body == body
    assert after.fields == (
        b"Content-Type: application/octet-stream\r\n"
        b'Content-Disposition: attachment; filename="code.png.defanged"\r\n'
        b"Content-ID: <code@example>\r\nContent-Transfer-Encoding: base64\r\n"
    )


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        (b'Content-Type: application/octet-stream; name="../../a b.JPG"', b"a_b.JPG.defanged"),
        (b"Content-Type: image/png\r\nContent-Disposition: inline; filename*=utf-8''%C3%A4%22.png", b"png.defanged"),
        (b"Content-Type: image/svg+xml", b"image.defanged"),
    ],
)
def test_names_of_pictures_are_plain(declared: bytes, name: bytes) -> None:
    after = done(declared + b"\r\n", b"x")
    assert b'filename="' + name + b'"' in after.fields
    assert after.fields.count(b"\n") == 2


def test_a_text_without_end_becomes_a_file() -> None:
    letter = PLAIN + b"\r\nhttp://a.example"
    endless = HTML + b"\r\n" + b"<a href=x>" * 60_000
    whole = multipart("mixed", endless, letter, endless)
    fields, _, body = whole.partition(b"\r\n\r\n")
    after = done(fields + b"\r\n", body)
    assert after.body.count(b'Content-Disposition: attachment; filename="text.defanged"\r\n\r\n<a href=x>') == 2
    assert base64.b64encode(b"hxxp://a[.]example") in after.body


def test_only_the_part_that_needs_it_changes() -> None:
    harmless = PLAIN + b"\r\n" + LETTERS["utf-8"].encode()
    harmful = HTML + b"Content-ID: <a>\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<a href=x>y</a>"
    whole = multipart("mixed", harmless, harmful)
    fields, _, body = whole.partition(b"\r\n\r\n")
    after = done(fields + b"\r\n", body)
    coded = base64.encodebytes(b"<a data-href=x>y</a>").replace(b"\n", b"\r\n")
    kept = b"Content-ID: <a>\r\n"
    new = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n" + kept + b"\r\n" + coded
    assert after.body == body.replace(harmful, new)


def test_flowed_text_stays_flowed() -> None:
    after = done(b"Content-Type: text/plain; charset=utf-8; Format=Flowed\r\n", b"http://a.example \r\nx\r\n")
    assert after.fields.startswith(b"Content-Type: text/plain; charset=utf-8; format=flowed\r\n")


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes(noise: bytes) -> None:
    for fields in (HTML, b"", b"Content-Type: multipart/mixed; boundary=b\r\n"):
        after = done(fields, noise)
        assert defanged(after, [WALLET], b"\r\n") == after
