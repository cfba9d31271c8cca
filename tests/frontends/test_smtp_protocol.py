"""Reading commands: lines that are none, that are too long, or that nobody knows."""

import asyncio
import logging

import pytest

from milter.frontends.smtp_protocol import EXTENDED_LINE_LIMIT, LINE_LIMIT, MOST_UNKNOWN


@pytest.fixture
async def client(start_hop, start_filter, connect):
    return await connect(await start_filter(await start_hop()))


@pytest.mark.parametrize(("verb", "limit"), [("HELO", LINE_LIMIT), ("EHLO", EXTENDED_LINE_LIMIT)])
async def test_a_line_that_is_too_long_is_refused_and_the_next_one_obeyed(client, verb, limit):
    await client.reply()
    await client.ask(f"{verb} client.example")
    fits = "NOOP " + (limit - len("NOOP \r\n")) * "x"
    assert (await client.ask(fits)).startswith("250 ")
    assert (await client.ask(fits + "x")).startswith("500 5.5.2 ")
    assert (await client.ask("NOOP")).startswith("250 ")


async def test_a_line_longer_than_any_buffer_is_skipped_to_its_end(client):
    await client.hello()
    assert (await client.ask(200_000 * "x")).startswith("500 5.5.2 ")
    assert (await client.ask("NOOP")).startswith("250 ")


async def test_an_empty_line_is_no_command(client):
    await client.hello()
    assert (await client.ask("")).startswith("500 5.5.2 ")


async def test_verbs_are_known_in_any_case(client):
    await client.reply()
    assert (await client.ask("eHlO client.example")).startswith("250-")


@pytest.mark.parametrize("unknown", ["GET / HTTP/1.1", b"\x16\x03\x01", "NÖÖP", "AUTH PLAIN", "__INIT__"])
async def test_who_sends_no_smtp_is_not_listened_to_for_long(client, unknown):
    await client.hello()
    for _ in range(MOST_UNKNOWN - 1):
        assert (await client.ask(unknown)).startswith("500 5.5.1 ")
    assert (await client.ask(unknown)).startswith("421 ")
    assert await client.reply() == ""


async def test_each_session_has_commands_and_state_of_its_own(start_hop, start_filter, connect):
    running = await start_filter(await start_hop())
    first, second = await connect(running), await connect(running)
    await first.hello()
    await second.hello()
    assert (await first.ask("MAIL FROM:<a@example.org>")).startswith("250 ")
    assert (await second.ask("RCPT TO:<b@example.org>")).startswith("503 ")
    assert (await first.ask("RCPT TO:<b@example.org>")).startswith("250 ")


async def test_a_client_that_vanishes_is_no_error(client, caplog):
    await client.hello()
    with caplog.at_level(logging.WARNING):
        client.break_off()
        await asyncio.sleep(0.05)
    assert caplog.records == []


async def test_commands_behind_a_message_that_came_ahead_keep_their_order(start_hop, start_filter, connect):
    hop = await start_hop(answers={"RCPT": "slow 250 Ok"})
    client = await connect(await start_filter(hop))
    await client.hello()
    opening = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
    behind = b"VRFY b\r\n" + 15_000 * b"NOOP\r\n" + b"VRFY c\r\n"
    client.writer.write(opening + b"Subject: x\r\n\r\n.\r\n" + behind)
    replies = [(await client.reply())[:3] for _ in range(5 + 15_000 + 1)]
    assert [replies[number] for number in (2, 3, 4, -1)] == ["354", "250", "252", "252"]


async def test_after_the_goodbye_nothing_is_obeyed(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    mail = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nNOOP"
    assert (await client.ask(MOST_UNKNOWN * b"GET /\r\n" + mail)).startswith("500 ")
    replies = [await client.reply() for _ in range(MOST_UNKNOWN)]
    assert replies[-2].startswith("421 ")
    assert replies[-1] == ""
    assert not any("RCPT" in line for line in hop.commands)
