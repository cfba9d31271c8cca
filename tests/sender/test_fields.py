"""Cutting a mail into header fields and body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.sender.fields import MAX_HEADER, Field, cut


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_fields_keep_their_folds_and_the_body_its_place(end):
    raw = b"From: a@example.org" + end + b"Subject: one" + end + b"\ttwo" + end + end + b"body" + end
    mail = cut(raw)
    assert mail.fields == (Field(b"From", b" a@example.org\r\n"), Field(b"Subject", b" one\r\n\ttwo\r\n"))
    assert mail.fields[1].text() == "one\ttwo"
    assert raw[mail.body_at :] == b"body" + end
    assert mail.sound


def test_mixed_line_ends():
    mail = cut(b"A: 1\nB: 2\r\n\nbody")
    assert [field.name for field in mail.fields] == [b"A", b"B"]
    assert mail.raw[mail.body_at :] == b"body"


@pytest.mark.parametrize("raw", [b"no colon here\r\n\r\n", b" leading fold\r\n\r\nx", b"A: 1\r\n\xff: x\r\n\r\n"])
def test_a_line_that_is_no_field_makes_the_header_unsound(raw):
    assert not cut(raw).sound


def test_the_mbox_line_is_passed_over():
    mail = cut(b"From someone Mon Jan  1 00:00:00 2024\nSubject: x\n\nbody")
    assert mail.sound
    assert [field.name for field in mail.fields] == [b"Subject"]


def test_no_body_no_header():
    assert cut(b"").fields == ()
    assert cut(b"\r\nbody").body_at == 2
    assert cut(b"A: 1").body_at == 4


def test_a_monstrous_header_is_cut_off():
    assert not cut(b"A: 1\n" * MAX_HEADER + b"\n").sound
    assert not cut(b"A: " + b"x" * MAX_HEADER).sound


@given(st.binary(max_size=300))
def test_anything_can_be_cut(raw):
    mail = cut(raw)
    assert 0 <= mail.body_at <= len(raw)
    assert all(isinstance(field.text(), str) for field in mail.fields)
