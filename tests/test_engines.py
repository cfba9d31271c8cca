"""The shipped rules find the same with hyperscan and without it, in our samples and in generated texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milter.content.message import read
from milter.content.normalise import normalise
from milter.engine.cache import read_book, rule_paths
from milter.engine.ruleset import RuleSet, build
from milter.frontends.scan import bare_body

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*/*/*"))
BOOK = read_book(rule_paths((), shipped=True))
VOCABULARY = sorted(
    {
        word.strip("*").replace("#", "7")
        for rule in BOOK.rules
        for w in rule.wordings
        for words in w.lists
        for word in words
    }
)


@pytest.fixture(scope="module")
def engines() -> tuple[RuleSet, RuleSet]:
    return build(BOOK, "hyperscan"), build(BOOK, "ahocorasick")


def folded(path: Path) -> list[str]:
    raw = path.read_bytes()
    return [normalise(t.content).folded for t in read(bare_body(raw) if path.suffix == ".txt" else raw).texts]


def test_the_same_hits_in_every_sample(engines: tuple[RuleSet, RuleSet]) -> None:
    texts = [text for path in SAMPLES for text in folded(path)]
    first, second = ([rules.matcher.hits(text) for text in texts] for rules in engines)
    assert first == second
    assert sum(map(len, first)) > 3000


@given(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=60), st.sampled_from(["", " ", " x ", ", "]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_hits_in_texts_made_of_the_rules_words(
    engines: tuple[RuleSet, RuleSet], words: list[str], between: str
) -> None:
    text = normalise(between.join(words)).folded
    assert engines[0].matcher.hits(text) == engines[1].matcher.hits(text)
