"""Sealing a mail that we changed."""

import pytest

from milter.errors import ConfigError
from milter.sender.arc import check_arc
from milter.sender.fields import cut
from milter.sender.seal import read_seal_key, seal

HEAD = b"From: Alice <alice@example.org>\r\nSubject: [EXTORTION] Lunch\r\n\r\n"
MAIL = HEAD + b"Notice.\r\n" + b" " * 100_000 + b"\r\nbody\r\n"
OURS = b"Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=example.org; dkim=none; dmarc=pass; arc=%s\r\n"


async def at_once(function):
    return function()


async def check(raw, resolver, trusted=()):
    return await check_arc(cut(raw), resolver=resolver, run=at_once, trusted=trusted)


@pytest.fixture
def key(rsa_key):
    return read_seal_key("Example.NET", "test", rsa_key.private)


@pytest.fixture
def resolver(memory, rsa_key):
    return memory({"test._domainkey.example.net": [rsa_key.record]})


async def test_what_we_seal_passes_and_is_vouched_for(key, resolver):
    seen = OURS % b"none" + MAIL
    sealed = seal(seen, key, authserv_id="MX.example.net", chain="none") + seen
    result = await check(sealed, resolver, ["example.net"])
    assert (result.result, result.sealer, result.vouched_dmarc) == ("pass", "example.net", "pass")
    assert (await check(sealed.replace(b"Notice", b"Notary"), resolver)).result == "fail"


async def test_a_second_seal_stands_on_the_first(key, resolver):
    seen = OURS % b"none" + MAIL
    first = seal(seen, key, authserv_id="mx.example.net", chain="none") + MAIL
    changed = OURS % b"pass" + first.replace(b"Notice.", b"Two notices.")
    second = seal(changed, key, authserv_id="mx.example.net", chain="pass") + changed
    assert (await check(second, resolver)).result == "pass"
    assert second.count(b"ARC-Seal:") == 2


@pytest.mark.parametrize("chain", ["fail", "temperror", "permerror"])
def test_a_chain_that_does_not_hold_is_not_sealed(key, chain):
    seen = OURS % b"none" + MAIL
    once = seal(seen, key, authserv_id="mx.example.net", chain="none") + MAIL
    assert seal(OURS % chain.encode() + once, key, authserv_id="mx.example.net", chain=chain) == b""


@pytest.mark.parametrize(
    "raw",
    [
        MAIL,
        OURS % b"none" + b"Subject: no author\r\n\r\nx",
        b"Authentication-Results: mx.example.net; ((((\r\n" + MAIL,
        OURS % b"pass" + MAIL,
        b"",
    ],
)
def test_nothing_to_vouch_for(key, raw):
    assert seal(raw, key, authserv_id="mx.example.net", chain="none") == b""


def test_keys_that_cannot_seal(new_rsa_signer, ed25519_key):
    broken = b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"
    for pem in (b"", b"junk", ed25519_key.private, broken):
        with pytest.raises(ConfigError, match="no RSA private key"):
            read_seal_key("example.net", "test", pem)
    with pytest.raises(ConfigError, match="no domain name"):
        read_seal_key("not a domain", "test", new_rsa_signer(1024).private)
    with pytest.raises(ConfigError, match="4608 bits; use 2048"):
        read_seal_key("example.net", "test", new_rsa_signer(4608).private)


def test_a_key_with_windows_line_ends(rsa_key):
    assert read_seal_key("example.net", "test", rsa_key.private.replace(b"\n", b"\r\n")).pem == rsa_key.private
