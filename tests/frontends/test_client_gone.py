"""A client that goes away in the middle: its mail is taken back, or goes on whole, and is never cut in two."""

import asyncio
import logging
import threading

from milter.model import Verdict
from milter.store.quarantine import Quarantine

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
QUARANTINE = Verdict(action="quarantine", score=12.0, kind="bomb")


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
