"""Passwords of a mail, also where no word for "password" stands beside them."""

from __future__ import annotations

import pytest

from milter.content.message import read
from milter.evidence.masking import Masker


def masker(body, subject="hello"):
    return Masker(read(f"Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{body}\n".encode()))


def test_a_password_of_the_text_is_masked_everywhere():
    mask = masker("I know your password: hunter2.")
    assert mask("Re: HUNTER2, and hunter2!") == "Re: •••, and •••!"
    assert mask("hunter22 is another") == "hunter22 is another"


def test_a_password_in_disguise_is_masked():
    assert masker("your p\u0430ssword is hun\u200bter2.")("hunter2") == "•••"


@pytest.mark.parametrize("body", ["The subject is your password.", "In der Betreffzeile steht Ihr Passwort."])
def test_a_subject_that_is_the_password_is_masked(body):
    assert masker(body).subject("hunter2") == "•••"


def test_a_subject_stays_where_the_text_speaks_of_no_password():
    assert masker("Your case number is in the subject.").subject("XY/2026-17") == "XY/2026-17"


def test_signs_that_cannot_be_seen_are_gone():
    assert masker("x")("a\u202eb\x1b[2Jc\nd") == "a b [2Jc\nd"
