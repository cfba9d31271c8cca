"""Mailboxes as mail programs read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.sender.author import Mailbox, _read, _Reader, parse_mailboxes


def read(text):
    return [(box.name, box.address) for box in parse_mailboxes([text.encode()])]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("joe@example.org", [("", "joe@example.org")]),
        ("Joe <Joe@Example.ORG>", [("Joe", "joe@example.org")]),
        ('"Joe Q. Public" <joe@example.org>', [("Joe Q. Public", "joe@example.org")]),
        ("joe@example.org (Joe)", [("Joe", "joe@example.org")]),
        ("(a (nested \\) one) b) joe@example.org", [("a nested ) one b", "joe@example.org")]),
        ("A <a@x.test>, b@y.test; C <c@z.test>", [("A", "a@x.test"), ("", "b@y.test"), ("C", "c@z.test")]),
        # groups
        ("Team: A <a@x.test>, b@y.test;", [("Team A", "a@x.test"), ("Team", "b@y.test")]),
        ("undisclosed-recipients:;", []),
        # what spoofers write
        ("boss@corp.test <evil@x.test>", [("boss@corp.test", "evil@x.test")]),
        ('"boss@corp.test, me" <evil@x.test>', [("boss@corp.test, me", "evil@x.test")]),
        ('"unclosed <evil@x.test>', [('"unclosed', "evil@x.test")]),
        ("Joe <evil@x.test", [("Joe", "evil@x.test")]),
        ("<evil@x.test> Joe", [("Joe", "evil@x.test")]),
        ('"q\\"t" <"odd \\"local"@x.test>', [('q"t', 'odd"local@x.test')]),
        ("<@relay.test,@b.test:joe@example.org>", [("", "joe@example.org")]),
        # encoded words are no syntax
        ("=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M?= <j@x.test>", [("Jörg M", "j@x.test")]),
        ("=?utf-8?b?PGJvc3NAY29ycC50ZXN0Pg==?= <evil@x.test>", [("<boss@corp.test>", "evil@x.test")]),
        ('"=?utf-8?q?boss=40corp.test?=" <evil@x.test>', [("boss@corp.test", "evil@x.test")]),
        ("=?nonsense?q?x?= <a@x.test>", [("x", "a@x.test")]),
        # international
        ("Jörg <jörg@bücher.example>", [("Jörg", "jörg@xn--bcher-kva.example")]),
        ("X <phishing@pot>", [("X", "phishing@pot")]),
        # nothing to see
        ("", []),
        ("Joe", [("", "")]),
        ("<>", []),
        (",,;:", []),
    ],
)
def test_reading(field, expected):
    assert read(field) == expected


def test_folds_and_eight_bit_bytes():
    assert parse_mailboxes([b"J\xf6rg\r\n <a@x.test>,\r\n\tb@x.test"])[:1] == (Mailbox("Jörg", "a@x.test"),)


def test_the_domain_of_a_mailbox():
    (box,) = parse_mailboxes([b"a@b@x.test"])
    assert box.domain == "x.test"
    assert Mailbox("", "").domain == ""


@given(st.from_regex(r'[ "]?[ab. ]{0,4}"?( ?<)?[a"]{1,3}@[ab.]{1,4}>?[ ,]?', fullmatch=True))
def test_the_short_way_leads_to_the_same(text):
    assert _read(text) == _Reader().read(text)


@given(st.text(alphabet='ab@.<>()",;:\\ =?q_', max_size=60))
def test_any_field_can_be_read(text):
    for box in parse_mailboxes([text.encode()]):
        assert box.address == box.address.lower()


@pytest.mark.parametrize("unit", ["(", '"', "\\", "<", ",", "=?a?q?", '"a" ', "a@b.test, "])
def test_hostile_fields_take_no_long_time(unit):
    parse_mailboxes([(unit * 30_000).encode()])
