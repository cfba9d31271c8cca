"""Addresses of people in the log, as far as the admin wants them there."""

import pytest

from milter.observe.addresses import in_text, shown_by

KEY = b"k" * 32


@pytest.mark.parametrize("address", ["anna@example.org", "", "postmaster"])
def test_full_is_as_it_came(address):
    assert shown_by("full", KEY)(address) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [("anna@example.org", "@example.org"), ('"a@b"@example.org', "@example.org"), ("", ""), ("postmaster", "@")],
)
def test_domain_is_what_is_behind_the_last_at(address, shown):
    assert shown_by("domain", KEY)(address) == shown


def test_a_code_is_twelve_digits_of_hmac_sha256():
    # echo -n anna@example.org | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    assert shown_by("hashed", KEY)("anna@example.org") == "d1fe46432934"


def test_one_mailbox_has_one_code_and_others_have_others():
    code = shown_by("hashed", KEY)
    assert code("Anna@EXAMPLE.org") == code("anna@example.org")
    assert len({code(address) for address in ("anna@example.org", "anna@example.net", "a", "b")}) == 4
    assert shown_by("hashed", b"x" * 32)("anna@example.org") != code("anna@example.org")
    assert code("") == ""


@pytest.mark.parametrize("how", ["hashed", "domain"])
def test_no_address_stands_in_a_reply_or_a_warning(how):
    text = '550 5.1.1 <anna@example.org>: no "bob.b+x@mail.example.net"; ask=postmaster@example.org, please'
    shown = in_text(text, shown_by(how, KEY))
    assert "anna" not in shown
    assert "bob" not in shown
    assert "postmaster" not in shown
    assert shown.startswith("550 5.1.1 <")
    assert shown.endswith(", please")


def test_in_full_a_text_is_as_it_came():
    assert in_text("<anna@example.org>", shown_by("full", KEY)) == "<anna@example.org>"
