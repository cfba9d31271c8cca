"""The PROXY protocol (www.haproxy.org/download/1.8/doc/proxy-protocol.txt): from load balancers and nobody else."""

import contextlib
import logging
import struct
from ipaddress import ip_address

import pytest

from milter.model import Verdict

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
TRUSTED = "203.0.113.7"
STRANGER = "198.51.100.7"
SETTINGS = {"proxy_protocol": ["127.0.0.0/8"], "trusted_clients": ["203.0.113.0/24", "2001:db8::/32", "10.0.0.0/8"]}


def version_1(source, destination="192.0.2.1", family=None):
    family = family or ("TCP6" if ":" in source else "TCP4")
    return f"PROXY {family} {source} {destination} 4711 25\r\n".encode()


def version_2(source, destination=None, *, command=1, extra=b""):
    """extra are the TLVs that a balancer may put behind the addresses."""
    address = ip_address(source)
    destination = ip_address(destination or ("2001:db8::1" if address.version == 6 else "192.0.2.1"))
    body = address.packed + destination.packed + struct.pack("!HH", 4711, 25) + extra
    family = 0x21 if address.version == 6 else 0x11
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(body)) + body


def unspecified(command):
    return SIGNATURE + bytes([0x20 | command, 0, 0, 0])


@pytest.fixture
def behind_proxy(start_filter, start_hop):
    """Start a filter behind a balancer on loopback, and its next hop; envelopes go to the list."""

    async def start(seen=None, **settings):
        async def inspector(raw, envelope):
            if seen is not None:
                seen.append(envelope)
            return Verdict()

        hop = await start_hop()
        return await start_filter(hop, inspector, **SETTINGS | settings), hop

    return start


@pytest.mark.parametrize(
    "header",
    [
        version_1(TRUSTED),
        version_2(TRUSTED),
        version_2(TRUSTED, extra=b"\x04\x00\x05 noop"),
        version_1("2001:db8::7", "2001:db8::1"),
        version_2("2001:db8::7"),
        version_1(f"::ffff:{TRUSTED}", "2001:db8::1"),
    ],
)
async def test_the_source_is_the_client(header, behind_proxy, connect):
    running, hop = await behind_proxy()
    client = await connect(running)
    # Header and commands may come in one segment.
    client.writer.write(header + b"EHLO client.example\r\n")
    assert (await client.reply()).startswith("220 ")
    assert (await client.reply()).startswith("250-")
    assert (await client.send(MAIL)).startswith("250 ")
    source = b"IPv6:2001:db8::7" if b"TCP6 2001" in header or b"!" in header[13:14] else TRUSTED.encode()
    assert hop.messages[0].startswith(b"Received: from client.example ([" + source + b"])")


async def test_a_source_from_outside_stands_in_the_envelope(behind_proxy, connect):
    seen = []
    running, _ = await behind_proxy(seen, trusted_clients=["8.8.8.0/24"])
    client = await connect(running)
    client.writer.write(version_1("8.8.8.8"))
    await client.hello()
    await client.send(MAIL)
    assert (seen[0].client_addr, seen[0].helo_name) == ("8.8.8.8", "client.example")


async def test_a_header_byte_by_byte(behind_proxy, connect):
    running, _ = await behind_proxy()
    client = await connect(running)
    for byte in version_2(TRUSTED):
        client.writer.write(bytes([byte]))
        await client.writer.drain()
    assert (await client.reply()).startswith("220 ")


@pytest.mark.parametrize("header", [version_1(STRANGER), version_2(STRANGER), version_1("127.0.0.1", "127.0.0.1")])
async def test_a_source_that_is_not_trusted_is_turned_away(header, behind_proxy, connect):
    running, hop = await behind_proxy()
    client = await connect(running)
    client.writer.write(header + b"EHLO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n")
    assert (await client.reply()).startswith("554 5.7.1 ")
    assert await client.reply() == ""
    await running.service.empty()
    assert hop.transactions == []


