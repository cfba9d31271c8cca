"""Hidden text is found by styles and sheets as the library would find it, and given as it reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from milter.content.concealment import HOLE, MANY_LOOKS, conceal
from milter.content.looks import colour, near

STEPS = st.sampled_from(["p", "b", ".x", "#y", "i.x", "div", "p.x", "body", "*x"])
PATHS = st.lists(STEPS, min_size=1, max_size=4).flatmap(
    lambda steps: st.lists(st.sampled_from([" ", ">", " > ", "  ", " > > "]), min_size=4, max_size=4).map(
        lambda between: "".join(step + mark for step, mark in zip(steps, between, strict=False)).rstrip(" >")
    )
)
TAGS = st.sampled_from(
    ["<div>", "<b class=x>", "<i class='x z'>", "<p>", "<p id=y>", "</div>", "</b>", "</p>", "word "]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TAGS, max_size=20), st.lists(PATHS, min_size=1, max_size=3))
def test_selectors_mean_what_they_mean_to_the_library(tags: list[str], paths: list[str]) -> None:
    source, selector = "".join(tags), ",".join(paths)
    tree, library = LexborHTMLParser(source), LexborHTMLParser(source)
    conceal(tree, f"{selector}{{display:none}}")
    try:
        selected = library.css(selector)
    except SelectolaxError:
        selected = []
    for node in selected:
        for text in list(node.traverse(include_text=True)):
            if text.is_text_node and (text.text_content or "").strip():
                text.replace_with(HOLE)
    assert tree.html == library.html


@pytest.mark.parametrize(
    ("selector", "hidden"),
    [
        ("div b", ["one", "two"]),
        ("div > b", ["one"]),
        ("div>i b", ["two"]),
        ("div > i > b", ["two"]),
        ("div b, p", ["one", "two", "three"]),
        ("body > b", []),
        ("div b, p >", []),
        ("div b,", []),
        ("> b", []),
        ("div > > b", []),
    ],
)
def test_selectors(selector: str, hidden: list[str]) -> None:
    tree = LexborHTMLParser("<div><b>one</b><i><b>two</b></i></div><p>three")
    assert conceal(tree, f"{selector}{{display:none}}") == hidden


@pytest.mark.parametrize("combinator", [" ", " > "])
def test_long_paths_in_deep_trees_end(combinator: str) -> None:
    tree = LexborHTMLParser("<div>" * 100 + "<p>word</p>" * 100)
    assert conceal(tree, f".z {combinator.join(['div'] * 30)} p{{display:none}}") == []
    assert conceal(tree, f"{combinator.join(['div'] * 30)} p{{display:none}}") == ["word"] * 100


def test_what_many_rules_hide_is_hidden_once() -> None:
    tree = LexborHTMLParser("<p>word</p>" * 20_000)
    assert conceal(tree, ",".join("p" * 40) + "{display:none}") == ["word"] * 20_000


def test_hidden_text_reads_as_it_stands() -> None:
    source = "<div style='display:none'>I <p>have <b>your</b> <i>password</i></p> and <b>camera</b></div>"
    assert " ".join(conceal(LexborHTMLParser(source), "")).split() == ["I", "have", "your", "password", "and", "camera"]


def test_many_colours_are_told_apart() -> None:
    colours = [f"#{number:06x}" for number in range(0, 0xFFFFFF, 0xABCD)]
    pairs = [(front, ground) for front in colours[::10] for ground in colours]
    page = "".join(f"<p bgcolor={ground}><b style='color:{front}'>x</b></p>" for front, ground in pairs)
    assert len(set(colours)) > MANY_LOOKS
    assert len(conceal(LexborHTMLParser(page), "")) == sum(near(colour(a), colour(b)) for a, b in pairs)  # type: ignore[arg-type]
