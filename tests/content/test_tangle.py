"""Pages that would exhaust the parser are told beforehand; ordinary pages, sloppy ones too, are not taken for such."""

import pytest

from milter.content.html import BLOCK, read
from milter.content.tangle import is_tangled, without_tags

MANY = 3000
TANGLED = {
    "copied formatting": "".join(f"<b a={n}><p>" for n in range(MANY)) + "</b>" * MANY,
    "formatting before tables": "".join(f"<table><b a={n}>x" for n in range(MANY)),
    "formatting in each paragraph": "<p>" + "".join(f"<i a={n}>" for n in range(200)) + "</p>" + "<p>x</p>" * MANY,
    "deep blocks": "<div>" * 20_000,
    "deep lists": "<ul><li>" * 20_000,
    "deep inline": "<span>" * MANY + "<p>x</p>" * 10_000,
    "options": "<select>" + "<option>" * 20_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(20_000)) + ">",
    "attributes of one body": "".join(f"<body a{n}=1></body>" for n in range(9000)),
    "closing tags": "".join(f"<x{n}>" for n in range(9000)) + "</y>" * 9000,
}
ORDINARY = {
    "newsletter": "<table><tr><td style='color:red'><a href='x'><b>1</b></a> <span>2</span></td></tr></table>" * 2000,
    "nested tables": "<table><tr><td>" * 60 + "x" + "</td></tr></table>" * 60,
    "unclosed paragraphs": "<p>one <b>two</b>" * 1000,
    "line breaks": "one<br>" * 20_000,
    "links": "<a href='https://example.org/'>one</a>, " * 2000,
    "long text": "word " * 20_000,
    "picture in the page": f"<img src='data:image/png;base64,{'QUJD' * 10_000}' alt='x'>",
    "long style": f"<style>{'p { margin: 0 } ' * 1000}</style><p>x",
    "stray sign": "1 < 2 " + "word " * 200,
    "empty": "",
}


@pytest.mark.parametrize("source", TANGLED.values(), ids=TANGLED.keys())
def test_tangled_pages(source: str) -> None:
    assert is_tangled(source, len(BLOCK.findall(source)))
    page = read(f"<p>the threat</p>{source}")
    assert page.tangled
    assert "the threat" in page.text


@pytest.mark.parametrize("source", ORDINARY.values(), ids=ORDINARY.keys())
def test_ordinary_pages(source: str) -> None:
    assert not is_tangled(source, len(BLOCK.findall(source)))
    assert not read(source).tangled


@pytest.mark.parametrize("source", ["word " * 5_000_000, "<" + "a" * 25_000_000, "<p title='" + "x" * 25_000_000])
def test_long_pages_take_no_squares(source: str) -> None:
    assert not is_tangled(source, 0)


def test_tags_are_taken_out() -> None:
    assert without_tags("a<b c='d'>e</b>&lt;&#98;<<i>") == "ae<b<"
