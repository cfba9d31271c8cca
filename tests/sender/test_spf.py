"""SPF: the test suite of RFC 7208 through a real name server, and the identities of a mail."""

import asyncio
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milter.sender.dns import Answer, DnsError
from milter.sender.results import SpfResult
from milter.sender.spf import check_spf, evaluate

SUITE = Path(__file__).parent / "data" / "rfc7208-tests.yml"
SCENARIOS = list(yaml.safe_load_all(SUITE.read_text(encoding="utf-8")))
CASES = [(scenario, name) for scenario in SCENARIOS for name in scenario["tests"]]


def zone(scenario):
    """The zone of a scenario for the server: SPF records stand for TXT where there are none."""
    return {name: list(records(listed)) for name, listed in scenario["zonedata"].items()}


def records(listed):
    pairs = [pair for entry in listed if isinstance(entry, dict) for pair in entry.items()]
    has_txt = any(kind == "TXT" for kind, _ in pairs)
    for kind, value in pairs:
        if value == "NONE" or (kind == "SPF" and has_txt):
            continue
        served = "TXT" if kind == "SPF" else kind
        yield served, strings(value) if served == "TXT" and value != "TIMEOUT" else value
    yield from (entry for entry in listed if not isinstance(entry, dict))


def strings(value):
    parts = [value] if isinstance(value, str) else value
    # A TXT record without any string cannot be on the wire (RFC 1035 §3.3.14); the empty one comes next to it.
    return [part.encode() for part in parts] or [b""]


def test_the_suite_is_whole():
    assert len(SCENARIOS) == 16
    assert len(CASES) == 203


@pytest.mark.parametrize(("scenario", "name"), CASES, ids=[name for _, name in CASES])
async def test_rfc7208_suite(serve, scenario, name):
    case = scenario["tests"][name]
    served = await serve(zone(scenario), timeout=1.5)
    found = await evaluate(case["host"], case["mailfrom"], case["helo"], served.resolver)
    allowed = [case["result"]] if isinstance(case["result"], str) else case["result"]
    assert found in allowed


CLIENT = "192.0.2.1"
ZONE = {
    "example.org": [("TXT", [b"v=spf1 ip4:192.0.2.1 -all"])],
    "mx.example.org": [("TXT", [b"v=spf1 ip4:192.0.2.1 -all"])],
    "example.net": [("TXT", [b"v=spf1 -all"])],
    "broken.example.net": ["SERVFAIL"],
}


@pytest.mark.parametrize(
    ("client", "mail_from", "helo", "expected"),
    [
        (CLIENT, "a@example.org", "mx.example.org", [("pass", "example.org"), ("pass", "mx.example.org")]),
        (CLIENT, "a@example.net", "nowhere.test", [("fail", "example.net"), ("none", "nowhere.test")]),
        (CLIENT, "", "mx.example.org", [("pass", "mx.example.org")]),
        (CLIENT, "a@broken.example.net", "", [("temperror", "broken.example.net")]),
        (CLIENT, "a@EXAMPLE.org", "", [("pass", "example.org")]),
        (CLIENT, "a@b..c", "", [("none", "")]),
        (CLIENT, "nonsense", "[192.0.2.1]", [("none", "")]),
        (CLIENT, "", "", [("none", "")]),
        ("", "a@example.org", "mx.example.org", [("none", "example.org"), ("none", "mx.example.org")]),
    ],
)
async def test_both_identities(serve, client, mail_from, helo, expected):
    served = await serve(ZONE)
    results = await check_spf(client, mail_from, helo, resolver=served.resolver)
    assert [(one.result, one.domain) for one in results] == expected
    if not client:
        assert not served.server.asked


async def test_the_null_path_is_judged_by_helo(serve):
    served = await serve(ZONE)
    assert await check_spf(CLIENT, "", "mx.example.org", resolver=served.resolver) == (
        SpfResult("pass", "mx.example.org", "helo"),
    )


async def test_an_international_domain(serve):
    served = await serve({"xn--bcher-kva.example": [("TXT", ["v=spf1 ip4:192.0.2.1 -all"])]})
    (result,) = await check_spf(CLIENT, "a@bücher.example", "", resolver=served.resolver)
    assert result == SpfResult("pass", "xn--bcher-kva.example")


async def test_each_record_is_asked_for_once_and_explanations_never(serve):
    served = await serve(
        {
            "example.org": [
                ("TXT", [b"v=spf1 mx include:a.example.org exp=why.example.org -all"]),
                ("MX", (1, "m.test")),
            ],
            "m.test": [("A", "192.0.2.9")],
            "a.example.org": [("TXT", [b"v=spf1 include:b.example.org -all"])],
            "b.example.org": [("TXT", [b"v=spf1 ?all"])],
        },
        cache_size=0,
    )
    assert await evaluate(CLIENT, "a@example.org", "", served.resolver) == "fail"
    assert set(served.server.asked.values()) == {1}
    assert "TXT why.example.org" not in served.server.asked


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
async def test_monstrous_records_are_refused_at_once(memory, address):
    for record in ("v=spf1 x=" + "a." * 30_000, "v=spf1 a:%{" + "x" * 5000 + "}", "v=spf1 " + "include:x " * 3000):
        assert await evaluate(address, "a@example.org", "", memory({"example.org": [record]})) == "permerror"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(alphabet='abemxptrilcudsv46=:/%{}.+-~?@ 019\\"\x00\xff', max_size=60),
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from(["192.0.2.1", "2001:db8::1"]),
)
def test_any_record_and_sender_give_a_result(record, sender, helo, client):
    class Anything:
        async def query(self, name, kind):
            if len(name) % 7 == 3:
                raise DnsError(name)
            return Answer((f"v=spf1 {record}".encode(),) if kind == "TXT" else ())

    word = asyncio.run(evaluate(client, f"{sender}@example.org", helo, Anything()))
    assert word in ("none", "pass", "fail", "softfail", "neutral", "temperror", "permerror")
