"""Release through a real Postfix: the mail arrives as it was sent, and what Postfix says is kept."""

import asyncio
import contextlib
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from postfix_mails import SECRET, fields_on_top

from milter.actions.release import Releaser
from milter.actions.smtp import SmtpHop
from milter.model import Envelope, Verdict
from milter.store.opened import open_store
from milter.store.records import Filter

ON_TOP = ["Return-Path", "X-Original-To", "Delivered-To", "Received", "X-Blackmail-Released"]


@pytest.fixture
async def desk(postfix, start_filter, judge):
    """Postfix in front of and behind the filter, the filter's store, and a releaser."""
    address = postfix.back_address
    running = await start_filter(SimpleNamespace(address=address), judge, **postfix.listening)
    hop = SmtpHop(address, helo_name="filter.example", timeout=10.0)
    with contextlib.ExitStack() as stack:

        def quarantine():
            return stack.enter_context(open_store(running.config.store)).quarantine

        yield SimpleNamespace(
            postfix=postfix, quarantine=quarantine, release=lambda *a, **k: Releaser(quarantine(), hop).release(*a, **k)
        )
    await hop.close()


async def kept(desk) -> str:
    """The id of the only mail in quarantine, once it is there."""
    await desk.postfix.until(lambda: desk.quarantine().find(Filter()))
    (mail,) = desk.quarantine().find(Filter())
    return mail.id


async def test_a_mail_arrives_as_it_was_sent(desk):
    await desk.postfix.send(SECRET, recipients=("b@example.org", "c@example.org"))
    mail_id = await kept(desk)
    raw = desk.quarantine().raw(mail_id)
    assert desk.postfix.delivered() == []
    assert (await desk.release(mail_id, by="anna")).complete
    for mailbox in ("b", "c"):
        (delivered,) = await desk.postfix.settled(mailbox)
        assert fields_on_top(delivered, raw) == ON_TOP
        assert fields_on_top(delivered, SECRET) == [*ON_TOP, "Received"]
        assert delivered.startswith(b"Return-Path: <a@example.org>\n")
        assert b"\nX-Blackmail-Released: anna; " in delivered


async def test_ten_who_press_at_once_deliver_one_mail(desk):
    await desk.postfix.send(SECRET)
    mail_id = await kept(desk)
    presses = [desk.release(mail_id, by=f"user{number}") for number in range(10)]
    done = await asyncio.gather(*presses, return_exceptions=True)
    assert len([one for one in done if not isinstance(one, Exception)]) == 1
    await desk.postfix.settled()


async def test_what_postfix_refuses_is_kept_with_its_words(desk):
    envelope = Envelope("", ("b@example.org", "c@example..org"))
    quarantine = desk.quarantine()
    mail_id = quarantine.keep(SECRET, envelope, Verdict(action="quarantine"), received=datetime.now(UTC))
    done = await desk.release(mail_id, by="anna")
    assert done.delivered == ("b@example.org",)
    assert done.refused["c@example..org"].startswith("501 5.1.3 ")
    (delivered,) = await desk.postfix.settled()
    assert delivered.startswith(b"Return-Path: <>\n")
    assert desk.quarantine().get(mail_id).state == "held"


async def test_a_postfix_that_is_away_leaves_the_mail_held(desk):
    await desk.postfix.send(SECRET)
    mail_id = await kept(desk)
    await asyncio.to_thread(desk.postfix.command, "postfix", "stop")
    try:
        done = await desk.release(mail_id, by="anna")
    finally:
        await asyncio.to_thread(desk.postfix.start)
    assert done.note.startswith("next hop 127.0.0.1:")
    assert desk.quarantine().get(mail_id).state == "held"
    assert (await desk.release(mail_id, by="anna")).complete
    await desk.postfix.settled()
