"""Domain names, their owners, and names that look like others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.addresses import to_ascii
from milter.sender.domains import domain_of, is_within, organisational, to_unicode
from milter.sender.lookalike import is_typo, resembled, skeleton


@pytest.mark.parametrize(
    ("domain", "shown"), [("xn--bcher-kva.example", "bücher.example"), ("xn--.test", "xn--.test"), ("a.test", "a.test")]
)
def test_u_labels(domain, shown):
    assert to_unicode(domain) in (shown, shown.removeprefix("xn--"))


@pytest.mark.parametrize(
    ("domain", "owner"),
    [("a.b.example.co.uk", "example.co.uk"), ("co.uk", "co.uk"), ("x.example", "x.example"), ("pot", "pot")],
)
def test_organisations(domain, owner):
    assert organisational(domain) == owner


def test_within():
    assert is_within("a.example.org", "example.org")
    assert not is_within("aexample.org", "example.org")
    assert domain_of("a@Example.org") == "example.org"
    assert domain_of("example.org") is None


OWN = ("example.org", "münchen.example", "web.test")


@pytest.mark.parametrize(
    ("domain", "like"),
    [
        ("exarnple.org", "example.org"),
        ("examp1e.org", "example.org"),
        ("exmaple.org", "example.org"),
        ("exaample.org", "example.org"),
        ("exmple.org", "example.org"),
        ("examplé.org", "example.org"),
        ("exаmple.org", "example.org"),  # Cyrillic а
        ("еxаmрlе.org", "example.org"),
        ("mail.examqle.org", "example.org"),
        ("example.orq", "example.org"),
        ("munchen.example", "münchen.example"),
        ("example.org", None),
        ("sub.example.org", None),
        ("example.net", None),
        ("other.test", None),
        ("wed.test", None),
        ("xn--mnchen-3ya.example", None),
        ("", None),
    ],
)
def test_look_alikes(domain, like):
    own = tuple(filter(None, map(to_ascii, OWN)))
    assert resembled(to_ascii(domain) or "", own) == (to_ascii(like) if like else None)


def test_skeletons():
    assert skeleton("рaypal.com") == skeleton("PAYPAL.com") == "paypal.com"
    assert skeleton("vvww.test") == skeleton("www.test")


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_one_keystroke_is_distance_one(one, other):
    assert is_typo(one, other) == (distance(one, other) == 1)


def distance(one, other):
    """Edit distance with swaps of neighbours (optimal string alignment), by the book."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            best = min(row[-1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
