"""Digests go out once, to those who read mail, as mail that nobody answers by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import DROP
from stored_mails import NOW, RAW, VERDICT, B, C

from milter.config import Config
from milter.digest.compose import Composer
from milter.digest.opened import office
from milter.digest.own import own_mail
from milter.digest.schedule import period, tell
from milter.digest.send import Round, may_be_told
from milter.errors import StoreError
from milter.model import Envelope
from milter.store.quarantine import Quarantine

LATER = NOW + timedelta(minutes=5)
DAY = timedelta(days=1)


async def digests(at, now=LATER, day="2026-11-24", only=None):
    async with office(at.config, now) as opened:
        return await Round(at.config, opened, at.smtp).digests(day, only)


async def test_each_recipient_is_told_of_what_is_his(scene, parts):
    at = await scene()
    both, mine = at.keep(B, C), at.keep(B)
    assert (await digests(at)).sent == (B, C)
    assert [(mail["To"], parts(mail).text.count("subject=release")) for mail in at.sent] == [(B, 2), (C, 1)]
    assert mine in parts(at.sent[0]).text
    assert both in parts(at.sent[1]).text
    assert at.hop.transactions[0].startswith("MAIL FROM:<> ")
    assert at.hop.transactions[1] == f"RCPT TO:<{B}> NOTIFY=NEVER"
    assert all(own_mail(at.config.store)(raw) for raw in at.hop.messages)


async def test_nobody_is_told_twice(scene, parts):
    at = await scene()
    first = at.keep()
    await digests(at)
    second = at.keep(at=LATER)
    assert await digests(at, LATER + DAY / 2) == await digests(at, LATER + DAY / 2, only=C)
    await digests(at, LATER + DAY, "2026-11-25")
    assert len(at.sent) == 2
    assert second in parts(at.sent[1]).text
    assert first not in parts(at.sent[1]).text
    await digests(at, LATER + 2 * DAY, "2026-11-26")
    assert len(at.sent) == 2


async def test_a_mail_that_has_just_come_waits_for_the_next_digest(scene):
    at = await scene()
    at.keep(at=LATER - timedelta(seconds=59))
    await digests(at)
    assert at.sent == []
    assert (await digests(at, LATER + timedelta(seconds=1))).sent == (B,)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
async def test_of_two_processes_one_sends(scene, store_settings, store):
    if store_settings.url.startswith(store):
        one = await scene(store=store_settings)
        other = await scene(store=store_settings, hop=one.hop)
        one.keep(B, C)
        results = await asyncio.gather(*(digests(at) for at in (one, other, one, other)))
        assert sorted(who for result in results for who in result.sent) == [B, C]
        assert sorted(mail["To"] for mail in one.sent) == [B, C]


async def test_what_was_not_taken_is_tried_again_and_what_may_be_taken_is_not(scene):
    at = await scene(answers={"message": ["451 4.3.0 later", DROP, "250 2.0.0 Ok"]})
    at.keep()
    assert (await digests(at)).failed == (B,)
    assert (await digests(at)).failed == (B,)
    assert (await digests(at)).failed == ()
    assert len(at.sent) == 1
    assert (await digests(at, LATER + DAY, "2026-11-25")).sent == (B,)


async def test_a_next_hop_that_is_away_costs_nothing(scene):
    at = await scene(answers={"connect": [DROP, "220 hop.example"]})
    at.keep()
    assert (await digests(at)).failed == (B,)
    assert (await digests(at)).sent == (B,)


async def test_who_is_refused_waits_for_the_next_day(scene):
    at = await scene(answers={"RCPT": ["550 5.1.1 unknown", "250 2.1.5 Ok"]})
    at.keep()
    assert (await digests(at)).failed == (B,)
    assert (await digests(at)) == (await digests(at, only=C))
    assert at.sent == []


async def test_notices_come_at_once_and_once(scene, parts):
    at = await scene(digest={"notice_at_once": True})
    at.keep(B, C, sender="")
    at.keep(at=NOW - 2 * DAY)
    for _ in range(2):
        async with office(at.config, LATER) as opened:
            await Round(at.config, opened, at.smtp).notices()
    assert [mail["To"] for mail in at.sent] == [B, C]
    assert "Was Sie" in parts(at.sent[0]).text or "What you should do" in parts(at.sent[0]).text


async def test_who_is_meant_is_told_at_once_where_his_policy_says_so(scene, parts):
    at = await scene(policies={B: {"personal_case": "notify"}})
    meant = replace(VERDICT, personal=True)
    at.keep(B, C)
    mail_id = at.office.store.quarantine.keep(RAW, Envelope("x@example.net", (B, C)), meant, received=NOW)
    for _ in range(2):
        await tell(at.config, at.smtp, LATER.replace(hour=3))
    (mail,) = at.sent
    assert mail["To"] == B
    assert mail_id in parts(mail).text
    assert "Vielleicht sind Sie persönlich gemeint." in parts(mail).text


async def test_the_administrator_is_told_of_what_waits_for_him(scene, parts):
    admin = "postmaster@example.org"
    at = await scene(digest={"admin": admin})
    mail_id = at.keep()
    at.office.store.quarantine.request(mail_id, B, now=NOW)
    at.office.store.audit.record(B, "false-alarm", mail_id, "", at=NOW)
    for _ in range(2):
        async with office(at.config, LATER) as opened:
            await Round(at.config, opened, at.smtp).administrator("2026-11-24")
    (mail,) = at.sent
    text = parts(mail).text
    assert mail["To"] == admin
    assert f"* {mail_id} -> {B}" in text
    assert "Mails in quarantine: 1" in text
    assert "Reported as false alarms" in text


async def test_an_administrator_of_nothing_hears_nothing(scene):
    at = await scene(digest={"admin": "postmaster@example.org"})
    async with office(at.config, LATER) as opened:
        assert (await Round(at.config, opened, at.smtp).administrator("2026-11-24")).sent == ()
    assert at.sent == []


@pytest.mark.parametrize(
    "robot",
    [
        "", "MAILER-DAEMON@example.org", "owner-news@example.org", "news-request@example.org", "news-owner@example.org",
        "bounces+anna=example.net@example.org", "list-bounces@example.org", "noreply@example.org",
        "no-reply@example.org",
        "Majordomo@example.org", "commands@example.org", "lists@example.org", "any@lists.example.org",
    ],
)  # fmt: skip
async def test_lists_and_robots_are_not_told(scene, robot):
    at = await scene(digest={"exclude": ["lists@example.org", ".lists.example.org", "lists.example.org"]})
    assert not may_be_told(robot, at.config)
    at.keep(robot or "MAILER-DAEMON@example.org")
    await digests(at)
    assert at.sent == []


@pytest.mark.parametrize(
    "person", ["anna@example.org", "owner@example.org", "bounceback.fan@example.org", "ä@x.example"]
)
def test_people_are_told(person):
    assert may_be_told(person, Config())


@pytest.mark.parametrize(
    ("schedule", "now", "due"),
    [
        ("07:30", NOW.replace(hour=7, minute=29), None),
        ("07:30", NOW.replace(hour=7, minute=30), "2026-11-24"),
        ("07:30", NOW.replace(hour=23), "2026-11-24"),
        ("weekdays 07:30", NOW, "2026-11-24"),
        ("weekdays 07:30", NOW.replace(day=28), None),
        ("07:30", NOW.replace(day=28), "2026-11-28"),
        (630, NOW.replace(hour=10, minute=29), None),
        (630, NOW.replace(hour=10, minute=30), "2026-11-24"),
        (None, NOW, None),
    ],
)
def test_a_digest_is_due_from_its_time_on(schedule, now, due):
    settings = Config(digest={"schedule": schedule, "command_address": "c@example.org"}).digest
    assert period(settings, now) == due


async def test_a_round_tells_all(scene):
    at = await scene(digest={"admin": "postmaster@example.org", "notice_at_once": True})
    at.keep()
    for _ in range(2):
        await tell(at.config, at.smtp, LATER)
    assert [mail["To"] for mail in at.sent] == [B, B, "postmaster@example.org"]


async def test_a_store_that_is_not_there_is_not_made(tmp_path):
    config = Config(
        store={"url": f"sqlite:///{tmp_path}/store.sqlite", "key_file": tmp_path / "key"},
        digest={"schedule": "00:00", "from_address": "a@example.org"},
    )
    await tell(config, None, NOW)
    assert list(tmp_path.iterdir()) == []


async def test_one_odd_mail_keeps_nobody_from_hearing(scene, monkeypatch, caplog):
    at = await scene(digest={"notice_at_once": True})
    damaged, fine, other = at.keep(B), at.keep(B), at.keep(C)
    get, digest = Quarantine.get, Composer.digest

    def failing_get(quarantine, mail_id):
        if mail_id == damaged:
            raise StoreError("it was changed or is damaged")
        return get(quarantine, mail_id)

    def failing_digest(composer, recipient, mails, more=0):
        if recipient == C:
            raise ZeroDivisionError
        return digest(composer, recipient, mails, more)

    monkeypatch.setattr(Quarantine, "get", failing_get)
    monkeypatch.setattr(Composer, "digest", failing_digest)
    await tell(at.config, at.smtp, LATER)
    assert sorted(mail["To"] for mail in at.sent) == [B, B, C]
    assert at.sent[2]["To"] == B
    told = [mail.get_body(("plain",)).get_content() for mail in at.sent]
    assert fine in told[2]
    assert not any(damaged in text for text in told)
    assert any(other in text for text in told)
