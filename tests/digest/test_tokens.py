"""Tokens: for one purpose, one mail and one recipient; they expire, and nobody else can make them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from stored_mails import NOW

from milter.config import Store
from milter.digest.tokens import PURPOSES, TOKEN, Expired, Order, Tokens, signing_keys

ORDER = Order("release", "lusab-babad", 3)
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path):
    return Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key")


@pytest.fixture
def tokens(settings):
    return Tokens(signing_keys(settings), valid_days=14)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_token_says_what_it_was_made_for_and_nothing_else(tokens, purpose):
    order = ORDER._replace(purpose=purpose)
    token = tokens.make(order, now=NOW)
    assert tokens.read(token, now=NOW) == order
    assert TOKEN.fullmatch(token)
    assert TOKEN.findall(f"Re: {purpose} {token}, please") == [token]


def test_a_token_expires(tokens):
    token = tokens.make(ORDER, now=NOW)
    assert tokens.read(token, now=NOW + 14 * DAY) == ORDER
    with pytest.raises(Expired):
        tokens.read(token, now=NOW + 14 * DAY + timedelta(seconds=1))


def test_a_token_that_was_changed_is_none(tokens):
    token = tokens.make(ORDER, now=NOW)
    payload, time, signature = token.split(".")
    other = tokens.make(ORDER._replace(mail_id="ridot-hukus"), now=NOW).split(".")[0]
    later = tokens.make(ORDER, now=NOW + DAY).split(".")[1]
    for forged in (
        f"{other}.{time}.{signature}", f"{payload}.{later}.{signature}",
        token[:-2], token + "A", "", ".", "a.b.c", f"{payload}.{signature}",
    ):  # fmt: skip
        assert tokens.read(forged, now=NOW) is None


def test_other_keys_make_other_tokens(tokens, tmp_path):
    others = Tokens(signing_keys(Store(url="sqlite:///x", key_file=tmp_path / "other")), valid_days=14)
    assert tokens.read(others.make(ORDER, now=NOW), now=NOW) is None


def test_a_new_key_signs_and_the_old_one_still_reads(tokens, settings):
    from milter.store.keys import given_ring  # noqa: PLC0415

    old = tokens.make(ORDER, now=NOW)
    ring = given_ring(settings.key_file, {})
    assert ring
    ring.add()
    both = Tokens(signing_keys(settings), valid_days=14)
    assert both.read(old, now=NOW) == ORDER
    assert tokens.read(both.make(ORDER, now=NOW), now=NOW) is None


def test_no_key_is_made_by_looking(settings):
    assert signing_keys(settings, make=False) == []
    assert Tokens([], valid_days=1).read("aaaaaaaa.bbbbbb.cccccccccccccccccccccccccccc", now=NOW) is None
    assert not settings.key_file.exists()
