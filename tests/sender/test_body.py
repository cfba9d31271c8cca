"""The canonical body: equal to dkimpy's on everything that ends its lines."""

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from milter.sender import body
from milter.sender.body import canonical, digest

LINES = st.lists(
    st.sampled_from([b"a", b"bc", b" ", b"\t", b"\r\n", b"\n", b"\r", b"  \r\n", b"\r\n\r\n"]), max_size=40
)


@pytest.mark.parametrize(
    ("text", "simple", "relaxed"),
    [
        (b"", b"\r\n", b""),
        (b"\r\n\r\n", b"\r\n", b""),
        (b" \r\n\t\r\n", b" \r\n\t\r\n", b""),
        # RFC 6376 §3.4.5
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),
        (b"a\nb \n\n", b"a\r\nb \r\n", b"a\r\nb\r\n"),
        (b"no end", b"no end\r\n", b"no end\r\n"),
        (b"lone\r\r\n", b"lone\r\r\n", b"lone\r\r\n"),
        (b"a\r\n\r\n\r\nb\r\n", b"a\r\n\r\n\r\nb\r\n", b"a\r\n\r\n\r\nb\r\n"),
    ],
)
def test_both_forms(text, simple, relaxed):
    assert b"".join(canonical(text, 0, relaxed=False)) == simple
    assert b"".join(canonical(text, 0, relaxed=True)) == relaxed


@given(LINES, st.integers(1, 9))
def test_it_equals_dkimpy_wherever_the_pieces_part(lines, size):
    text = b"".join(lines) + b"\r\n"
    crlf = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body, "PIECE", size)
        assert b"".join(canonical(text, 0, relaxed=False)) == Simple.canonicalize_body(crlf)
        assert b"".join(canonical(text, 0, relaxed=True)) == Relaxed.canonicalize_body(crlf)


def test_the_hash_covers_the_signed_length_only():
    raw = b"Head: er\r\n\r\nsigned\r\nadded\r\n"
    whole = hashlib.sha256(b"signed\r\nadded\r\n").digest()
    assert digest(raw, 12, relaxed=False) == (whole, False)
    assert digest(raw, 12, relaxed=False, length=15) == (whole, False)
    assert digest(raw, 12, relaxed=False, length=8) == (hashlib.sha256(b"signed\r\n").digest(), True)


@pytest.mark.parametrize("unit", [b" ", b"\r", b"\n", b" \r", b"\t\r\n", b"x "])
def test_hostile_runs_take_no_longer_than_text(unit):
    # Quadratic work would need hours here.
    pieces = list(canonical(unit * 2_000_000 + b"x", 0, relaxed=True))
    assert b"".join(pieces[-2:]).endswith(b"x\r\n")
