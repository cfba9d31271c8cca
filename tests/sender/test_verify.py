"""`authenticate`: all checks together, against a real name server."""

import asyncio
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import authres
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milter.config import Config, Dns
from milter.content.headers import split_headers
from milter.model import Authentication, Envelope
from milter.sender.checks import is_proven
from milter.sender.dns import DnsError, Resolver
from milter.sender.results import ArcResult, DkimResult, DmarcResult, SpfResult
from milter.sender.verify import authenticate

MAIL = (
    b"From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: Lunch\r\n"
    b"Message-ID: <1@example.org>\r\n\r\nHungry?\r\n"
)
ENVELOPE = Envelope("alice@example.org", ("bob@example.net",), client_addr="192.0.2.1", helo_name="mx.example.org")
SETTINGS = Config(hostname="mx.example.net", own_domains=("example.net",))


def headers_of(raw):
    return split_headers(raw, 0, len(raw))[0]


async def run(raw, resolver, envelope=ENVELOPE, config=SETTINGS, executor=None):
    return await authenticate(raw, envelope, headers_of(raw), resolver=resolver, settings=config, executor=executor)


def words(found):
    return found.spf, found.dkim, found.dmarc, found.arc


@pytest.fixture
def zone(rsa_key, txt):
    return {
        "example.org": [txt("v=spf1 ip4:192.0.2.1 -all")],
        "example.net": [txt("v=spf1 -all")],
        "_dmarc.example.org": [txt("v=DMARC1; p=reject")],
        "_dmarc.example.net": [txt("v=DMARC1; p=quarantine")],
        "test._domainkey.example.org": [txt(rsa_key.record)],
        "test._domainkey.example.net": [txt(rsa_key.record)],
    }


async def test_a_mail_that_is_what_it_says(serve, zone, rsa_key):
    served = await serve(zone)
    found = await run(rsa_key.sign(MAIL), served.resolver)
    assert words(found) == ("pass", "pass", "pass", "none")
    assert found.spoof == ()
    assert found.results.startswith("spf=pass smtp.mailfrom=example.org; spf=none smtp.helo=mx.example.org; dkim=pass")
    assert "; dmarc=pass header.from=example.org; arc=none" in found.results
    parsed = authres.AuthenticationResultsHeader.parse_value(f"mx.example.net; {found.results}")
    assert [one.method for one in parsed.results] == ["spf", "spf", "dkim", "dmarc", "arc"]


async def test_a_forged_mail(serve, zone):
    served = await serve(zone)
    forged = MAIL.replace(b"alice@example.org", b"bob@example.net")
    found = await run(forged, served.resolver, Envelope("bob@example.net", ("bob@example.net",), "198.51.100.7"))
    assert words(found) == ("fail", "none", "fail", "none")
    assert found.spoof == ("from_equals_to", "own_domain_unauthenticated")
    assert "policy.dmarc=quarantine" in found.results


async def test_a_proven_own_domain_is_no_spoof(serve, zone, rsa_key):
    served = await serve(zone)
    ours = rsa_key.sign(MAIL.replace(b"alice@example.org", b"carol@example.net"), domain="example.net")
    found = await run(ours, served.resolver, Envelope("carol@example.net", ("bob@example.net",), "198.51.100.7"))
    assert words(found) == ("fail", "pass", "pass", "none")
    assert found.spoof == ()


async def test_own_mail_without_any_dmarc_record_is_proven_by_alignment(serve, zone, rsa_key):
    served = await serve({name: zone[name] for name in zone if not name.startswith("_dmarc")})
    raw = MAIL.replace(b"alice@example.org", b"carol@sub.example.net")
    envelope = Envelope("carol@example.net", (), "198.51.100.7")
    assert "own_domain_unauthenticated" in (await run(raw, served.resolver, envelope)).spoof
    signed = rsa_key.sign(raw, domain="example.net")
    assert "own_domain_unauthenticated" not in (await run(signed, served.resolver, envelope)).spoof


@pytest.mark.parametrize(
    ("spf", "dkim", "dmarc", "vouched", "proven"),
    [
        ("none", "none", "pass", "", True),
        ("pass", "none", "fail", "", False),
        ("none", "none", "fail", "pass", True),
        ("none", "none", "temperror", "", None),
        ("pass", "none", "none", "", True),
        ("temperror", "pass", "none", "", True),
        ("temperror", "none", "none", "", None),
        ("fail", "fail", "none", "", False),
    ],
)
def test_what_proves_an_author(spf, dkim, dmarc, vouched, proven):
    results = (SpfResult(spf, "sub.example.org"),), (DkimResult(dkim, "example.org"),)
    found = is_proven("example.org", *results, DmarcResult(dmarc), ArcResult("pass", vouched_dmarc=vouched))
    assert found is proven


