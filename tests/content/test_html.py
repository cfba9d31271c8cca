"""HTML yields what a reader sees, in the reader's words, and tells what is hidden from the reader."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milter.content.html import BLOCK, BLOCKS, read

SEEN = [
    ("<p>b<b></b>it<!-- x -->co<zzz>in</zzz></p>", "bitcoin"),
    ("b<span>i</span><i>t</i><x-y></x-y>coin<br>now", "bitcoin now"),
    ("pass<!-- a > b -->word<!---->s", "passwords"),
    ("<div>one</div><div>two</div><p>three<p>four", "one two three four"),
    ("<table><tr><td>a1</td><td>b2</td></tr><tr><th>c3</th></tr></table>", "a1 b2 c3"),
    ("<ul><li>one<li>two</ul><h1>three</h1>four<hr>five", "one two three four five"),
    ("<TABLE><TR><TD>a1<TD>b2</TABLE><BR>c3", "a1 b2 c3"),
    ("&#98;&#x69;tcoin &amp; &eacute;t&eacute; &nbsp;x", "bitcoin & été x"),
    ("<html><head><title>no</title><style>p{}</style></head><body>yes<script>no()</script></html>after", "yes after"),
    ("a<style>b{}</style>b<template>no</template>c<iframe>no</iframe>d<object>no<object>no</object></object>", "abcd"),
    ("<noscript>seen</noscript><textarea> too</textarea>", "seen too"),
    ('<img src=x alt="pay bitcoin">now', "pay bitcoin now"),
    ("unclosed <b>bold <i>text", "unclosed bold text"),
    ("plain text without any tag", "plain text without any tag"),
    ("<frameset><frame src=x><noframes>no</noframes></frameset>", ""),
    ("", ""),
    ("<p title='<div>'>one</p>", "one"),
    ("<a href=x>lin</a>k", "link"),
]


@pytest.mark.parametrize(("source", "text"), SEEN)
def test_text_as_a_reader_sees_it(source: str, text: str) -> None:
    page = read(source)
    assert " ".join(page.text.split()) == text
    assert (page.quoted, page.hidden, page.filler) == ("", "", False)


FILLERS = [
    '<span style="font-size:0">xx</span>',
    '<span style="font-size: 1px; color: red">xx</span>',
    '<font style="FONT-SIZE:0pt">xx</font>',
    '<span style="display:none">xx</span>',
    '<span style="display : none !important">xx</span>',
    '<i style="visibility:hidden">xx</i>',
    '<i style="opacity:0">xx</i>',
    "<i hidden>xx</i>",
    '<span style="max-height:0;overflow:hidden">xx</span>',
    '<span style="width:0px;height:0px;overflow:hidden">xx</span>',
    '<span style="position:absolute;left:-9999px">xx</span>',
    '<span style="color:#fff">xx</span>',
    '<span style="color:#FFFFFF">xx</span>',
    '<span style="color:rgb(254, 255, 255)">xx</span>',
    '<span style="color:transparent">xx</span>',
    '<span style="color:#369;background:#369">xx</span>',
    "<font color=white>xx</font>",
    '<font color="#FEFEFE"><b>x</b>x</font>',
    '<b class="z">xx</b>',
    "<b id=q>xx</b>",
]


@pytest.mark.parametrize("filler", FILLERS)
def test_invisible_filler_within_words_is_taken_out(filler: str) -> None:
    sheet = "<style>.z { font-size: 0 } #q{display:none}</style>"
    page = read(f"{sheet}<p>send bit{filler}co{filler}in now</p>")
    assert page.text.split() == ["send", "bitcoin", "now"]
    assert page.filler
    assert page.hidden == ""


def test_one_filler_in_a_word_of_the_crime_tells() -> None:
    assert read('bit<i style="display:none">x</i>coin').filler
    assert not read('Mon<i style="display:none">x</i>day').filler


VISIBLE = [
    '<table bgcolor="#333333"><tr><td><a style="color:#ffffff">Button</a></table>',
    '<table style="background-color:#003366"><tr><td><font color=white>Button</font></td></tr></table>',
    '<a style="background:#07c;color:#fff">Button</a>',
    '<div style="background-image:url(x.png);color:#fff">Button</div>',
    '<div style="background:linear-gradient(red,blue)"><p style="color:white">Button</p></div>',
    '<div style="color:#fff"><span style="color:#000">Button</span></div>',
    '<p style="font-size:0px"><span style="font-size:13px">Button</span></p>',
    '<div style="font-size:0"><table><tr><td><p style="font-size:14px">Button</p></td></tr></table></div>',
    '<div style="visibility:hidden"><b style="visibility:visible">Button</b></div>',
    '<p style="font-size:11px;line-height:0;opacity:0.9;color:#eee;background:#222">Button</p>',
    '<p style="font:12px/1.5 Arial">Button</p>',
    "<style>@media (max-width:600px){.m{display:none}}</style><p class=m>Button</p>",
    "<style>@media screen{.k{display:none} .l{font-size:0}} .n{color:red}</style><p class=l>Button</p>",
]


@pytest.mark.parametrize("source", VISIBLE)
def test_text_that_can_be_read_stays(source: str) -> None:
    page = read(source)
    assert page.text.split() == ["Button"]
    assert not page.filler


PREHEADER = "Our new catalogue is here, with forty pages of lamps and chairs"


@pytest.mark.parametrize(
    "style", ["display:none;max-height:0;overflow:hidden", "font-size:1px;color:#fefefe", "mso-hide:all;display:none"]
)
def test_a_preheader_is_given_apart_and_is_no_evasion(style: str) -> None:
    page = read(f'<body><div style="{style}">{PREHEADER}&zwnj;&nbsp;&zwnj;&nbsp;</div><p>Dear reader</p></body>')
    assert page.text.split() == ["Dear", "reader"]
    assert page.hidden.startswith(PREHEADER)
    assert not page.filler


def test_a_letter_misjudged_as_hidden_is_still_given() -> None:
    letter = "I have recorded you and will send the video to your friends unless you pay"
    page = read(f'<style>.dark{{background:#000}}</style><div class="dark"><p style="color:#fff">{letter}</p></div>')
    assert letter in page.hidden + page.text


def test_nested_hidden_elements_are_given_once() -> None:
    inner = '<b style="font-size:0">and some more of it</b>'
    page = read(f'<div style="display:none">{PREHEADER} {inner}</div><p style="font-size:0">x {inner}</p>')
    assert page.hidden.count("lamps") == 1
    assert page.hidden.count("some more") == 2
    assert not set("\ue000\ue001\ue002") & set(page.hidden)


def test_citations_are_told_apart() -> None:
    page = read("Hi<blockquote>one <b>two</b><blockquote>three</blockquote></blockquote>bye<blockquote>four")
    assert page.text.split() == ["Hi", "bye"]
    assert page.quoted.split() == ["one", "two", "three", "four"]


def test_a_page_cannot_set_the_marks_itself() -> None:
    page = read("own \ue000text \ue001 and b\ue002itcoin &#xe000; more")
    assert "text" in page.text
    assert page.quoted.strip() in ("", "more")


def test_payment_links_are_given() -> None:
    target = "bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2?amount=0.5"
    assert read(f'<a href="{target}">pay here</a> <a href="https://example.org/coin:x">no</a>').links[:1] == (target,)
    assert read("<a href='https://example.org/'>x</a>").links == ()


TAGS = [
    "<object>", "</object>", "<template>", "<iframe>", "<svg>", "<style>.a{display:none}</style>",
    "<div style='display:none'>", "<b style=font-size:0>", "</b>", "</div>", "<blockquote>", "</blockquote>",
    "x", "<font color=white>", "</font>", "<img alt=z>", "<p class=a>", "<table>", "<td bgcolor=black>",
    "</table>", "<!--", "-->", "<script>", "</script>", "<select>", "<frameset>", "</html>", "<math>",
    "<title>", "<body hidden>", "<pre>", "<p style=color:#fff>",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(TAGS), max_size=25))
def test_any_tree_is_read(tags: list[str]) -> None:
    page = read("".join(tags))
    assert set("".join((page.text + page.quoted).split())) <= set("xz<!->")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abc<>/=\"'! -divspanstyle:0;#f&\n\0\ud800", max_size=120))
def test_any_source_is_read(source: str) -> None:
    read(source)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<</>ptdDivablh1 \nx", max_size=80), st.sampled_from(BLOCKS), st.sampled_from(BLOCKS))
def test_blocks_are_found_as_by_a_plain_list_of_them(noise: str, one: str, other: str) -> None:
    source = f"{noise}<{one}{noise}</{other.upper()} {noise}"
    plain = re.compile(rf"<(?=/?(?:{'|'.join(BLOCKS)})[\s/>])", re.ASCII | re.IGNORECASE)
    assert [found.start() for found in BLOCK.finditer(source)] == [found.start() for found in plain.finditer(source)]


@pytest.mark.parametrize(
    "name", ["a", "img", "span", "strong", "i", "small", "s", "x-p", "tbody", "p1", "article1", "h"]
)
def test_other_tags_are_no_blocks(name: str) -> None:
    assert not BLOCK.search(f"<{name}><{name} x></{name}><{name.upper()}/>")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*TAGS, "\r", "\r\n", "\n", " "]), max_size=25))
def test_line_ends_are_all_the_same(pieces: list[str]) -> None:
    source = "".join(pieces)
    assert read(source) == read(source.replace("\r\n", "\n").replace("\r", "\n"))


def test_deep_trees_are_read() -> None:
    page = read("<div style='color:#fff'>" * 20_000 + "deep")
    assert "deep" in page.text + page.hidden or page.hidden == ""
