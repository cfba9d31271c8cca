"""Style declarations are judged by whether text can be seen."""

import pytest

from milter.content.looks import MOST_STEPS, ORDINARY, colour, hiding_selectors, look, near


@pytest.mark.parametrize(
    ("value", "rgb"),
    [
        ("#fff", (255, 255, 255)),
        ("#0a0B0c", (10, 11, 12)),
        ("#11223344", (17, 34, 51)),
        ("rgb(1, 2,3)", (1, 2, 3)),
        ("rgba(300 2 3 / 50%)", (255, 2, 3)),
        (" White ", (255, 255, 255)),
        ("white url(x)", (255, 255, 255)),
        (f"rgb({'9' * 5000},0,00000000002)", (255, 0, 2)),
        ("inherit", None),
        ("", None),
    ],
)
def test_colours(value: str, rgb: tuple[int, int, int] | None) -> None:
    assert colour(value) == rgb


@pytest.mark.parametrize("padding", ["", "x" * 5000])
def test_long_styles_are_read_as_short_ones(padding: str) -> None:
    found = look(f"{padding};font-size:0;color:red", "black", "white")
    assert (found.tiny, found.colour, found.background) == (True, (255, 0, 0), (0, 0, 0))


def test_near_colours() -> None:
    assert near((255, 255, 255), (250, 250, 250))
    assert not near((255, 255, 255), (200, 255, 255))


@pytest.mark.parametrize("style", ["", "margin:0", "color", "max-width:600px;width:100%;padding:0 0 0 0;line-height:0"])
def test_ordinary_styles(style: str) -> None:
    assert look(style) == ORDINARY


@pytest.mark.parametrize(
    ("style", "tiny"),
    [
        ("font-size:0", True),
        ("font-size:.5px", True),
        ("font-size:0.1em", True),
        ("font-size:9px", False),
        ("font:0/0 a", True),
        ("font:bold 12px Arial", False),
        ("font-size:small", None),
        ("font-size:100%", False),
    ],
)
def test_font_sizes(style: str, tiny: bool | None) -> None:
    assert look(style).tiny is tiny


def test_rules_that_hide() -> None:
    sheet = (
        "/* .no{display:none} */ .a { display:none !important } .b, p.c > i{font-size:0} a:hover{display:none}"
        "@media (max-width:9px) { .d{display:none} .e{color:red} } .f{color:red} @font-face{src:x} .g{visibility:hidden"
    )
    assert hiding_selectors(sheet) == [".a", ".b, p.c > i", ".g"]


def test_rules_in_comments_do_not_count() -> None:
    assert hiding_selectors("/* .a{display:none} */.b{display:none}/* .c{display:none}") == [".b"]


def test_only_so_many_selectors_are_sought() -> None:
    assert len(hiding_selectors("".join(f".a{number}{{display:none}}" for number in range(500)))) == MOST_STEPS


BROKEN = [
    "",
    "}}}}",
    "{{{{",
    "@media{",
    ".a{display:none",
    "a" * 100_000,
    "@" * 100_000,
    "a{" * 100_000,
    "/*a" * 200_000,
]


@pytest.mark.parametrize("sheet", BROKEN)
def test_broken_sheets(sheet: str) -> None:
    assert hiding_selectors(sheet) in ([], [".a"])