async def test_mail_of_our_own_hosts_is_not_held_against_them(serve, zone):
    served = await serve(zone)
    raw = MAIL.replace(b"alice@example.org", b"cron@example.net")
    found = await run(raw, served.resolver, Envelope("cron@example.net", ("bob@example.net",), "127.0.0.1"))
    assert found.spf == "none"
    assert "own_domain_unauthenticated" not in found.spoof


async def test_loopback_is_never_what_spf_is_asked_about(serve, zone, txt):
    served = await serve({**zone, "example.org": [txt("v=spf1 ip4:127.0.0.1 ip4:10.0.0.0/8 -all")]})
    for address in ("127.0.0.1", "::1", "10.0.0.1", ""):
        found = await run(MAIL, served.resolver, Envelope("alice@example.org", (), address))
        assert found.spf == "none"
    relayed = b"Received: from mx.example.org (mx.example.org [192.0.2.1]) by mx.example.net with ESMTP id 1\r\n" + MAIL
    found = await run(relayed, served.resolver, Envelope("alice@example.org", (), "127.0.0.1"))
    assert found.spf == "fail"


async def test_two_hundred_mails_of_one_domain_cause_one_look_up_a_record(serve, zone, rsa_key):
    served = await serve(zone)
    signed = rsa_key.sign(MAIL)
    found = await asyncio.gather(*(run(signed, served.resolver) for _ in range(200)))
    assert {words(one) for one in found} == {("pass", "pass", "pass", "none")}
    assert served.server.asked == Counter(
        {
            "TXT example.org": 1,
            "TXT mx.example.org": 1,
            "TXT test._domainkey.example.org": 1,
            "TXT _dmarc.example.org": 1,
            "TXT _dmarc.org": 1,
        }
    )


async def test_a_dead_resolver_gives_temporary_errors_within_the_deadline(dead_server, rsa_key):
    config = Config(own_domains=("example.org",), dns=Dns(servers=(dead_server,), timeout=0.3))
    resolver = Resolver(Dns(servers=(dead_server,), timeout=30))
    found = await asyncio.wait_for(run(rsa_key.sign(MAIL), resolver, config=config), 25)
    assert words(found) == ("temperror", "temperror", "temperror", "none")
    assert "own_domain_unauthenticated" not in found.spoof
    await resolver.close()


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED"])
async def test_a_server_that_refuses(serve, zone, rsa_key, fault):
    served = await serve({name: [fault] for name in (*zone, "mx.example.org", "_dmarc.org")})
    found = await run(rsa_key.sign(MAIL), served.resolver)
    assert words(found) == ("temperror", "temperror", "temperror", "none")


async def test_what_came_in_time_counts(serve, zone, rsa_key):
    served = await serve({**zone, "example.org": ["TIMEOUT"]}, timeout=1.5)
    config = Config(dns=Dns(timeout=1.5))
    found = await run(rsa_key.sign(MAIL), served.resolver, config=config)
    assert words(found) == ("temperror", "pass", "pass", "none")


async def test_one_slow_identity_does_not_cost_the_other(serve, zone):
    served = await serve({**zone, "mx.example.org": ["TIMEOUT"]}, timeout=5)
    found = await run(MAIL, served.resolver, config=Config(dns=Dns(timeout=1.5)))
    assert found.results.startswith("spf=pass smtp.mailfrom=example.org; spf=temperror smtp.helo=mx.example.org;")


async def test_one_slow_signature_does_not_cost_the_other(serve, zone, rsa_key):
    served = await serve({**zone, "test._domainkey.slow.test": ["TIMEOUT"]}, timeout=5)
    twice = rsa_key.sign(rsa_key.sign(MAIL), domain="slow.test")
    found = await run(twice, served.resolver, config=Config(dns=Dns(timeout=1.5)))
    assert words(found) == ("pass", "pass", "pass", "none")
    assert "dkim=temperror" in found.results


async def test_a_slow_mail_does_not_hold_up_another(serve, zone, rsa_key):
    served = await serve({**zone, "slow.test": ["TIMEOUT"], "_dmarc.slow.test": ["TIMEOUT"]}, timeout=30)
    slow = asyncio.create_task(
        run(MAIL.replace(b"example.org", b"slow.test"), served.resolver, Envelope("a@slow.test", (), "192.0.2.1"))
    )
    quick = await asyncio.wait_for(run(rsa_key.sign(MAIL), served.resolver), 10)
    assert quick.dmarc == "pass"
    assert not slow.done()
    slow.cancel()


@pytest.mark.parametrize("own_executor", [False, True])
async def test_a_large_body_is_hashed_elsewhere(serve, zone, rsa_key, own_executor):
    served = await serve(zone)
    large = rsa_key.sign(MAIL + b"line after line\r\n" * 100_000)
    with ThreadPoolExecutor(1, "hasher") as pool:
        found = await run(large, served.resolver, executor=pool if own_executor else None)
        assert found.dkim == "pass"
        assert len(pool._threads) == own_executor


