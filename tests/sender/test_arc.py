"""ARC: chains made by sealers with keys of their own, the example of RFC 8617, and broken chains."""

import asyncio
import re

import dkim
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milter.sender.arc import check_arc, read_sets
from milter.sender.fields import cut
from milter.sender.signature import SignatureError

MAIL = (
    b"From: Alice <alice@example.org>\r\nTo: list@example.net\r\nSubject: Lunch\r\n"
    b"Date: Mon, 6 Jan 2025 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nAre you hungry?\r\n"
)


async def at_once(function):
    return function()


async def check(raw, resolver, trusted=()):
    return await check_arc(cut(raw), resolver=resolver, run=at_once, trusted=trusted)


def add_set(raw, signer, domain, results):
    """Seal as a server of that domain does that has just found these results."""
    seen = f"Authentication-Results: {domain}; {results}\r\n".encode() + raw
    names = [b"from", b"to", b"subject", b"date", b"message-id"]
    fields = dkim.ARC(seen).sign(b"test", domain.encode(), signer.private, domain.encode(), include_headers=names)
    return b"".join(fields) + raw


@pytest.fixture
def zone(rsa_key):
    return {f"test._domainkey.{name}": [rsa_key.record] for name in ("one.example", "two.example", "three.example")}


@pytest.fixture
def chain(rsa_key):
    """Three sealers; the list, the second, has changed subject and body."""
    first = add_set(MAIL, rsa_key, "one.example", "arc=none; spf=pass smtp.mailfrom=example.org; dmarc=pass")
    changed = first.replace(b"Lunch", b"[list] Lunch") + b"-- \r\nlist footer\r\n"
    second = add_set(changed, rsa_key, "two.example", "arc=pass; dmarc=pass header.from=example.org")
    return add_set(second, rsa_key, "three.example", "arc=pass; dmarc=fail header.from=example.org")


async def test_a_mail_without_sets_has_no_chain(memory):
    resolver = memory({})
    assert (await check(MAIL, resolver)).result == "none"
    assert not resolver.asked


async def test_a_whole_chain_passes_though_the_list_changed_the_mail(memory, zone, chain):
    result = await check(chain, memory(zone))
    assert (result.result, result.sealer) == ("pass", "three.example")
    theirs = dkim.arc_verify(chain, dnsfunc=lambda name, timeout: zone[name.decode().rstrip(".")][0].encode())
    assert theirs[0] == b"pass"


@pytest.mark.parametrize(
    ("trusted", "vouched"),
    [
        ((), ""),
        (("three.example",), "fail"),
        (("two.example",), ""),
        (("two.example", "three.example"), "pass"),
        (("example",), "pass"),
    ],
)
async def test_the_word_of_the_oldest_sealer_in_unbroken_trust_counts(memory, zone, chain, trusted, vouched):
    assert (await check(chain, memory(zone), trusted)).vouched_dmarc == vouched


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (rb"hungry", b"Hungry", "body was changed"),
        (rb"\[list\] Lunch", b"[list] Dinner", "message signature does not match"),
        (rb"smtp.mailfrom=example.org", b"smtp.mailfrom=example.net", "seal 1 does not match"),
        (rb"dmarc=pass header.from=example.org", b"dmarc=fail header.from=example.org", "seal 2 does not match"),
        (rb"cv=pass", b"cv=fail", "a sealer found the chain broken"),
        (rb"cv=none", b"cv=pass", "a sealer found the chain broken"),
        (rb"(?s)ARC-Seal: i=2.*?(?=ARC-Message)", b"", "incomplete chain"),
        (rb"i=3", b"i=4", "incomplete chain"),
        (rb"i=1;", b"i=2;", "malformed chain"),
        (rb"i=3;", b"i=51;", "malformed chain"),
        (rb"i=3;", b"i=0;", "malformed chain"),
        (rb"i=3;", b"i=x;", "malformed chain"),
        (rb"ARC-Seal: i=3; cv=pass;", b"ARC-Seal: i=3; cv=pass; h=from;", "malformed set"),
        (rb"h=from : to", b"h=arc-seal : from : to", "malformed set"),
        (rb"ARC-Seal: i=3;", b"ARC-Seal: i=3; i=3;", "malformed signature"),
        (rb"Subject: ", b"Subject ", "malformed header"),
        (rb"\A", b"ARC-Seal: i=3; junk\r\n", "malformed chain"),
    ],
)
async def test_any_break_fails_the_chain(memory, zone, chain, old, new, reason):
    broken = re.sub(old, new, chain)
    assert broken != chain
    result = await check(broken, memory(zone), ["example"])
    assert (result.result, result.vouched_dmarc, result.reason) == ("fail", "", reason)


async def test_an_older_message_signature_need_not_hold_but_its_seal_must(memory, zone, chain, rsa_key):
    resolver = memory({**zone, "test._domainkey.one.example": None})
    assert (await check(chain, resolver)).result == "temperror"
    resolver = memory({**zone, "test._domainkey.one.example": []})
    assert (await check(chain, resolver)).result == "fail"


async def test_more_than_fifty_sets_are_too_many(rsa_key, memory, zone):
    sets = b"".join(
        b"ARC-Seal: i=%d\r\nARC-Message-Signature: i=%d; h=from\r\nARC-Authentication-Results: i=%d; x; none\r\n"
        % (n, n, n)
        for n in range(51, 0, -1)
    )
    resolver = memory(zone)
    assert (await check(sets + MAIL, resolver)).result == "fail"
    assert not resolver.asked


def test_the_example_of_rfc8617_is_read(data):
    raw = (data / "rfc8617.eml").read_bytes().replace(b"\n", b"\r\n")
    sets = read_sets(cut(raw))
    assert [one.seal.domain for one in sets] == ["lists.example.org", "gmail.example", "clochette.example.org"]
    assert [one.message_signature.selector for one in sets] == ["dk-lists", "20120806", "clochette"]


async def test_the_example_of_rfc8617_cannot_pass_without_its_keys(data, memory):
    raw = (data / "rfc8617.eml").read_bytes().replace(b"\n", b"\r\n")
    result = await check(raw, memory({}))
    assert (result.result, result.reason) == ("fail", "no key")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_change_of_a_chain_gives_a_result(memory, zone, chain, data):
    at = data.draw(st.integers(0, 2500))
    junk = data.draw(st.binary(max_size=6))
    raw = chain[:at] + junk + chain[at + len(junk) :]
    assert asyncio.run(check(raw, memory(zone))).result in ("pass", "fail", "none")


def test_malformed_sets_raise_only_their_own_error():
    with pytest.raises(SignatureError):
        read_sets(cut(b"ARC-Seal: i=1\r\n\r\n"))
