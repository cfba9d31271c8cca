"""The traps of an SMTP proxy, each by what a client and a next hop would notice of it."""

import asyncio
import logging
import socket
import threading

import pytest

from milter.model import Verdict
from milter.store.quarantine import Quarantine

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
QUARANTINE = Verdict(action="quarantine", score=12.0, kind="bomb")


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


# Trap 8: a client that goes away in the middle.
async def test_client_gone_during_inspection_takes_its_mail_back(start_hop, start_filter, connect):
    inspecting, go_on = asyncio.Event(), asyncio.Event()

    async def inspector(raw, envelope):
        inspecting.set()
        await go_on.wait()
        return Verdict()

    hop = await start_hop()
    running = await start_filter(hop, inspector)
    client = await connect(running)
    await client.hello()
    await client.open_data()
    client.writer.write(MAIL + b".\r\n")
    await inspecting.wait()
    client.break_off()
    await running.service.empty()
    go_on.set()
    await hop.settled(["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "RSET"])
    assert hop.transactions[-1] == "RSET"
    assert hop.messages == []


async def test_client_gone_before_the_final_dot_leaves_nothing(start_hop, start_filter, connect):
    hop = await start_hop(answers={"DATA": "hang"})
    running = await start_filter(hop)
    client = await connect(running)
    await client.hello()
    await client.open_data()
    client.writer.write(MAIL + b".\r\n")
    await hop.until(lambda: "DATA" in hop.transactions)
    client.break_off()
    await running.service.empty()
    assert hop.messages == []


async def test_client_gone_after_the_final_dot_does_not_cut_the_mail_off(start_hop, start_filter, connect, caplog):
    caplog.set_level(logging.INFO)
    hop = await start_hop(answers={"message": "hang"})
    running = await start_filter(hop, next_hop_timeout=0.3)
    client = await connect(running)
    await client.hello()
    await client.open_data()
    client.writer.write(MAIL + b".\r\n")
    await hop.message_seen.wait()
    client.break_off()
    await running.service.empty()
    assert len(hop.messages) == 1
    assert "action=defer" in caplog.text


async def test_client_gone_during_the_quarantine_write_does_not_cut_it_off(
    start_hop, start_filter, connect, caplog, monkeypatch
):
    caplog.set_level(logging.INFO)
    writing, go_on = threading.Event(), threading.Event()
    write = Quarantine.keep

    def slow_write(*arguments, **options):
        writing.set()
        assert go_on.wait(20)
        return write(*arguments, **options)

    monkeypatch.setattr(Quarantine, "keep", slow_write)
    hop = await start_hop()
    running = await start_filter(hop, QUARANTINE)
    client = await connect(running)
    await client.hello()
    await client.open_data()
    client.writer.write(MAIL + b".\r\n")
    await hop.until(writing.is_set)
    client.break_off()
    await asyncio.sleep(0.1)
    go_on.set()
    await running.service.empty()
    assert running.quarantined == [MAIL]
    assert "action=quarantine" in caplog.text


async def test_client_gone_in_the_middle_of_data(start_hop, start_filter, connect):
    hop = await start_hop()
    running = await start_filter(hop)
    client = await connect(running)
    await client.hello()
    await client.open_data()
    client.writer.write(b"Subject: half")
    await client.writer.drain()
    client.break_off()
    await running.service.empty()
    assert hop.messages == []


# Trap 9: the idle timer.
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


# What a verdict does.
async def test_clean_mail_gets_our_fields_on_top(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    await client.send(MAIL)
    queue_id = hop.messages[0].split(b" id")[1].split()[0]
    assert hop.messages[0] == (
        b"Received: from client.example ([127.0.0.1]) by filter.example with ESMTP id\r\n"
        b" " + queue_id + b" for <b@example.org>; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
        b"Authentication-Results: filter.example; none\r\n"
        b"X-Blackmail-Flag: NO\r\n"
        b"X-Blackmail-Score: 0.0\r\n"
        b"X-Blackmail-Status: checked\r\n" + MAIL
    )


async def test_flagged_mail_is_tagged_and_delivered(start_hop, start_filter, connect, sextortion):
    hop = await start_hop()
    client = await connect(await start_filter(hop, sextortion))
    await client.hello()
    assert (await client.send(MAIL)).startswith("250 ")
    assert (
        b"\r\nX-Blackmail-Flag: YES\r\nX-Blackmail-Score: 11.5\r\nX-Blackmail-Kind: sextortion\r\n" in hop.messages[0]
    )
    assert b"\r\nX-Blackmail-Rules: threat.publish, demand.crypto\r\nX-Blackmail-Reason: " in hop.messages[0]
    assert hop.messages[0].endswith(b"X-Blackmail-Status: checked\r\n" + MAIL)


async def test_quarantined_mail_reaches_nobody(start_hop, start_filter, connect):
    hop = await start_hop()
    running = await start_filter(hop, QUARANTINE)
    client = await connect(running)
    await client.hello()
    reply = await client.send(b"X-Blackmail-Flag: NO\r\n" + MAIL)
    assert reply.startswith("250 2.0.0 Ok: queued as ")
    assert running.quarantined == [b"X-Blackmail-Flag: NO\r\n" + MAIL]
    await hop.settled(["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "RSET"])
    assert hop.transactions == ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "RSET"]


async def test_quarantine_that_cannot_be_written_is_451(start_hop, start_filter, connect, tmp_path):
    (tmp_path / "quarantine").write_text("in the way")
    client = await connect(await start_filter(await start_hop(), QUARANTINE))
    await client.hello()
    assert (await client.send(MAIL)).startswith("451 4.3.0 ")


async def test_rejected_mail(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop, Verdict(action="reject")))
    await client.hello()
    assert (await client.send(MAIL)).startswith("550 5.7.1 ")
    assert hop.messages == []


async def test_inspection_switched_off(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop, Verdict(action="reject"), inspect=False))
    await client.hello()
    await client.send(b"X-Blackmail-Flag: YES\r\n" + MAIL)
    assert hop.messages[0].startswith(b"Received: ")
    assert b"X-Blackmail" not in hop.messages[0]


async def test_maildir_as_next_hop(start_filter, connect, tmp_path):
    client = await connect(await start_filter())
    hello = await client.hello()
    assert "DSN" not in hello
    assert "8BITMIME" in hello
    assert (await client.send(MAIL)).startswith("250 2.0.0 Ok: stored as ")
    (path,) = (tmp_path / "mail" / "new").iterdir()
    assert path.read_bytes().startswith(b"Return-Path: <a@example.org>\r\nReceived: ")
    assert own_part(path.read_bytes()) == MAIL


async def test_slow_inspection_does_not_hold_up_other_mail(start_hop, start_filter, connect):
    slow = asyncio.Event()

    async def inspector(raw, envelope):
        if b"slow" in raw:
            await slow.wait()
        return Verdict()

    hop = await start_hop()
    running = await start_filter(hop, inspector)
    first, second = await connect(running), await connect(running)
    await first.hello()
    await second.hello()
    waiting = asyncio.create_task(first.send(b"Subject: slow\r\n\r\n"))
    assert (await second.send(MAIL)).startswith("250 ")
    assert not waiting.done()
    slow.set()
    assert (await waiting).startswith("250 ")


# Who may send, and how much.
async def test_strangers_are_turned_away(start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop(), trusted_clients=["192.0.2.0/24"]))
    assert (await client.reply()).startswith("554 5.7.1 ")
    assert await client.reply() == ""


async def test_too_many_connections(start_hop, start_filter, connect):
    running = await start_filter(await start_hop(), max_connections=1)
    first = await connect(running)
    await first.hello()
    second = await connect(running)
    assert (await second.reply()).startswith("421 4.3.2 ")
    await first.ask("QUIT")
    assert await first.reply() == ""
    third = await connect(running)
    assert (await third.reply()).startswith("220 ")


async def test_too_many_recipients(start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop(), max_recipients=100))
    await client.hello()
    await client.ask("MAIL FROM:<a@example.org>")
    for number in range(100):
        assert (await client.ask(f"RCPT TO:<{number}@example.org>")).startswith("250 ")
    assert (await client.ask("RCPT TO:<more@example.org>")).startswith("452 4.5.3 ")
    assert (await client.ask("DATA")).startswith("354 ")


