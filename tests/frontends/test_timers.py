"""How long a client is waited for: while it is its turn, and no longer."""

import asyncio
import contextlib

import pytest

from milter.frontends import smtp_session
from milter.model import Verdict

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"


async def test_timer_leaves_inspection_and_relay_alone(start_hop, start_filter, connect):
    async def inspector(raw, envelope):
        await asyncio.sleep(0.5)
        return Verdict()

    hop = await start_hop()
    client = await connect(await start_filter(hop, inspector, command_timeout=0.2))
    await client.hello()
    assert await client.send(MAIL) == "250 2.0.0 Ok: queued as HOP1"


async def test_timer_leaves_a_slow_next_hop_alone(start_hop, start_filter, connect):
    hop = await start_hop(answers={"RCPT": "slow 250 Ok"})
    client = await connect(await start_filter(hop, command_timeout=0.2))
    await client.hello()
    assert await client.send(MAIL) == "250 2.0.0 Ok: queued as HOP1"


@pytest.mark.parametrize("in_data", [False, True])
async def test_idle_client_gets_421(in_data, start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop(), command_timeout=0.2, data_timeout=0.2))
    await client.hello()
    if in_data:
        await client.open_data()
    assert (await client.reply()).startswith("421 4.4.2 ")
    assert await client.reply() == ""


async def test_slow_but_steady_data_is_no_idleness(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop, command_timeout=0.3))
    await client.hello()
    await client.open_data()
    for byte in b"Subject: x\r\n":
        client.writer.write(bytes([byte]))
        await asyncio.sleep(0.05)
    client.writer.write(b".\r\n")
    assert (await client.reply()).startswith("250 ")


async def test_data_has_a_time_limit_of_its_own(start_hop, start_filter, connect):
    running = await start_filter(await start_hop(), data_timeout=0.2)
    client = await connect(running)
    await client.hello()
    await asyncio.sleep(0.4)
    await client.open_data()
    client.writer.write(b"Subject: x\r\n")
    assert (await client.reply()).startswith("421 4.4.2 ")
    assert await client.reply() == ""
    await running.service.empty()
    assert running.service.memory.in_hand == 0


async def test_a_patient_data_outlasts_a_short_time_for_commands(start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop(), command_timeout=0.2))
    await client.hello()
    await client.open_data()
    await asyncio.sleep(0.4)
    assert (await client.finish(MAIL)).startswith("250 ")
    assert (await client.reply()).startswith("421 4.4.2 ")


async def test_a_client_that_reads_no_replies_is_let_go(start_hop, start_filter, connect, monkeypatch):
    monkeypatch.setattr(smtp_session, "GOODBYE_SECONDS", 0.1)
    running = await start_filter(await start_hop(), command_timeout=0.3)
    client = await connect(running)
    client.reader._transport.pause_reading()
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(1):
            while True:
                client.writer.write(1000 * b"NOOP\r\n")
                await client.writer.drain()
    async with asyncio.timeout(10):
        await running.service.empty()
