"""Authors on the lists of a recipient."""

import pytest

from milter.config import Policy
from milter.content.message import read
from milter.model import Authentication
from milter.sender.listed import Listed, find_listed

POLICY = Policy(allow=frozenset({"shop.test", "b@spam.test"}), block=frozenset({"spam.test"}))
PROVEN = Authentication(author_proven=True)


def found(author, sender=PROVEN, *, checked=True, policy=POLICY):
    headers = read(f"From: {author}\r\nTo: x@example.org\r\n\r\nHello\r\n".encode()).headers
    return find_listed(policy, headers, sender, checked=checked)


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Shop <A@SHOP.test>", Listed("allow", "a@shop.test")),
        ("a@spam.test", Listed("block", "a@spam.test")),
        ("b@spam.test", Listed("allow", "b@spam.test")),
        ("a@sub.shop.test", None),
        ('"a@shop.test" <a@other.test>', None),
        ("", None),
        # Who adds an allowed author to his own name is blocked all the same.
        ("a@shop.test, a@spam.test", Listed("block", "a@spam.test")),
    ],
)
def test_who_is_listed(author, expected):
    assert found(author) == expected


def test_without_lists_nobody_is():
    assert found("a@shop.test", policy=Policy()) is None


@pytest.mark.parametrize(
    ("sender", "checked", "doubt"),
    [
        (Authentication(author_proven=True), True, ""),
        (Authentication(author_proven=False), True, "the author's domain is not proven"),
        (Authentication(author_proven=None, dmarc="temperror"), True, "the author's domain is not proven"),
        (Authentication(spf="pass"), True, "the author's domain is not proven"),
        (Authentication(), False, ""),
        (Authentication(author_proven=True, spoof=("from_equals_to",)), True, "spoof.from_equals_to holds"),
        (Authentication(author_proven=True, spoof=("reply_to_elsewhere",)), True, "spoof.reply_to_elsewhere holds"),
        (Authentication(author_proven=True, spoof=("return_path_unrelated",)), True, ""),
        (Authentication(spoof=("return_path_unrelated",)), False, "spoof.return_path_unrelated holds"),
        (Authentication(author_proven=True, spoof=("return_path_unrelated", "x")), True, "spoof.x holds"),
    ],
)
def test_when_an_allowed_author_is_doubted(sender, checked, doubt):
    assert found("a@shop.test", sender, checked=checked) == Listed("allow", "a@shop.test", doubt)
    # A blocked one never is.
    assert found("a@spam.test", sender, checked=checked) == Listed("block", "a@spam.test")


def test_an_endless_address_is_cut():
    listed = found("a" * 5000 + "@spam.test")
    assert len(listed.author) == 320
