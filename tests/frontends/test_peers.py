"""Who connects: by IPv4, IPv6 and Unix socket."""

from types import SimpleNamespace

import pytest

from milter.frontends.service import GONE, Peer
from milter.model import Verdict

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("127.0.0.1", 4711), Peer("127.0.0.1", trusted=True, is_global=False)),
        (("::1", 4711, 0, 0), Peer("::1", trusted=True, is_global=False)),
        (("::ffff:127.0.0.1", 4711, 0, 0), Peer("127.0.0.1", trusted=True, is_global=False)),
        (("::ffff:8.8.8.8", 4711, 0, 0), Peer("8.8.8.8", trusted=False, is_global=True)),
        (("fe80::1%eth0", 4711, 0, 2), Peer("fe80::1", trusted=False, is_global=False)),
        (("2001:4860::8", 4711, 0, 0), Peer("2001:4860::8", trusted=False, is_global=True, is_proxy=True)),
        ("", Peer("127.0.0.1", trusted=True, is_global=False)),
        ("/run/client", Peer("127.0.0.1", trusted=True, is_global=False)),
        (b"\0abstract", Peer("127.0.0.1", trusted=True, is_global=False)),
        (None, GONE),
    ],
)
async def test_peers(name, expected, start_filter):
    running = await start_filter(proxy_protocol=["2001:4860::/32"])
    transport = SimpleNamespace(get_extra_info=lambda key: name if key == "peername" else None)
    assert running.service.peer(transport) == expected


@pytest.mark.parametrize("listener", ["listen", "lmtp"])
async def test_a_unix_socket_is_guarded_by_its_permissions_alone(listener, start_filter, start_hop, connect, tmp_path):
    seen = []

    async def inspector(raw, envelope):
        seen.append(envelope)
        return Verdict()

    hop = await start_hop()
    where = {listener: f"unix:{tmp_path}/s"}
    running = await start_filter(
        hop, inspector, **where, trusted_clients=["192.0.2.0/24"], proxy_protocol=["127.0.0.1/32"]
    )
    client = await connect(running.address if listener == "listen" else running.lmtp)
    assert (await client.reply()).startswith("220 ")
    await client.ask("EHLO client.example" if listener == "listen" else "LHLO client.example")
    assert (await client.send(MAIL)).startswith("250 ")
    assert hop.messages[0].startswith(b"Received: from client.example ([127.0.0.1]) by filter.example ")
    assert seen[0].client_addr == ""


async def test_by_ipv6(start_filter, start_hop, connect):
    hop = await start_hop()
    running = await start_filter(hop, listen="[::1]:0")
    client = await connect(running)
    await client.hello()
    assert (await client.send(MAIL)).startswith("250 ")
    assert hop.messages[0].startswith(b"Received: from client.example ([IPv6:::1])")


async def test_strangers_by_ipv6_are_turned_away(start_filter, connect):
    client = await connect(await start_filter(listen="[::1]:0", trusted_clients=["127.0.0.0/8"]))
    assert (await client.reply()).startswith("554 5.7.1 ")
    assert await client.reply() == ""
