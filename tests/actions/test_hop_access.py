"""What the settings about the way into the next hop come to, and how they can be wrong."""

from __future__ import annotations

import ssl

import pytest

from milter.actions.hop_access import NO_CONDITIONS, load_access
from milter.config import Config
from milter.errors import ConfigError

SECRET = "correct horse"


def config(**settings):
    return Config(**{"next_hop": "smtp://relay.example.org:25"} | settings)


def auth(path):
    return {"user": "filter", "password_file": path}


@pytest.mark.parametrize("level", ["opportunistic", "encrypt"])
def test_encryption_alone_asks_for_no_name(level):
    access = load_access(config(next_hop_tls=level))
    assert access.context
    assert (access.context.verify_mode, access.context.check_hostname) == (ssl.CERT_NONE, False)
    assert access.context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("given", [True, False])
def test_verify_asks_for_chain_and_name(authority, given):
    access = load_access(config(next_hop_tls="verify", next_hop_ca_file=authority.ca_file if given else None))
    assert access.context
    assert (access.context.verify_mode, access.context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert access.context.minimum_version == ssl.TLSVersion.TLSv1_2
    if given:
        assert access.context.cert_store_stats()["x509_ca"] == 1


def test_off_needs_nothing():
    assert load_access(config(next_hop_tls="off")) == NO_CONDITIONS


def test_a_maildir_is_just_there(tmp_path):
    settings = {"next_hop": f"maildir:{tmp_path}", "next_hop_tls": "encrypt", "next_hop_auth": auth(tmp_path / "none")}
    assert load_access(Config(**settings)) == NO_CONDITIONS


def test_the_password_is_the_first_line_and_stays_hidden(tmp_path):
    (tmp_path / "password").write_text(f"{SECRET}\r\nmore\n", encoding="utf-8")
    access = load_access(config(next_hop_auth=auth(tmp_path / "password")))
    assert access.login
    assert (access.login.user, access.login.password) == ("filter", SECRET)
    assert SECRET not in repr(access)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is empty"),
        (b"\nsecond", "is empty"),
        (b"gr\xfcn", "is not in UTF-8"),
        (b"a\0b", "NUL"),
    ],
)
def test_a_password_file_that_cannot_be_used(tmp_path, content, what):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_access(config(next_hop_auth=auth(path)))
    text = str(caught.value)
    assert text.startswith("next_hop_auth.password_file: ")
    assert what in text
    assert "\n" not in text
    assert not any(secret in text for secret in ("gr", "second", "a\0b"))
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "cannot be read (No such file or directory)"), (b"", "holds no certificates"), (b"x", "holds no cert")],
)
def test_a_ca_file_that_cannot_be_used(tmp_path, content, what):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_access(config(next_hop_tls="verify", next_hop_ca_file=path))
    assert str(caught.value).startswith(f"next_hop_ca_file: {path} {what}")
    assert "\n" not in str(caught.value)


def test_a_ca_file_that_nobody_looks_at_is_a_mistake(authority):
    with pytest.raises(ConfigError, match="only next_hop_tls: verify looks at certificates"):
        load_access(config(next_hop_tls="encrypt", next_hop_ca_file=authority.ca_file))


def test_a_unix_socket_has_no_name_to_verify():
    with pytest.raises(ConfigError, match="a Unix socket in next_hop has none"):
        load_access(config(next_hop="smtp+unix:/run/smtp", next_hop_tls="verify"))
