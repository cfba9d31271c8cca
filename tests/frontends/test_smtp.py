"""The traps of an SMTP proxy, each by what a client and a next hop would notice of it."""

import asyncio
import logging
import socket

import pytest

from milter.model import Verdict

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"


def own_part(message: bytes) -> bytes:
    """What a message was before our fields were put on top."""
    return message.split(b"X-Blackmail-Status: checked\r\n", 1)[1]


# Trap 1: 250 although the next hop refused.
async def test_refusal_after_data_is_passed_on(start_hop, start_filter, connect):
    hop = await start_hop(answers={"message": "550-5.7.1 No\r\n550 5.7.1 thanks"})
    client = await connect(await start_filter(hop))
    await client.hello()
    assert await client.send(MAIL) == "550-5.7.1 No\n550 5.7.1 thanks"
    assert hop.messages == []


async def test_next_hop_that_breaks_off_after_data_is_451(start_hop, start_filter, connect):
    hop = await start_hop(answers={"message": "drop"})
    client = await connect(await start_filter(hop))
    await client.hello()
    assert (await client.send(MAIL)).startswith("451 4.3.0 ")


async def test_next_hop_that_hangs_after_data_is_451(start_hop, start_filter, connect):
    hop = await start_hop(answers={"message": "hang"})
    client = await connect(await start_filter(hop, next_hop_timeout=0.2))
    await client.hello()
    assert (await client.send(MAIL)).startswith("451 4.3.0 ")


async def test_unreachable_next_hop_is_451_at_once(start_filter, start_hop, connect):
    hop = await start_hop()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        hop.address = hop.address.model_copy(update={"port": closed.getsockname()[1]})
        client = await connect(await start_filter(hop))
        hello = await client.hello()
        # Nothing that would make a client change its mail, such as 8BITMIME, is withheld.
        assert "250-8BITMIME" in hello
        assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("451 4.3.0 ")


async def test_next_hop_that_greets_with_554_is_451(start_hop, start_filter, connect):
    hop = await start_hop(answers={"connect": "554 go away"})
    client = await connect(await start_filter(hop))
    await client.hello()
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("451 4.3.0 ")


async def test_next_hop_that_lost_an_extension_says_so(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    hop.offers = ("PIPELINING",)
    hop.answers["MAIL"] = ["421 4.3.2 restarting", "250 Ok"]
    await client.ask("MAIL FROM:<a@example.org> BODY=8BITMIME")
    # RFC 6152 §3: what cannot be passed on is returned.
    assert (await client.ask("RCPT TO:<b@example.org>")).startswith("554 5.6.3 ")


# Trap 2: an exception becomes a permanent error that tells what is inside.
async def test_exceptions_tell_nothing(start_hop, start_filter, connect, caplog):
    running = await start_filter(await start_hop())

    async def begin(*_):
        raise RuntimeError("secret detail")

    running.service.hop.begin = begin
    client = await connect(running)
    await client.hello()
    reply = await client.ask("MAIL FROM:<a@example.org>")
    assert reply.startswith("451 4.3.0 ")
    assert "secret" not in reply
    assert "secret detail" in caplog.text


async def test_scanner_fault_delivers_unchecked(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop, ValueError("secret detail")))
    await client.hello()
    assert await client.send(MAIL) == "250 2.0.0 Ok: queued as HOP1"
    head = hop.messages[0].removesuffix(MAIL)
    assert head.endswith(b"X-Blackmail-Status: unchecked\r\n")
    assert head.count(b"X-Blackmail-") == 1
    assert b"Authentication-Results" not in head


