"""Hyperscan and Python's own search must find the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.content import spotter
from milter.content.normalise import ASCII_SINGLE_LETTERS
from milter.content.spotter import Literals, Pattern
from milter.signals.wallets import HAS_LONG_RUN, HINT

LITERALS = (b"a0", b"0a", b".a.", b"a@@")
shapes = st.text("a0.@ ", max_size=60).map(str.encode)


def without_hyperscan(monkeypatch: pytest.MonkeyPatch, make: type, *arguments: bytes) -> object:
    with monkeypatch.context() as patch:
        patch.setattr(spotter, "hyperscan", None)
        return make(*arguments)


def test_literals_end_where_they_end() -> None:
    assert Literals(*LITERALS).ends(b"xa0a .a.a. a@@") == [3, 4, 8, 10, 14]


def test_nothing_is_found_in_nothing() -> None:
    assert Literals(*LITERALS).ends(b"") == []
    assert not Pattern(b"a").is_in(b"")


def test_case_counts_unless_it_is_to_be_ignored() -> None:
    assert not Pattern(b"coin").is_in(b"BitCoin")
    assert Pattern(b"coin", ignore_case=True).is_in(b"BitCoin")


@given(shapes)
def test_both_engines_find_the_same_literals(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        slow = without_hyperscan(patch, Literals, *LITERALS)
    assert Literals(*LITERALS).ends(data) == slow.ends(data)


@pytest.mark.parametrize("pattern", [ASCII_SINGLE_LETTERS, HAS_LONG_RUN, HINT])
@given(data=st.data())
def test_both_engines_agree_on_the_patterns_in_use(pattern: Pattern, data: st.DataObject) -> None:
    texts = st.text("a b&Z9", max_size=80).map(str.encode)
    text = data.draw(st.from_regex(pattern._regex) | st.binary(max_size=80) | texts)
    assert pattern.is_in(text) == (pattern._regex.search(text) is not None)
