"""Transfer encodings are undone, as far as asked and in spite of damage."""

import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.content.transfer import DECODERS, decode

ALL = 10**6


def whole(data: bytes, encoding: str) -> bytes:
    return decode(data, 0, len(data), encoding, ALL, 0)[0]


@given(st.binary(max_size=400))
def test_what_the_library_encodes_comes_back(data: bytes) -> None:
    assert whole(base64.encodebytes(data), "base64") == data
    assert whole(base64.b64encode(data).rstrip(b"="), "base64") == data
    assert whole(quopri.encodestring(data.replace(b"\r", b"")), "quoted-printable") == data.replace(b"\r", b"")
    assert whole(data, "8bit") == whole(data, "") == whole(data, "unheard-of") == data
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
    assert whole(b"begin 644 x.txt\n" + lines + b"`\nend\n", "x-uuencode") == data


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        (b"Yml0\r\nY29p\r\nbg==", "base64", b"bitcoin"),
        (b"Yml0*!Y29p\0bg", "base64", b"bitcoin"),
        (b"Yml0Yw==b2lu", "base64", b"bitcoin"),
        (b"Yml0Y29pbgX", "base64", b"bitcoin\x05"),
        (b"Yml0Y", "base64", b"bit"),
        (b"", "base64", b""),
        (b"bit=\r\ncoin=3D=\n=E4=zz", "quoted-printable", b"bitcoin==E4".replace(b"=E4", b"\xe4") + b"=zz"),
        (b"no uuencode at all", "uuencode", b""),
    ],
)
def test_damage_is_tolerated(data: bytes, encoding: str, expected: bytes) -> None:
    assert whole(data, encoding) == expected


@given(st.binary(max_size=100), st.sampled_from([*DECODERS, "7bit"]), st.integers(0, 40), st.integers(0, 40))
def test_no_bytes_fail(data: bytes, encoding: str, head: int, tail: int) -> None:
    decoded, _cut = decode(data, 0, len(data), encoding, head, tail)
    assert len(decoded) <= head + tail + 1


TEXT = b"".join(b"line number %04d\n" % number for number in range(1000))


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("7bit", TEXT),
        ("base64", base64.encodebytes(TEXT)),
        ("quoted-printable", TEXT),
        ("base64", base64.b64encode(TEXT)),
    ],
)
def test_only_both_ends_of_a_long_body(encoding: str, data: bytes) -> None:
    padded = b"before" + data + b"after"
    decoded, cut = decode(padded, 6, len(padded) - 5, encoding, 1000, 500)
    assert cut
    assert decoded.startswith(TEXT[:500])
    assert decoded.endswith(TEXT[-490:])
    assert len(decoded) <= 1501
    assert TEXT.startswith(decode(padded, 6, len(padded) - 5, encoding, 1000, 0)[0])
    assert decode(padded, 6, len(padded) - 5, encoding, 20_000, 500) == (TEXT, False)
