"""Addresses and domains as they are compared."""

import pytest

from milter.addresses import names_of, normal_address, normal_pattern, to_ascii, without_detail


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("Example.ORG.", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("a..b", None),
        ("", None),
        ("a b.example", None),
        ("a" * 64 + ".example", None),
        ("ex\u200dample.org", None),
        ("\ud800.example", None),
        ("-a.example", None),
        ("[192.0.2.1]", None),
    ],
)
def test_a_labels(domain, expected):
    assert to_ascii(domain) == expected


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("A@Example.ORG", "a@example.org"),
        ("no domain", ""),
        ('"a b"@x.test', "ab@x.test"),
        ("a@not a domain!", "a@notadomain!"),
    ],
)
def test_addresses_for_comparison(text, normal):
    assert normal_address(text) == normal


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Anna@Example.ORG", "anna@example.org"),
        (' "Anna"@bücher.example', "anna@xn--bcher-kva.example"),
        ("Example.ORG.", "example.org"),
        ("@example.org", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        (".Example.org", ".example.org"),
        ("localhost", "localhost"),
    ],
)
def test_patterns(text, pattern):
    assert normal_pattern(text) == pattern


@pytest.mark.parametrize("text", ["", "*", ".", "@", "anna@", "..example.org", "a b.test", "anna@.example.org"])
def test_what_is_no_pattern(text):
    with pytest.raises(ValueError, match="write an address"):
        normal_pattern(text)


def test_names_from_the_most_specific_on():
    assert [*names_of("anna@a.example.org")] == ["anna@a.example.org", "a.example.org", ".example.org", ".org"]
    assert [*names_of("root@localhost")] == ["root@localhost", "localhost"]


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [("anna+lists+x@example.org", "anna@example.org"), ("anna@example.org", "anna@example.org"), ("+x@a.b", "+x@a.b")],
)
def test_details(address, mailbox):
    assert without_detail(address) == mailbox
