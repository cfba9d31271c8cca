"""What a verdict does to a mail that came by SMTP, and what its client hears."""

import asyncio

from milter.model import Verdict

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
QUARANTINE = Verdict(action="quarantine", score=12.0, kind="bomb")


def own_part(message: bytes) -> bytes:
    """What a message was before our fields were put on top."""
    return message.split(b"X-Blackmail-Status: checked\r\n", 1)[1]


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
