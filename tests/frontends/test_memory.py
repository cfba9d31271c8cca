"""The memory for all mails of a process: full, it costs a client a 452, and never the process."""

import asyncio
import logging

import pytest
from conftest import FakeHop
from milter_mta import MilterMta

from milter.frontends.memory import MailMemory
from milter.model import Verdict

SMALL = b"Subject: x\r\n\r\nHello\r\n"
HALF = b"Subject: x\r\n\r\n" + b"x" * 60_000 + b"\r\n"
# Less than two of these, and not less than the largest mail.
LIMITS = {"max_memory": 100_000, "max_size": 100_000}
NO_ROOM = "452 4.3.1 "


@pytest.fixture
def gate():
    """Holds mails up in their inspection until it is set."""
    return asyncio.Event()


@pytest.fixture
def start_small(start_filter, start_hop, gate):
    """Start a filter with room for one mail of sixty kilobytes, which stays until the gate opens; and its next hop."""

    async def inspector(raw, envelope):
        if len(raw) > 1000:
            await gate.wait()
        return Verdict()

    async def start(**settings):
        hop = await start_hop()
        return await start_filter(hop, inspector, **LIMITS | settings), hop

    return start


def test_bytes_are_counted():
    memory = MailMemory(10)
    assert memory.fits(10)
    assert not memory.fits(11)
    assert memory.take(6)
    assert not memory.take(5)
    assert memory.in_hand == 6
    memory.hold(7)
    assert (memory.in_hand, memory.fits(0)) == (13, False)
    memory.give_back(13)
    assert memory.in_hand == 0


async def holds_one(running, connect, gate):
    """A client whose mail is being inspected."""
    client = await connect(running)
    await client.hello()
    task = asyncio.create_task(client.send(HALF))
    await FakeHop.until(lambda: running.service.memory.in_hand >= len(HALF))
    return task


async def test_a_mail_whose_size_does_not_fit_is_put_off_at_once(start_small, connect, gate):
    running, _ = await start_small()
    first = await holds_one(running, connect, gate)
    client = await connect(running)
    await client.hello()
    assert (await client.ask("MAIL FROM:<a@example.org> SIZE=60000")).startswith(NO_ROOM)
    assert (await client.ask("MAIL FROM:<a@example.org> SIZE=30000")).startswith("250 ")
    gate.set()
    assert (await first).startswith("250 ")
    await client.ask("RSET")
    assert (await client.ask("MAIL FROM:<a@example.org> SIZE=60000")).startswith("250 ")


async def test_a_mail_that_does_not_fit_is_read_to_its_end_and_put_off(start_small, connect, gate):
    running, hop = await start_small()
    first = await holds_one(running, connect, gate)
    client = await connect(running)
    await client.hello()
    assert (await client.send(HALF)).startswith(NO_ROOM)
    assert running.service.memory.in_hand < len(HALF) + 10
    # The session goes on, and what is small has room.
    assert (await client.send(SMALL)).startswith("250 ")
    gate.set()
    assert (await first).startswith("250 ")
    assert (await client.send(HALF)).startswith("250 ")
    for message, sent in zip(hop.messages, (SMALL, HALF, HALF), strict=True):
        assert message.endswith(sent)
    assert running.service.memory.in_hand == 0


async def test_by_lmtp_each_recipient_is_put_off(start_small, connect, gate):
    running, _ = await start_small(lmtp="127.0.0.1:0")
    first = await holds_one(running, connect, gate)
    client = await connect(running.lmtp)
    await client.reply()
    await client.ask("LHLO client.example")
    await client.ask("MAIL FROM:<a@example.org>")
    await client.ask("RCPT TO:<b@example.org>")
    await client.open_data(recipient="<c@example.org>")
    assert (await client.finish(HALF)).startswith(NO_ROOM)
    assert (await client.reply()).startswith(NO_ROOM)
    gate.set()
    await first


async def test_a_full_memory_takes_no_new_mail(start_small, connect, gate):
    running, _ = await start_small()
    running.service.memory.hold(LIMITS["max_memory"])
    client = await connect(running)
    await client.hello()
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith(NO_ROOM)
    running.service.memory.give_back(LIMITS["max_memory"])
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("250 ")


async def test_many_at_once_never_hold_more(start_small, connect, gate):
    running, hop = await start_small()
    gate.set()
    most = 0

    async def one():
        nonlocal most
        client = await connect(running)
        await client.hello()
        await client.open_data()
        for _ in range(6):
            client.writer.write(b"x" * 5000 + b"\r\n")
            await asyncio.sleep(0)
            most = max(most, running.service.memory.in_hand)
        return (await client.finish(b""))[:3]

    replies = await asyncio.gather(*(one() for _ in range(12)))
    assert set(replies) <= {"250", "452"}
    assert replies.count("250") == len(hop.messages) > 0
    # A mail is counted twice for no moment: it passes from its session to its delivery.
    assert most <= LIMITS["max_memory"]
    assert running.service.memory.in_hand == 0


@pytest.mark.parametrize("at", ["data", "inspection"])
async def test_what_a_client_leaves_behind_is_given_back(at, start_small, connect, gate):
    running, _ = await start_small()
    client = await connect(running)
    await client.hello()
    await client.open_data()
    client.writer.write(HALF + (b".\r\n" if at == "inspection" else b""))
    await FakeHop.until(lambda: running.service.memory.in_hand >= len(HALF))
    client.break_off()
    await running.service.empty()
    assert running.service.memory.in_hand == 0


async def test_a_mail_that_is_too_large_takes_no_room(start_small, connect):
    running, _ = await start_small(max_size=65_536)
    client = await connect(running)
    await client.hello()
    assert (await client.send(b"x" * 70_000 + b"\r\n")).startswith("552 5.3.4 ")
    assert running.service.memory.in_hand == 0


async def test_a_milter_puts_the_mail_off(start_milter, call, caplog):
    caplog.set_level(logging.INFO)
    running = await start_milter(**LIMITS)
    running.service.memory.hold(50_000)
    mta: MilterMta = await call(running)
    (reply,) = await mta.mail(HALF)
    assert reply[0] == b"y"
    assert reply[1].startswith(b"452 4.3.1 ")
    assert running.service.memory.in_hand == 50_000
    running.service.memory.give_back(50_000)
    assert (await mta.mail(HALF))[-1] == (b"c", b"")
    assert running.service.memory.in_hand == 0
    assert "action=defer" in caplog.text
