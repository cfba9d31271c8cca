"""Look-ups against a real name server on loopback."""

import asyncio

import pytest

from milter.config import Dns
from milter.errors import ConfigError
from milter.sender.dns import Answer, DnsError, Resolver


async def test_each_record_type_as_the_checks_need_it(serve, txt):
    served = await serve(
        {
            "host.example.org": [("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("MX", (10, "mx.example.org"))],
            "1.2.0.192.in-addr.arpa": [("PTR", "host.example.org")],
            "example.org": [txt("v=spf1 " + "a" * 300)],
            "alias.example.org": [("CNAME", "host.example.org")],
        }
    )
    ask = served.resolver.query
    assert await ask("host.example.org", "A") == Answer(("192.0.2.1",))
    assert await ask("host.example.org", "AAAA") == Answer(("2001:db8::1",))
    assert await ask("host.example.org.", "MX") == Answer(((10, "mx.example.org"),))
    assert await ask("1.2.0.192.in-addr.arpa", "PTR") == Answer(("host.example.org",))
    assert await ask("EXAMPLE.org", "TXT") == Answer((b"v=spf1 " + b"a" * 300,))
    assert await ask("alias.example.org", "A") == Answer(("192.0.2.1",))


async def test_no_such_name_and_no_such_record_differ(serve):
    served = await serve({"host.example.org": [("A", "192.0.2.1")]})
    assert await served.resolver.query("nowhere.example.org", "A") == Answer(exists=False)
    assert await served.resolver.query("host.example.org", "MX") == Answer(exists=True)


@pytest.mark.parametrize("name", ["a" * 64 + ".example.org", "a..example.org", ".".join(["abcdefgh"] * 40)])
async def test_names_that_no_dns_can_hold_do_not_exist(serve, name):
    served = await serve({})
    assert await served.resolver.query(name, "A") == Answer(exists=False)
    assert not served.server.asked


async def test_a_long_answer_comes_by_tcp(serve, txt):
    served = await serve({"long.example.org": [txt("x" * 4000)]})
    assert await served.resolver.query("long.example.org", "TXT") == Answer((b"x" * 4000,))
    assert served.server.by_tcp == 1


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED", "TIMEOUT"])
async def test_a_fault_of_the_server_is_an_error_asked_once(serve, fault):
    served = await serve({"bad.example.org": [fault]}, timeout=0.2)
    with pytest.raises(DnsError):
        await served.resolver.query("bad.example.org", "TXT")
    asked = served.server.asked["TXT bad.example.org"]
    with pytest.raises(DnsError):
        await served.resolver.query("bad.example.org", "TXT")
    assert served.server.asked["TXT bad.example.org"] == asked


async def test_a_lame_server_is_passed_over_for_the_next(serve):
    lame = await serve({"host.example.org": ["REFUSED"]})
    good = await serve({"host.example.org": [("A", "192.0.2.7")]})
    resolver = Resolver(Dns(servers=(f"127.0.0.1:{lame.port}", f"127.0.0.1:{good.port}")))
    assert await resolver.query("host.example.org", "A") == Answer(("192.0.2.7",))
    await resolver.close()


async def test_answers_are_kept_for_their_ttl_and_no_longer(serve):
    now = [1000.0]
    served = await serve({"host.example.org": [("A", "192.0.2.1", 120)]}, clock=lambda: now[0])
    for seconds, expected in ((0, 1), (119, 1), (2, 2)):
        now[0] += seconds
        await served.resolver.query("host.example.org", "A")
        assert served.server.asked["A host.example.org"] == expected


async def test_negative_answers_are_kept_for_the_time_of_the_soa(serve):
    now = [1000.0]
    served = await serve({"host.example.org": [("A", "192.0.2.1")]}, clock=lambda: now[0])
    for seconds, expected in ((0, 1), (59, 1), (2, 2)):
        now[0] += seconds
        await served.resolver.query("nowhere.example.org", "A")
        await served.resolver.query("host.example.org", "MX")
        assert served.server.asked["A nowhere.example.org"] == expected
        assert served.server.asked["MX host.example.org"] == expected


async def test_the_cache_never_holds_more_than_its_size(serve):
    served = await serve({f"h{n}.example.org": [("A", "192.0.2.1")] for n in range(5)}, cache_size=3)
    for n in (0, 1, 2, 3, 4, 4, 3, 0):
        await served.resolver.query(f"h{n}.example.org", "A")
    assert served.server.asked["A h0.example.org"] == 2
    assert served.server.asked["A h3.example.org"] == served.server.asked["A h4.example.org"] == 1


async def test_many_who_ask_at_once_cause_one_question(serve):
    served = await serve({"host.example.org": [("A", "192.0.2.1")]}, cache_size=0)
    answers = await asyncio.gather(*(served.resolver.query("host.example.org", "A") for _ in range(200)))
    assert set(answers) == {Answer(("192.0.2.1",))}
    assert served.server.asked["A host.example.org"] == 1


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(serve):
    served = await serve({"host.example.org": [("A", "192.0.2.1")]})
    first = asyncio.create_task(served.resolver.query("host.example.org", "A"))
    second = asyncio.create_task(served.resolver.query("host.example.org", "A"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == Answer(("192.0.2.1",))


async def test_a_server_that_is_no_address_is_a_fault_of_the_settings():
    with pytest.raises(ConfigError, match=r"ns\.example\.org is no IP address"):
        Resolver(Dns(servers=("ns.example.org",)))


@pytest.mark.parametrize("server", ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"])
async def test_servers_with_and_without_port(server):
    Resolver(Dns(servers=(server,)))
