"""A wave of letters through the running filter: learned from what was tagged or kept, known to all, taken back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from milter.actions import remember
from milter.frontends import store_watch
from milter.store.campaigns import CONFIRMING_MAILS, CONFIRMING_RECIPIENTS
from milter.store.opened import open_store
from milter.store.records import Filter as Wanted

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LETTER = (
    "From: {name} <x@example.com>\r\nTo: <{to}>\r\nSubject: {name}\r\n\r\n"
    "Good day {to}. Our group looked at your web site with care for {number} weeks. We will leak the data of your\r\n"
    "customers to the press and to everybody who cares, and your name will be worth nothing any more. Transfer\r\n"
    "{number} BTC to our wallet until Friday. Whoever is clever does so at once and never hears of us again.\r\n"
)
# The same hand, other words: by itself it is tagged.
VARIANT = LETTER.replace("with care for {number} weeks", "long enough").replace(
    "Whoever is clever does", "Clever people do"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(store_watch, "REFRESH", 0.02)
    monkeypatch.setattr(remember, "PAUSE", 0.02)


def letter(number, text=LETTER):
    return text.format(name=f"Writer {number}", to=recipient(number), number=number + 2).encode()


def recipient(number):
    return f"r{number % CONFIRMING_RECIPIENTS}@example.org"


def campaigns(running):
    with open_store(running.config.store) as store:
        return store.campaigns.find()


async def send(client, number, text=LETTER):
    reply = await client.send(letter(number, text), recipient=f"<{recipient(number)}>")
    assert reply.startswith("250 ")


async def until_known(running, state, mails):
    """The process that judges has learned of the only campaign."""
    for _ in range(200):
        (found,) = await asyncio.to_thread(campaigns, running) or [None]
        if found and (found.state, found.mails) == (state, mails) and running.campaigns.current:
            return found
        await asyncio.sleep(0.05)
    pytest.fail(f"it did not become {state} with {mails} mails")


async def test_a_wave_of_tagged_mail_is_known(start_hop, start_filter, connect):
    hop = await start_hop()
    running = await start_filter(hop, "real", verify_senders=False)
    await asyncio.to_thread(lambda: open_store(running.config.store).close())
    client = await connect(running)
    await client.hello()
    for number in range(CONFIRMING_MAILS):
        await send(client, number)
    found = await until_known(running, "confirmed", CONFIRMING_MAILS)
    assert (found.recipients, found.decided_by) == (CONFIRMING_RECIPIENTS, "campaigns")
    await send(client, 1, VARIANT)
    first, last = hop.messages[0], hop.messages[-1]
    assert b"X-Blackmail-Flag: YES" in first
    assert b"campaign." not in first
    assert b"campaign.letter" in last
    assert score(last) == pytest.approx(score(first) + 2, abs=1)


def score(message):
    return float(message.partition(b"X-Blackmail-Score: ")[2].split()[0])


async def test_a_false_alarm_lets_the_next_one_pass(start_hop, start_filter, connect):
    hop = await start_hop()
    policy = {"quarantine": True, "quarantine_at": 5}
    running = await start_filter(hop, "real", verify_senders=False, policy=policy)
    client = await connect(running)
    await client.hello()
    await send(client, 0)
    assert hop.messages == []
    with open_store(running.config.store) as store:
        (mail,) = store.quarantine.find(Wanted())
        store.campaigns.false_alarm(mail.id, by="admin", now=NOW)
    await until_known(running, "harmless", 1)
    await send(client, 1, VARIANT)
    assert b"X-Blackmail-Flag: NO" in hop.messages[0]


async def test_a_memory_that_fails_costs_no_mail(start_hop, start_filter, connect, caplog, monkeypatch):
    hop = await start_hop()
    running = await start_filter(hop, "real", verify_senders=False)
    folder = running.config.store.file.parent
    folder.mkdir()
    running.config.store.file.write_bytes(b"no database" * 100)
    client = await connect(running)
    await client.hello()
    for number in range(3):
        await send(client, number)
    await hop.until(lambda: any("campaigns are not remembered for now" in line for line in caplog.messages))
    await send(client, 3)
    assert len(hop.messages) == 4
    said = [line for line in caplog.messages if line.startswith("campaigns are not remembered for now: ")]
    assert len(said) == 1
    assert "is no SQLite database" in said[0]


async def test_mail_that_the_mta_keeps_is_learned_from(start_milter, call):
    running = await start_milter("real", verify_senders=False, policy={"quarantine": True, "quarantine_at": 5})
    await asyncio.to_thread(lambda: open_store(running.config.store).close())
    mta = await call(running)
    for number in range(2):
        replies = await mta.mail(letter(number))
        assert b"q" in [kind for kind, _ in replies]
    await asyncio.to_thread(running.service._sights.close)
    (found,) = await asyncio.to_thread(campaigns, running)
    assert (found.mails, found.recipients) == (2, 1)