@pytest.mark.parametrize(
    "header", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff:f:f::1 ffff::2 1 2\r\n", unspecified(0), unspecified(1),
               version_2(TRUSTED, command=0)],
)  # fmt: skip
@pytest.mark.parametrize(("trusted", "greeting"), [(["127.0.0.0/8"], "220 "), (["203.0.113.0/24"], "554 5.7.1 ")])
async def test_a_balancer_that_speaks_for_itself_is_a_client_like_others(
    header, trusted, greeting, behind_proxy, connect
):
    running, _ = await behind_proxy(trusted_clients=trusted)
    client = await connect(running)
    client.writer.write(header)
    assert (await client.reply()).startswith(greeting)


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example\r\n",
        b"PROXY\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 25 more\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 70000\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 25\r\n",
        b"PROXY TCP4 mail.example 192.0.2.1 4711 25\r\n",
        b"PROXY UDP4 203.0.113.7 192.0.2.1 4711 25\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 25\n",
        b"PROXY " + b"x" * 1000 + b"\r\n",
        SIGNATURE + b"\x31\x11\x00\x00",
        SIGNATURE + b"\x22\x11\x00\x00",
        SIGNATURE + b"\x21\x11\x00\x04abcd",
        b"\r\n\r\n\x00\r\nQUIX\n\x21\x11\x00\x00",
    ],
)
async def test_a_malformed_header_ends_the_connection(header, behind_proxy, connect, caplog):
    running, _ = await behind_proxy()
    client = await connect(running)
    client.writer.write(header)
    assert await client.reader.read() == b""
    await running.service.empty()
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith("client 127.0.0.1: connection closed: ")
    assert "\n" not in line


async def test_an_endless_header_ends_the_connection(behind_proxy, connect, caplog):
    running, _ = await behind_proxy()
    client = await connect(running)
    client.writer.write(b"PROXY " + b"x" * 1_000_000)
    # What nobody has read is answered by a reset.
    with contextlib.suppress(ConnectionError):
        assert await client.reader.read() == b""
    await running.service.empty()
    assert "client 127.0.0.1: connection closed: " in caplog.text


async def test_a_missing_header_ends_the_connection_soon(behind_proxy, connect, caplog):
    running, _ = await behind_proxy(command_timeout=0.2)
    client = await connect(running)
    client.writer.write(version_2(TRUSTED)[:20])
    assert await client.reader.read() == b""
    await running.service.empty()
    assert "client 127.0.0.1: connection closed: no PROXY header in time" in caplog.text


async def test_from_any_other_host_it_is_an_unknown_command(start_filter, connect):
    client = await connect(await start_filter(proxy_protocol=["192.0.2.0/24"]))
    assert (await client.reply()).startswith("220 ")
    assert (await client.ask(version_1(TRUSTED).rstrip())).startswith("500 ")
    assert (await client.ask("NOOP")).startswith("250 ")


async def test_a_second_header_is_an_unknown_command(behind_proxy, connect):
    running, _ = await behind_proxy()
    client = await connect(running)
    client.writer.write(version_1(TRUSTED))
    await client.reply()
    assert (await client.ask(version_1("203.0.113.8").rstrip())).startswith("500 ")


async def test_limits_count_clients_behind_the_balancer(behind_proxy, connect):
    running, _ = await behind_proxy(max_connections_per_client=1, max_connections=3)
    for source, greeting in ((TRUSTED, "220 "), (TRUSTED, "421 4.7.0 "), ("203.0.113.8", "220 ")):
        client = await connect(running)
        client.writer.write(version_1(source))
        assert (await client.reply()).startswith(greeting)
    waiting, late = await connect(running), await connect(running)
    assert (await late.reply()).startswith("421 4.3.2 ")
    waiting.break_off()


async def test_lmtp_takes_it_too(behind_proxy, connect):
    running, hop = await behind_proxy(lmtp="127.0.0.1:0")
    client = await connect(running.lmtp)
    client.writer.write(version_1(TRUSTED))
    await client.reply()
    await client.ask("LHLO client.example")
    assert (await client.send(MAIL)).startswith("250 ")
    assert hop.messages[0].startswith(b"Received: from client.example ([203.0.113.7])")


async def test_a_balancer_that_leaves_without_a_header(behind_proxy, connect, caplog):
    running, _ = await behind_proxy()
    client = await connect(running)
    client.break_off()
    await running.service.empty()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