# --- our border servers' results ------------------------------------------------------------------------------

BORDER = "Received: from mx.example.org (mx.example.org [192.0.2.1]) by border.example.net with ESMTP id 4Xyz\r\n"
TRUSTING = Config(own_domains=("example.net",), trust_authentication_results=("border.example.net",))
SEEN = (
    "Authentication-Results: border.example.net; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org\r\n"
)


async def upstream(serve, zone, head, config=TRUSTING, **envelope):
    served = await serve(zone)
    envelope = Envelope("alice@example.org", (), **{"client_addr": "127.0.0.1", **envelope})
    return served, await run(head.encode() + MAIL, served.resolver, envelope, config)


async def test_the_results_of_our_border_are_taken_instead(serve, zone):
    served, found = await upstream(serve, zone, SEEN + BORDER)
    assert words(found) == ("pass", "pass", "pass", "none")
    assert set(served.server.asked) == {"TXT _dmarc.example.org", "TXT _dmarc.org"}


async def test_also_of_dmarc_and_arc(serve, zone):
    seen = SEEN.rstrip() + "; dmarc=fail header.from=example.org policy.dmarc=none; arc=pass\r\n"
    served, found = await upstream(serve, zone, seen + BORDER)
    assert words(found) == ("pass", "pass", "fail", "pass")
    assert not served.server.asked


@pytest.mark.parametrize(
    ("head", "config", "envelope"),
    [
        (BORDER + SEEN, TRUSTING, {}),
        (SEEN.replace("border.example.net", "evil.test") + BORDER, TRUSTING, {}),
        (SEEN + BORDER, Config(), {}),
        (SEEN, TRUSTING, {}),
        (SEEN + BORDER, TRUSTING, {"client_addr": "192.0.2.1"}),
        (SEEN + BORDER, TRUSTING, {"client_addr": "192.0.2.1", "queue_id": "4Other"}),
    ],
)
async def test_results_from_anywhere_else_are_not(serve, zone, head, config, envelope):
    _, found = await upstream(serve, zone, head, config, **envelope)
    assert found.dkim == "none"


async def test_the_queue_id_proves_the_border_line(serve, zone):
    _, found = await upstream(serve, zone, SEEN + BORDER, client_addr="192.0.2.1", queue_id="4Xyz")
    assert found.dkim == "pass"


# --- whatever comes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "dmarc"),
    [
        (b"", "permerror"),
        (b"\r\n", "permerror"),
        (b"no header at all", "permerror"),
        (b"From: nobody\r\n\r\n", "permerror"),
        (b"From: a@example.org\r\nFrom: b@example.org\r\n\r\n", "permerror"),
        (b"From: a@example.org, b@example.net\r\n\r\n", "permerror"),
        (b"From: a@example.org, b@example.org\r\n\r\n", "fail"),
        (b"From: a@nowhere.test\r\n\r\n\x00\x00", "none"),
        (b"From: a@exam\xffple.test\r\n\r\n", "none"),
    ],
)
async def test_malformed_mail(serve, zone, raw, dmarc):
    served = await serve(zone)
    assert (await run(raw, served.resolver, Envelope())).dmarc == dmarc


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"From: ", b"DKIM-Signature: ", b"ARC-Seal: i=1", b"Received: from ", b"Authentication-Results: mx; ", b""]
    ),
    st.text(max_size=20),
    st.sampled_from(["", "127.0.0.1", "192.0.2.1", "2001:db8::1", "nonsense"]),
)
def test_anything_gets_a_result(memory, block, name, address, client):
    class Erratic(memory):
        async def query(self, name, kind):
            if len(name) % 5 == 0:
                raise DnsError(name)
            return await memory({name.lower(): [block.decode("latin-1")]}).query(name, kind)

    envelope = Envelope(address, (address,), client, helo_name=address, queue_id=address)
    raw = MAIL[:-11] + name + block + b"\r\n\r\n" + block
    config = Config(trust_authentication_results=("mx",), own_domains=(address, "example.org"), trusted_sealers=("x",))
    found = asyncio.run(run(raw, Erratic({}), envelope, config))
    assert isinstance(found, Authentication)
    assert found.dkim != "pass"
    assert found.results.isprintable()
    authres.AuthenticationResultsHeader.parse_value(f"mx.example.net; {found.results}")


def test_offline_scanning_loads_none_of_the_heavy_libraries():
    code = (
        "import sys; from milter.sender.verify import offline; from milter.content.headers import Headers;"
        "from milter.model import Envelope;"
        "offline(Envelope(), Headers.of([('From', b' a@b.test')]), own_domains=('c.test',));"
        "print(sorted({'dkim', 'spf', 'dns', 'authres', 'asyncio', 'nacl'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
