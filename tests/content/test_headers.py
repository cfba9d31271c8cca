"""Header fields: order, folding, encoded words, wrong bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.content.headers import Headers, decode_value, parameters, split_headers

BLOCK = (
    b"Received: from a\r\n\tby b;\r\n today\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?= =?iso-8859-1?Q?_aus_K=F6ln?=\r\n"
    b"received: two\r\nX-Raw: Gr\xfc\xdfe \xe9t\xe9\r\nX-Empty:\r\nSpaced : yes\r\n\r\nBody\r\n"
)


def test_fields_in_order_and_by_name() -> None:
    headers, body = split_headers(BLOCK, 0, len(BLOCK))
    assert BLOCK[body:] == b"Body\r\n"
    assert [name for name, _ in headers.raw] == ["Received", "Subject", "received", "X-Raw", "X-Empty", "Spaced"]
    assert headers.raw[0][1] == b" from a\r\n\tby b;\r\n today"
    assert headers.get("SUBJECT") == "Grüße aus Köln"
    assert headers.all("Received") == ["from a by b; today", "two"]
    assert headers.get("x-raw") == "Grüße été"
    assert headers.get("x-empty") == headers.get("missing") == ""
    assert headers.get("spaced") == "yes"
    assert headers.all("missing") == []
    assert "subject" in headers
    assert "missing" not in headers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?UTF-8?Q?Bit?=\n =?utf-8?q?coin_now?= ok", "Bitcoin now ok"),
        (b"=?utf-8?B?0L/QsNGA0L7Qu9GM?=", "пароль"),
        (b"=?koi8-r?B?0MHSz8zY?=", "пароль"),
        (b"=?utf-8*en?Q?language?=", "language"),
        (b"=?unknown-charset?Q?caf=C3=A9?=", "café"),
        (b"=?us-ascii?Q?caf=E9?=", "café"),
        (b"=?utf-8?B?!!?=", ""),
        (b"=?utf-8?B?YWJj?=def", "abcdef"),
        (b"=?utf-8?B?YWJjZ?=", "abc"),
        (b"=?utf-8?Q?=ZZ=4?=", "=ZZ=4"),
        (b"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        (b"a\0b\xff\xfe", "abÿþ"),
        ("grüße".encode(), "grüße"),
        (b"", ""),
    ],
)
def test_values_as_a_reader_sees_them(value: bytes, text: str) -> None:
    assert decode_value(value) == text


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"From someone Mon Jan  1 2024\nSubject: x\n\nhi", ["Subject"], b"hi"),
        (b"\nhi", [], b"hi"),
        (b"\r\nhi", [], b"hi"),
        (b"", [], b""),
        (b"just text\nSubject: no\n\nhi", [], b"just text\nSubject: no\n\nhi"),
        (b"Subject: x\nno field\nTo: y\n\nhi", ["Subject"], b"no field\nTo: y\n\nhi"),
        (b"Subject: x", ["Subject"], b""),
        (b"Subject: x\n", ["Subject"], b""),
        (b"Subject: x\n \n y\n\nhi", ["Subject"], b"hi"),
        (b" of nothing\nSubject: x\n\nhi", ["Subject"], b"hi"),
        (b" indented text\nSubject", [], b" indented text\nSubject"),
        (b": empty name\n\nhi", [], b": empty name\n\nhi"),
    ],
)
def test_where_the_body_begins(raw: bytes, names: list[str], body: bytes) -> None:
    headers, start = split_headers(raw, 0, len(raw))
    assert [name for name, _ in headers.raw] == names
    assert raw[start:] == body


@pytest.mark.parametrize(
    ("value", "main", "options"),
    [
        ("Text/HTML; Charset=utf-8", "text/html", {"charset": "utf-8"}),
        ('multipart/mixed; boundary="a;b=c\\"d" ; x=y', "multipart/mixed", {"boundary": 'a;b=c"d', "x": "y"}),
        ("text/plain", "text/plain", {}),
        ("attachment; filename*=utf-8''gr%C3%BC%C3%9Fe.txt", "attachment", {"filename": "grüße.txt"}),
        ("attachment; filename*0=long; filename*1=name.txt", "attachment", {"filename": "longname.txt"}),
        ("a/b; f*0*=iso-8859-1'de'gr%FC; f*1=n", "a/b", {"f": "grün"}),
        ('a/b; name="unclosed', "a/b", {"name": "unclosed"}),
        ("a/b; one=1; one=2", "a/b", {"one": "1"}),
        (";;;=;", "", {}),
        ("", "", {}),
    ],
)
def test_parameters(value: str, main: str, options: dict[str, str]) -> None:
    assert parameters(value) == (main, options)


@given(st.binary(max_size=300))
def test_anything_is_read(raw: bytes) -> None:
    headers, start = split_headers(raw, 0, len(raw))
    assert 0 <= start <= len(raw)
    for name, value in headers.raw:
        assert isinstance(headers.get(name), str)
        parameters(decode_value(value))
    assert Headers.of(headers.raw) == headers


def test_the_first_field_of_a_name_counts() -> None:
    headers = Headers.of([("Subject", b" one"), ("SUBJECT", b" two"), ("To", b" a@example.org")])
    assert headers.get("subject") == "one"
    assert headers.all("subject") == ["one", "two"]
