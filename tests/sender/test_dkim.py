"""DKIM: the examples of the RFCs, own keys, and everything that must not pass."""

import asyncio
import base64
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milter.sender.dkim import MAX_SIGNATURES, check_dkim
from milter.sender.dns import DnsError
from milter.sender.fields import cut
from milter.sender.results import DkimResult, best

MAIL = (
    b"From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: Lunch\r\n"
    b"Date: Mon, 6 Jan 2025 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nAre you \t hungry?\r\n\r\n"
)
RFC_ZONE = {
    "brisbane._domainkey.example.com": [
        "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b"
        "4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QID"
        "AQAB"
    ],
    "brisbane._domainkey.football.example.com": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    "test._domainkey.football.example.com": [
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J"
        "16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l"
        "/K4w3QIDAQAB"
    ],
}
KEY = "test._domainkey.example.org"


async def at_once(function):
    return function()


async def check(raw, resolver):
    return await check_dkim(cut(raw), resolver=resolver, run=at_once)


async def check_one(raw, resolver):
    (result,) = await check(raw, resolver)
    return result


@pytest.mark.parametrize(("name", "signatures"), [("rfc6376", 1), ("rfc8463", 2)])
async def test_the_examples_of_the_rfcs_pass(data, memory, name, signatures):
    raw = (data / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")
    results = await check(raw, memory(RFC_ZONE))
    assert [one.result for one in results] == ["pass"] * signatures


@pytest.mark.parametrize("headers", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
async def test_a_signed_mail_passes_and_one_changed_byte_fails(memory, signer, headers, body):
    signed = signer.sign(MAIL, canonicalize=(headers, body))
    resolver = memory({KEY: [signer.record]})
    result = await check_one(signed, resolver)
    assert (result.result, result.domain, result.selector) == ("pass", "example.org", "test")
    assert result.algorithm == signer.algorithm
    for old, new in ((b"hungry", b"Hungry"), (b"Lunch", b"Lunck"), (b"<1@", b"<2@")):
        result = await check_one(signed.replace(old, new), resolver)
        assert result.result == "fail"


async def test_every_byte_counts(memory, ed25519_key):
    signed = ed25519_key.sign(MAIL, canonicalize=(b"simple", b"simple"))
    resolver = memory({KEY: [ed25519_key.record]})
    start = signed.index(b"From: Alice")
    end = signed.rindex(b"\r\n\r\n")
    for at in [*range(start, end, 7), end - 1]:
        changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
        results = await check(changed, resolver)
        assert all(one.result != "pass" for one in results), at


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
async def test_line_ends_are_no_change(memory, signer, ends):
    signed = signer.sign(MAIL).replace(b"\r\n", ends)
    assert (await check_one(signed, memory({KEY: [signer.record]}))).result == "pass"


async def test_mixed_line_ends(memory, signer):
    head, body = signer.sign(MAIL).split(b"\r\n\r\n", 1)
    mixed = head.replace(b"\r\n", b"\n") + b"\n\n" + body
    assert (await check_one(mixed, memory({KEY: [signer.record]}))).result == "pass"


async def test_fields_on_top_and_a_second_from(memory, signer):
    signed = signer.sign(MAIL)
    resolver = memory({KEY: [signer.record]})
    assert (await check_one(b"Received: from x by y\r\n" + signed, resolver)).result == "pass"
    assert (await check_one(b"From: evil@example.net\r\n" + signed, resolver)).result == "fail"


async def test_each_signature_is_checked_up_to_a_bound(memory, rsa_key, ed25519_key):
    twice = ed25519_key.sign(rsa_key.sign(MAIL), domain="example.net")
    resolver = memory({KEY: [rsa_key.record], "test._domainkey.example.net": [ed25519_key.record]})
    assert [(one.result, one.domain) for one in await check(twice, resolver)] == [
        ("pass", "example.net"),
        ("pass", "example.org"),
    ]
    many = rsa_key.sign(MAIL)[: -len(MAIL)] * 30 + MAIL
    assert len(await check(many, resolver)) == MAX_SIGNATURES


async def test_unsigned_mail_has_no_result(memory):
    assert await check(MAIL, memory({})) == ()


async def test_rsa_sha1_is_not_tried(memory, new_rsa_signer):
    old = new_rsa_signer(1024, "rsa-sha1")
    resolver = memory({KEY: [old.record]})
    result = await check_one(old.sign(MAIL), resolver)
    assert (result.result, result.reason) == ("policy", "rsa-sha1")


def record_of(bits, exponent=65537):
    """A key record with a modulus of so many bits (no prime product: it only has to be read)."""
    numbers = [(1 << bits - 1) + 1, exponent]
    body = der(0x30, b"".join(der(0x02, n.to_bytes(n.bit_length() // 8 + 1)) for n in numbers))
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(body).decode()


def der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + content


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (record_of(768), "policy"),
        (record_of(1023), "policy"),
        (record_of(1024), "fail"),
        (record_of(4096), "fail"),
        (record_of(4097), "policy"),
        (record_of(2048, exponent=(1 << 2000) + 1), "policy"),
    ],
)
async def test_only_rsa_keys_of_1024_to_4096_bits_are_tried(memory, rsa_key, record, word):
    assert (await check_one(rsa_key.sign(MAIL), memory({KEY: [record]}))).result == word


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda record: record.replace("v=DKIM1", "v=DKIM2"), "permerror"),
        (lambda record: re.sub("p=.*", "p=", record), "permerror"),
        (lambda record: re.sub("p=.*", "p=!!!!", record), "permerror"),
        (lambda record: re.sub("p=.*", "p=AAAA", record), "permerror"),
        (lambda record: record[: record.index("p=")], "permerror"),
        (lambda record: "no key at all", "permerror"),
        (lambda record: record + "; s=other", "permerror"),
        (lambda record: record + "; h=sha1", "permerror"),
        (lambda record: record + "; x" + "y" * 5000 + "=1", "permerror"),
        (lambda record: record + "; s=*; h=sha1 : sha256; t=s; n=note", "pass"),
        (lambda record: record.removeprefix("v=DKIM1; "), "pass"),
    ],
)
async def test_what_a_key_record_allows(memory, signer, change, word):
    assert (await check_one(signer.sign(MAIL), memory({KEY: [change(signer.record)]}))).result == word


async def test_a_revoked_key_is_told_from_a_broken_one(memory, signer):
    revoked = await check_one(signer.sign(MAIL), memory({KEY: ["v=DKIM1; p="]}))
    broken = await check_one(signer.sign(MAIL), memory({KEY: ["v=DKIM1; p=AAAA"]}))
    assert (revoked.reason, broken.reason) == ("key revoked", "malformed key")


async def test_no_key_and_no_answer_differ(memory, signer):
    signed = signer.sign(MAIL)
    assert (await check_one(signed, memory({}))).result == "permerror"
    assert (await check_one(signed, memory({KEY: None}))).result == "temperror"


async def test_a_key_of_the_other_kind(memory, rsa_key, ed25519_key):
    result = await check_one(rsa_key.sign(MAIL), memory({KEY: [ed25519_key.record]}))
    assert (result.result, result.reason) == ("permerror", "key is for another algorithm")


async def test_a_failure_under_a_testing_key_says_nothing(memory, signer):
    resolver = memory({KEY: [signer.record + "; t=y"]})
    assert (await check_one(signer.sign(MAIL), resolver)).result == "pass"
    assert (await check_one(signer.sign(MAIL).replace(b"Lunch", b"Lunck"), resolver)).result == "neutral"


async def test_a_key_that_is_not_for_subdomains(memory, signer):
    signed = signer.sign(MAIL, identity=b"alice@sub.example.org")
    assert (await check_one(signed, memory({KEY: [signer.record]}))).result == "pass"
    assert (await check_one(signed, memory({KEY: [signer.record + "; t=s"]}))).result == "permerror"


async def test_text_after_the_signed_length_is_not_signed(memory, signer):
    signed = signer.sign(MAIL, length=True)
    resolver = memory({KEY: [signer.record]})
    assert (await check_one(signed, resolver)).result == "pass"
    result = await check_one(signed + b"Pay 900 USD.\r\n", resolver)
    assert (result.result, result.reason) == ("policy", "text after the signed length")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb" d=example.org;", b" d=exa mple.org;"),
        (rb" d=example.org;", b""),
        (rb"v=1;", b"v=2;"),
        (rb"a=[\w-]+;", b"a=rsa-md5;"),
        (rb"h=from", b"h=x"),
        (rb" : from", b" : date"),
        (rb" s=test;", b" s=../x;"),
        (rb"i=@example.org", b"i=@example.com"),
        (rb"i=@example.org", b"i=example.org"),
        (rb"t=\d+", b"t=99999999999"),
        (rb"t=\d+", b"t=2; x=1000"),
        (rb"t=\d+", b"t=one"),
        (rb"c=relaxed/simple", b"c=fancy/simple"),
        (rb"bh=\S+;", b"bh=%%%;"),
        (rb" b=[^;]*", b" b=;"),
        (rb"v=1;", b"v=1; v=1;"),
        (rb"v=1;", b"v=1; junk;"),
        (rb"v=1;", b"v=1;" + b" " * 200),
        (rb"v=1;", b"v=1; z=" + b"x" * 9000 + b";"),
        (rb"h=from", b"h=" + b"x:" * 1000 + b"from"),
    ],
)
async def test_a_malformed_signature_is_a_permanent_error(memory, ed25519_key, old, new):
    head = ed25519_key.sign(MAIL)[: -len(MAIL)]
    changed = re.sub(old, new, head.replace(b"\r\n ", b" "))
    if b"h=x" in new or b": date" in new:
        changed = changed.replace(b" : from", b"").replace(b"h=from", b"h=x")
    result = await check_one(changed.rstrip() + b"\r\n" + MAIL, memory({KEY: [ed25519_key.record]}))
    assert result.result == "permerror", result


