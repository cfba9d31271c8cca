"""The store is kept in order: interrupted releases end, old mail is wiped, and trouble is tried again."""

import asyncio
import logging
from datetime import timedelta

import pytest
from stored_mails import ENVELOPE, NOW, RAW, VERDICT

from milter.actions import janitor
from milter.actions.janitor import keep_order, sweep
from milter.actions.smtp import SmtpHop
from milter.config import Store
from milter.errors import StoreError

LATER = NOW + timedelta(seconds=121)


@pytest.fixture
def kept(opened):
    return opened.quarantine.keep(RAW, ENVELOPE, VERDICT, received=NOW)


@pytest.mark.parametrize("handing_over", [False, True])
def test_a_release_that_nobody_works_on_any_more_ends(opened, store_settings, kept, caplog, handing_over):
    claim = opened.quarantine.claim(kept, by="anna", now=NOW)
    if handing_over:
        opened.quarantine.handing_over(claim, now=NOW)
    sweep(store_settings, NOW)
    assert opened.quarantine.get(kept).state == "releasing"
    sweep(store_settings, LATER)
    mail = opened.quarantine.get(kept)
    assert mail.state == "held"
    assert {copy.uncertain for copy in mail.copies} == {handing_over}
    (message,) = caplog.messages
    assert message.startswith(f"{kept}: the release by anna was interrupted, ")
    assert ("may have arrived" in message) == handing_over


def test_mail_is_wiped_when_it_is_old_enough(opened, store_settings, kept):
    days = timedelta(days=store_settings.retention_days)
    sweep(store_settings, NOW + days)
    assert opened.quarantine.get(kept).state == "held"
    sweep(store_settings.model_copy(update={"retention_days": 0}), NOW + 10 * days)
    assert opened.quarantine.get(kept).state == "held"
    sweep(store_settings, NOW + days + timedelta(seconds=1))
    assert opened.quarantine.get(kept).state == "expired"


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    sweep(Store(url=f"sqlite:///{tmp_path}/store.sqlite", key_file=tmp_path / "key"), NOW)
    assert list(tmp_path.iterdir()) == []


async def test_trouble_is_logged_and_tried_again(opened, store_settings, kept, caplog, monkeypatch, start_hop):
    troubles = [StoreError("the disk is full"), ZeroDivisionError()]
    monkeypatch.setattr(janitor, "INTERVAL", 0.01)
    real = janitor.sweep

    def failing(settings, now):
        if troubles:
            raise troubles.pop(0)
        return real(settings, now)

    monkeypatch.setattr(janitor, "sweep", failing)
    opened.quarantine.claim(kept, by="anna", now=NOW)
    hop = await start_hop()
    await in_order(store_settings, hop, lambda: opened.quarantine.get(kept).state == "released")
    levels = [record.levelno for record in caplog.records if record.levelno > logging.INFO]
    assert levels == [logging.WARNING, logging.ERROR, logging.WARNING]
    assert "the disk is full" in caplog.messages[0]


async def in_order(settings, hop, done):
    """Keep order until something is done."""
    ours = SmtpHop(hop.address, helo_name="filter.example", timeout=5.0)
    order = asyncio.create_task(keep_order(settings, ours, lambda: LATER))
    while not done():
        assert not order.done()
        await asyncio.sleep(0.02)
    order.cancel()
    await asyncio.wait([order])
    await ours.close()


async def test_a_release_that_sent_nothing_goes_on(opened, store_settings, kept, start_hop):
    claim = opened.quarantine.claim(kept, [ENVELOPE.rcpt_to[0]], by="anna", now=NOW)
    assert claim.recipients == ENVELOPE.rcpt_to[:1]
    hop = await start_hop()
    await in_order(store_settings, hop, lambda: opened.quarantine.get(kept).copies[0].released_at)
    (message,) = hop.messages
    assert message.endswith(RAW)
    assert b"X-Blackmail-Released: anna;" in message
    first, *others = opened.quarantine.get(kept).copies
    assert first.released_by == "anna"
    assert all(copy.released_at is None for copy in others)


async def test_a_release_that_may_have_arrived_does_not_go_on(opened, store_settings, kept, start_hop, monkeypatch):
    claim = opened.quarantine.claim(kept, by="anna", now=NOW)
    opened.quarantine.handing_over(claim, now=NOW)
    monkeypatch.setattr(janitor, "INTERVAL", 0.01)
    hop = await start_hop()
    await in_order(store_settings, hop, lambda: opened.quarantine.get(kept).copies[0].uncertain)
    await asyncio.sleep(0.1)
    assert hop.connections == 0


async def test_a_next_hop_that_is_down_leaves_the_mail_held(opened, store_settings, kept, start_hop):
    opened.quarantine.claim(kept, by="anna", now=NOW)
    hop = await start_hop(answers={"connect": "421 4.3.2 away"})
    await in_order(store_settings, hop, lambda: "next hop" in opened.quarantine.get(kept).note)
    assert opened.quarantine.get(kept).state == "held"