async def test_scanner_fault_defers_where_that_is_wanted(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop, ValueError("secret detail"), on_error="tempfail"))
    await client.hello()
    reply = await client.send(MAIL)
    assert reply.startswith("451 4.3.0 ")
    assert "secret" not in reply
    await hop.settled(["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "RSET"])
    assert hop.transactions[-1] == "RSET"


async def test_scanner_that_takes_too_long_is_a_fault(start_hop, start_filter, connect):
    async def sleeper(raw, envelope):
        await asyncio.sleep(3600)

    hop = await start_hop()
    client = await connect(await start_filter(hop, sleeper, inspect_timeout=0.1))
    await client.hello()
    assert (await client.send(MAIL)).startswith("250 ")
    assert b"X-Blackmail-Status: unchecked\r\n" in hop.messages[0]


# Trap 3: the null sender as the text "<>".
async def test_null_sender(start_hop, start_filter, connect):
    seen = []

    async def inspector(raw, envelope):
        seen.append(envelope)
        return Verdict()

    hop = await start_hop()
    client = await connect(await start_filter(hop, inspector))
    await client.hello()
    await client.send(MAIL, sender="<>")
    assert seen[0].mail_from == ""
    assert seen[0].rcpt_to == ("b@example.org",)
    assert hop.transactions[0] == "MAIL FROM:<>"


# Trap 5: lines over 1,000 bytes, and other shapes that a line reader would not survive.
@pytest.mark.parametrize(
    "message",
    [
        b"Subject: x\r\n\r\n" + b"x" * 300_000 + b"\r\n",
        b"",
        b"\r\n",
        b"no header at all\r\n",
        b".\r\n..\r\n.x\r\n",
        b"Subject: \xe4\xf6\xfc \xff\x00\x01\r\n\r\n\x00\xff bare\nLF and bare\rCR\r\n",
        b"From: a@example.org\r\nFrom: b@example.org\r\n\r\nx\r\n",
        b"Subject: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(1000)),
        b"\r\n" * 700_000,
        (b"." * 500 + b"\r\n") * 3000,
    ],
    ids=[
        "long line", "empty", "blank", "no header", "dots", "eight bits", "two From", "large header",
        "nested", "only line ends", "large dots",
    ],
)  # fmt: skip
async def test_message_arrives_byte_for_byte(message, start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    assert await client.send(message) == "250 2.0.0 Ok: queued as HOP1"
    assert own_part(hop.messages[0]) == message


async def test_fifty_megabytes_arrive_byte_for_byte(start_hop, start_filter, connect):
    message = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 4 * 16 + b"\r\n"
    message += (b"." + b"base64" * 12 + b"\r\n") * ((52_428_800 - len(message)) // 75)
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    assert await client.send(message) == "250 2.0.0 Ok: queued as HOP1"
    assert own_part(hop.messages[0]) == message


async def test_message_sent_ahead_of_354_may_be_larger_than_any_buffer(start_hop, start_filter, connect):
    message = b"Subject: early\r\n\r\n" + b"x" * 998 + b"\r\n" * 1000 + b"RSET\r\n" * 100_000
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    client.writer.write(
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n" + message + b".\r\nNOOP\r\n"
    )
    replies = [(await client.reply())[:3] for _ in range(5)]
    assert replies == ["250", "250", "354", "250", "250"]
    assert own_part(hop.messages[0]) == message


@pytest.mark.parametrize(
    ("size", "offered"), [("SIZE", 52428800), ("SIZE 0", 52428800), ("SIZE x", 52428800), ("SIZE 9", 9)]
)
async def test_size_of_the_next_hop(size, offered, start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop(offers=("PIPELINING", size))))
    assert f"250-SIZE {offered}\n" in await client.hello()


async def test_log_line_has_no_text_of_the_mail(start_hop, start_filter, connect, caplog, sextortion):
    caplog.set_level(logging.INFO, "milter")
    client = await connect(await start_filter(await start_hop(), sextortion))
    await client.hello()
    await client.ask("XFORWARD ADDR=192.0.2.7 IDENT=4Qx1")
    await client.send(MAIL)
    (line,) = [r.getMessage() for r in caplog.records if r.name == "milter.mail"]
    assert line.startswith(
        "4Qx1: client=192.0.2.7 from=<a@example.org> to=<b@example.org> size=42 action=tag score=11.5 kind=sextortion"
        ' rules=threat.publish,demand.crypto reply="250 2.0.0 Ok: queued as HOP1" ms='
    )
    assert "Hello" not in caplog.text


# The end.
async def test_stop_finishes_mail_in_transfer_and_parts_from_the_rest(start_hop, start_filter, connect):
    hop = await start_hop()
    running = await start_filter(hop)
    idle, in_data = await connect(running), await connect(running)
    await idle.hello()
    await in_data.hello()
    await in_data.open_data()
    stopping = asyncio.create_task(running.service.stop(5))
    assert (await idle.reply()).startswith("421 4.3.2 ")
    assert await in_data.finish(MAIL) == "250 2.0.0 Ok: queued as HOP1"
    assert (await in_data.reply()).startswith("421 4.3.2 ")
    await stopping
    late = await connect(running)
    assert (await late.reply()).startswith("421 4.3.2 ")
