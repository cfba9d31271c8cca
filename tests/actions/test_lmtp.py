"""Delivery by LMTP: its greeting, and one recipient a mail, so that one reply tells all."""

import asyncio

import pytest

from milter.actions.hops import make_next_hop
from milter.actions.lmtp import ONE_AT_A_TIME, LmtpHop
from milter.actions.nexthop import Reply
from milter.config import Config, UnixAddress
from milter.errors import NextHopError

MESSAGE = [b"Subject: y\r\n\r\n.z\r\n"]


@pytest.fixture
async def deliver(start_hop):
    """A fake next hop and our side of it."""
    opened = []

    async def start(**settings):
        hop = await start_hop(**settings)
        opened.append(LmtpHop(hop.address, helo_name="filter.example", timeout=5.0))
        return hop, opened[-1]

    yield start
    for ours in opened:
        await ours.close()


async def test_it_greets_as_lmtp_wants_it(deliver):
    hop, ours = await deliver()
    transaction = await ours.begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])
    assert (await transaction.data(MESSAGE)).accepted
    assert hop.commands[0] == "LHLO filter.example"
    assert hop.messages == MESSAGE


async def test_a_second_recipient_is_for_the_next_mail(deliver):
    hop, ours = await deliver()
    transaction = await ours.begin("<a@example.org>", [], {})
    assert (await transaction.rcpt("<b@example.org>", [])).accepted
    assert await transaction.rcpt("<c@example.org>", []) == ONE_AT_A_TIME
    assert (await transaction.data(MESSAGE)).accepted
    assert [c for c in hop.commands if c.startswith("RCPT")] == ["RCPT TO:<b@example.org>"]


async def test_a_refused_recipient_leaves_room_for_another(deliver):
    _, ours = await deliver(answers={"RCPT TO:<b": "550 5.1.1 Unknown"})
    transaction = await ours.begin("<a@example.org>", [], {})
    assert await transaction.rcpt("<b@example.org>", []) == Reply(550, ("5.1.1 Unknown",))
    assert (await transaction.rcpt("<c@example.org>", [])).accepted
    assert (await transaction.data(MESSAGE)).accepted


async def test_a_next_hop_that_speaks_smtp_gets_nothing(deliver):
    hop, ours = await deliver(answers={"LHLO": "500 5.5.1 Unknown command"})
    with pytest.raises(NextHopError, match="answers LHLO with 500"):
        await ours.begin("<a@example.org>", [], {})
    assert hop.commands == ["LHLO filter.example"]


async def test_a_unix_socket_does_as_well(start_hop, tmp_path):
    hop = await start_hop()
    server = await asyncio.start_unix_server(hop.serve, tmp_path / "lmtp")
    ours = make_next_hop(Config(next_hop=f"lmtp+unix:{tmp_path / 'lmtp'}"))
    transaction = await ours.begin("<>", [], {})
    await transaction.rcpt("<b@example.org>", [])
    assert (await transaction.data(MESSAGE)).accepted
    await ours.close()
    server.close()
    assert hop.messages == MESSAGE


async def test_a_missing_socket_is_named(tmp_path):
    ours = LmtpHop(UnixAddress(path=tmp_path / "nobody"), helo_name="filter.example", timeout=5.0)
    with pytest.raises(NextHopError, match="nobody"):
        await ours.begin("<>", [], {})
