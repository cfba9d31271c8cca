"""The store is kept in order: interrupted releases end, old mail is wiped, and trouble is tried again."""

import asyncio
import logging
from datetime import timedelta

import pytest
from stored_mails import ENVELOPE, NOW, RAW, VERDICT

from milter.actions import janitor
from milter.actions.janitor import keep_order, sweep
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


async def test_trouble_is_logged_and_tried_again(opened, store_settings, kept, caplog, monkeypatch):
    troubles = [StoreError("the disk is full"), ZeroDivisionError()]
    monkeypatch.setattr(janitor, "INTERVAL", 0.01)
    real = janitor.sweep

    def failing(settings, now):
        if troubles:
            raise troubles.pop(0)
        real(settings, now)

    monkeypatch.setattr(janitor, "sweep", failing)
    opened.quarantine.claim(kept, by="anna", now=NOW)
    order = asyncio.create_task(keep_order(store_settings, lambda: LATER))
    while opened.quarantine.get(kept).state != "held":
        assert not order.done()
        await asyncio.sleep(0.02)
    order.cancel()
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.ERROR, logging.WARNING]
    assert "the disk is full" in caplog.messages[0]
