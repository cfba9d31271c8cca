"""Who is told of which mail: once, by one process, and of nothing that is out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from stored_mails import ENVELOPE, NOW, RAW, VERDICT, B, C

from milter.model import Envelope
from milter.store.mailings import notice_of
from milter.store.opened import open_store

MINUTE = timedelta(minutes=1)


def test_a_period_is_claimed_once(opened):
    assert opened.mailings.claim(B, "digest", "2026-11-24", now=NOW)
    assert not opened.mailings.claim(B.upper(), "digest", "2026-11-24", now=NOW)
    assert opened.mailings.claim(B, "notice", "2026-11-24", now=NOW)
    assert opened.mailings.claim(B, "digest", "2026-11-25", now=NOW)


def test_what_was_given_back_can_be_claimed_again(opened):
    opened.mailings.claim(B, "digest", "2026-11-24", now=NOW)
    opened.mailings.give_back(B, "digest", "2026-11-23")
    assert not opened.mailings.claim(B, "digest", "2026-11-24", now=NOW)
    opened.mailings.give_back(B, "digest", "2026-11-24")
    assert opened.mailings.claim(B, "digest", "2026-11-24", now=NOW)


def test_of_many_at_once_one_gets_it(store_settings):
    stores = [open_store(store_settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda store: store.mailings.claim(B, "digest", "today", now=NOW), stores))
    for store in stores:
        store.close()
    assert sorted(taken) == [False, False, False, True]


def test_mails_are_waiting_until_they_were_told_of(opened):
    first = opened.quarantine.keep(RAW, ENVELOPE, VERDICT, received=NOW)
    second = opened.quarantine.keep(RAW, Envelope("", (B.upper(),)), VERDICT, received=NOW + MINUTE)
    later = NOW + 2 * MINUTE
    assert opened.mailings.waiting("digest", "today", until=later) == {B.upper(): [second, first], C: [first]}
    assert opened.mailings.waiting("digest", "today", until=NOW) == {B: [first], C: [first]}
    opened.mailings.claim(B, "digest", "today", now=NOW)
    assert opened.mailings.waiting("digest", "today", until=later) == {C: [first]}
    assert opened.mailings.waiting("digest", "tomorrow", until=later) == {B.upper(): [second, first], C: [first]}
    assert opened.mailings.told_until(B, "digest") is None
    opened.mailings.told(B, "digest", NOW)
    assert opened.mailings.told_until(B, "digest") == NOW
    assert opened.mailings.waiting("digest", "tomorrow", until=later) == {B.upper(): [second], C: [first]}


def test_each_mail_is_noticed_for_itself(opened):
    first = opened.quarantine.keep(RAW, ENVELOPE, VERDICT, received=NOW)
    second = opened.quarantine.keep(RAW, Envelope("", (B,)), VERDICT, received=NOW + MINUTE)
    assert opened.mailings.unnoticed(since=NOW) == {B: [second]}
    opened.mailings.claim(B, notice_of(second), "sent", now=NOW)
    assert opened.mailings.unnoticed(since=NOW - MINUTE) == {B: [first], C: [first]}
    opened.mailings.give_back(B, notice_of(second), "sent")
    assert opened.mailings.unnoticed(since=NOW) == {B: [second]}


def test_what_is_out_or_may_be_waits_no_more(opened):
    mail_id = opened.quarantine.keep(RAW, ENVELOPE, VERDICT, received=NOW)
    claim = opened.quarantine.claim(mail_id, [B], by="anna", now=NOW)
    opened.quarantine.delivered(claim, [B], now=NOW)
    assert opened.mailings.waiting("digest", "today", until=NOW) == {C: [mail_id]}
    claim = opened.quarantine.claim(mail_id, [C], by="anna", now=NOW)
    opened.quarantine.handing_over(claim, now=NOW)
    opened.quarantine.given_back(claim, "vanished", now=NOW)
    assert opened.mailings.waiting("digest", "today", until=NOW) == {}


def test_old_entries_are_forgotten(opened):
    opened.mailings.claim(B, "digest", "old", now=NOW)
    opened.mailings.claim(C, "digest", "new", now=NOW + MINUTE)
    opened.mailings.told(C, "digest", NOW)
    opened.mailings.forget(NOW + MINUTE)
    assert opened.mailings.claim(B, "digest", "old", now=NOW)
    assert opened.mailings.told_until(C, "digest") == NOW
