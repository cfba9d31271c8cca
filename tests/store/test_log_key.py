"""Codes of addresses in the log: stable where there is a key, and no way back to it."""

import base64
import hmac

from milter.config import Config
from milter.store.log_key import OF_THIS_RUN, log_key

SECRET = bytes(range(32))


def config(tmp_path, **settings):
    store = {"url": f"sqlite:///{tmp_path}/s.sqlite", "key_file": tmp_path / "key"}
    return Config(store=store, **{"log_addresses": "hashed"} | settings)


def write_key(tmp_path, *secrets):
    (tmp_path / "key").write_text("".join(base64.b64encode(secret).decode() + "\n" for secret in secrets))
    (tmp_path / "key").chmod(0o600)


def test_it_is_derived_from_the_newest_key(tmp_path):
    write_key(tmp_path, SECRET, b"o" * 32)
    derived = log_key(config(tmp_path), environ={})
    # HKDF of RFC 5869 by hand, without salt: one block is enough.

    pseudorandom = hmac.digest(bytes(32), SECRET, "sha256")
    assert derived == hmac.digest(pseudorandom, b"blackmail-filter log\x01", "sha256")
    write_key(tmp_path, b"n" * 32, SECRET)
    assert log_key(config(tmp_path), environ={}) != derived


def test_without_a_key_it_lasts_for_this_run_and_no_key_is_made(tmp_path):
    assert log_key(config(tmp_path), environ={}) == OF_THIS_RUN
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_cannot_be_read_is_told_and_stops_nothing(tmp_path, caplog):
    (tmp_path / "key").write_text("no key")
    (tmp_path / "key").chmod(0o600)
    assert log_key(config(tmp_path), environ={}) == OF_THIS_RUN
    assert "holds what is no key" in caplog.text


def test_none_is_read_where_none_is_used(tmp_path):
    write_key(tmp_path, SECRET)
    assert log_key(config(tmp_path, log_addresses="full"), environ={}) == b""