async def test_endless_command_line(start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop()))
    await client.hello()
    assert (await client.ask("NOOP " + "x" * 200_000)).startswith("500 ")
    assert (await client.ask("NOOP")).startswith("250 ")


# The real client behind ours.
@pytest.mark.parametrize(
    ("xforward", "expected"),
    [
        ("NAME=spike.example ADDR=192.0.2.7 HELO=spike IDENT=4Qx1", ("192.0.2.7", "spike.example", "spike", "4Qx1")),
        ("ADDR=IPV6:2001:db8::7 HELO=a+20b+0Ac", ("2001:db8::7", "", "a b?c", None)),
        ("NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL] HELO=[unavailable]", ("", "", "", None)),
        (None, ("", "", "", None)),
    ],
)
async def test_xforward_names_the_client(xforward, expected, start_hop, start_filter, connect):
    seen = []

    async def inspector(raw, envelope):
        seen.append(envelope)
        return Verdict()

    client = await connect(await start_filter(await start_hop(), inspector))
    await client.hello()
    if xforward:
        assert (await client.ask(f"XFORWARD {xforward}")).startswith("250 ")
    await client.send(MAIL)
    await client.send(MAIL)
    first, second = seen
    assert (first.client_addr, first.client_name, first.helo_name) == expected[:3]
    assert first.queue_id == expected[3] if expected[3] else first.queue_id.isalnum()
    # What was forwarded belongs to one mail only.
    assert (second.client_addr, second.client_name, second.helo_name) == ("", "", "")


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