async def test_a_header_that_is_no_header(memory, signer):
    signed = signer.sign(MAIL).replace(b"Subject: Lunch", b"Subject Lunch")
    result = await check_one(signed, memory({KEY: [signer.record]}))
    assert (result.result, result.reason) == ("permerror", "malformed header")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=200), st.binary(max_size=200))
def test_any_signature_and_any_key_give_a_result(memory, value, record, mail):
    class Anything(memory):
        async def query(self, name, kind):
            return await memory({name.lower(): [record.decode("latin-1")]}).query(name, kind)

    raw = b"DKIM-Signature: " + value + b"\r\n" + mail
    results = asyncio.run(check(raw, Anything({})))
    assert all(one.result not in ("pass", "none") for one in results)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_change_of_a_signature_gives_a_result(memory, ed25519_key, data):
    head = ed25519_key.sign(MAIL)[: -len(MAIL)]
    at = data.draw(st.integers(16, len(head) - 3))
    junk = data.draw(st.binary(max_size=6))
    raw = head[:at] + junk + head[at + len(junk) :] + MAIL
    assert all(isinstance(one, DkimResult) for one in asyncio.run(check(raw, memory({KEY: [ed25519_key.record]}))))


async def test_dead_dns_is_a_temporary_error(signer):
    class Dead:
        async def query(self, name, kind):
            raise DnsError(name)

    assert (await check_one(signer.sign(MAIL), Dead())).result == "temperror"


def test_the_best_signature_speaks_for_all():
    results = [DkimResult(word) for word in ("permerror", "fail", "pass")]
    assert best(tuple(results)) == "pass"
    assert best(tuple(results[:2])) == "fail"
    assert best(()) == "none"
