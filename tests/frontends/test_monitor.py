"""Monitor mode: everything is judged and logged, and every mail goes on as it came."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import pytest

from milter.actions import remember
from milter.model import RuleMatch, Verdict
from milter.store.opened import open_store

MAIL = b"From: a@example.com\r\nSubject: pay\r\n\r\nPay me\r\n"
FORGED = b"X-Blackmail-Flag: NO\r\nAuthentication-Results: filter.example; dkim=pass\r\n"
ALL = {"quarantine": True, "notice": "add", "subject_tag": True, "defang": True}
LETTER = (
    b"Subject: your site\r\n\r\nGood day. Our group looked at your web site. We will leak the data of your\r\n"
    b"customers to the press and to everybody who cares, and your name will be worth nothing any more. Transfer\r\n"
    b"3 BTC to our wallet until Friday. Whoever is clever does so at once and never hears of us again.\r\n"
)
VERDICTS = ["accept", "tag", "quarantine", "reject"]


@pytest.fixture
def start(start_filter):
    """Start a filter in monitor mode, with a policy that would do everything."""

    def started(hop, judge, **settings):
        return start_filter(hop, judge, **{"mode": "monitor", "policy": ALL} | settings)

    return started


@pytest.fixture
def logged(caplog):
    """What the one line of a mail in the log says under these names."""
    caplog.set_level(logging.INFO)

    def read(*names):
        found = [dict(re.findall(r'(\w+)=("[^"]*"|\S*)', record.getMessage())) for record in caplog.records]
        (line,) = [values for values in found if "action" in values]
        return tuple(line.get(name) for name in names)

    return read


async def sent(connect, running, mail=MAIL):
    """The reply to a mail by LMTP, where the filter takes mail in by that, or by SMTP."""
    client = await connect(running.lmtp or running)
    await client.reply()
    await client.ask(f"{'LHLO' if running.lmtp else 'EHLO'} client.example")
    return await client.send(mail)


by_both = pytest.mark.parametrize("by", [{}, {"lmtp": "127.0.0.1:0"}], ids=["smtp", "lmtp"])


def without_received(message):
    """A message below the only field that every hop adds."""
    return re.sub(rb"\AReceived: .*?\r\n(?![ \t])", b"", message, flags=re.DOTALL)


@by_both
@pytest.mark.parametrize("action", VERDICTS)
async def test_everything_is_passed_on_with_fields(by, action, start_hop, start, connect, logged, sextortion):
    hop = await start_hop()
    running = await start(hop, replace(sextortion, action=action), **by)
    assert await sent(connect, running, FORGED + MAIL) == "250 2.0.0 Ok: queued as HOP1"
    assert hop.messages[0].endswith(b"\r\nX-Blackmail-Status: checked\r\n" + MAIL)
    flag = b"NO" if action == "accept" else b"YES"
    assert re.findall(rb"^X-Blackmail-Flag: (\w+)", hop.messages[0], re.MULTILINE) == [flag]
    assert re.findall(rb"^Authentication-Results: (.*)\r\n", hop.messages[0], re.MULTILINE) == [b"filter.example; none"]
    assert logged("action", "would", "score", "kind") == ("accept", action, "11.5", "sextortion")
    assert not running.config.store.exists


@by_both
@pytest.mark.parametrize("action", VERDICTS)
async def test_nothing_is_added_where_no_fields_are_wanted(by, action, start_hop, start, connect, logged, sextortion):
    hop = await start_hop()
    running = await start(hop, replace(sextortion, action=action), monitor_headers=False, **by)
    assert (await sent(connect, running, FORGED + MAIL)).startswith("250 ")
    assert without_received(hop.messages[0]) == MAIL
    assert logged("action", "would") == ("accept", action)


@pytest.mark.parametrize("on_error", ["accept", "tempfail"])
@pytest.mark.parametrize("fields", [True, False])
@by_both
async def test_a_fault_of_ours_defers_nothing(by, on_error, fields, start_hop, start, connect, logged):
    hop = await start_hop()
    running = await start(hop, ValueError("broken"), on_error=on_error, monitor_headers=fields, **by)
    assert (await sent(connect, running)).startswith("250 ")
    assert without_received(hop.messages[0]) == (b"X-Blackmail-Status: unchecked\r\n" if fields else b"") + MAIL
    assert logged("action", "would") == ("unchecked", "defer" if on_error == "tempfail" else "unchecked")


async def test_the_next_hop_still_has_its_say(start_hop, start, connect, logged, sextortion):
    hop = await start_hop(answers={"message": "550 5.2.2 Mailbox full"})
    assert await sent(connect, await start(hop, sextortion)) == "550 5.2.2 Mailbox full"
    assert logged("reply", "would") == ('"550 5.2.2 Mailbox full"', "tag")


async def test_nobody_waits_since_another_has_another_policy(start_hop, start, connect, sextortion):
    hop = await start_hop()
    running = await start(hop, sextortion, policies={"anna@example.org": {"quarantine": False}})
    client = await connect(running)
    await client.hello()
    await client.ask("MAIL FROM:<a@example.com>")
    for recipient in ("anna", "paul"):
        assert (await client.ask(f"RCPT TO:<{recipient}@example.org>")).startswith("250 ")


async def test_a_personal_case_is_neither_kept_nor_told_of(start_hop, start, connect, logged):
    hop = await start_hop()
    digest = {"from_address": "filter@example.org", "notice_at_once": True}
    personal = Verdict("quarantine", 12.0, "sextortion", personal=True)
    running = await start(hop, personal, policy=ALL | {"personal_case": "notify"}, digest=digest)
    assert (await sent(connect, running)).startswith("250 ")
    assert hop.messages[0].endswith(MAIL)
    assert logged("would") == ("quarantine",)
    assert not running.config.store.exists


@pytest.mark.parametrize("mode", ["filter", "monitor"])
async def test_no_campaign_is_learned(mode, start_hop, start, connect, monkeypatch):
    monkeypatch.setattr(remember, "PAUSE", 0.0)
    wanted = (
        RuleMatch("threat.leak_data", "threat", 5.0, "text", ""),
        RuleMatch("demand.pay", "demand", 5.0, "text", ""),
    )
    running = await start(await start_hop(), Verdict("tag", 10.0, "data-leak", reasons=wanted), mode=mode, policy={})
    with open_store(running.config.store):
        assert (await sent(connect, running, LETTER)).startswith("250 ")
        await running.service.stop(5.0)
    with open_store(running.config.store) as store:
        assert len(store.campaigns.find()) == (mode == "filter")


# The milter.
@pytest.mark.parametrize("action", VERDICTS)
async def test_milter_only_adds_fields(action, start_milter, call, logged, sextortion):
    running = await start_milter(replace(sextortion, action=action), mode="monitor", policy=ALL)
    mta = await call(running)
    replies = await mta.mail(FORGED + MAIL)
    edited = mta.edited(FORGED + MAIL, replies)
    assert edited.endswith(b"\r\nX-Blackmail-Status: checked\r\n" + MAIL)
    assert edited.count(b"X-Blackmail-Flag:") == edited.count(b"Authentication-Results:") == 1
    # Nothing but header fields added and changed, and in the end: go on.
    assert {letter for letter, _ in replies[:-1]} == {b"i", b"m"}
    assert replies[-1][0] == b"c"
    assert logged("action", "would") == ("accept", action)
    assert not running.config.store.exists


@pytest.mark.parametrize("action", VERDICTS)
async def test_milter_adds_nothing_where_no_fields_are_wanted(action, start_milter, call, logged, sextortion):
    judge = replace(sextortion, action=action)
    mta = await call(await start_milter(judge, mode="monitor", policy=ALL, monitor_headers=False))
    assert mta.edited(FORGED + MAIL, await mta.mail(FORGED + MAIL)) == MAIL
    assert await mta.mail(MAIL) == [(b"c", b"")]


async def test_milter_defers_nothing_after_a_fault(start_milter, call, logged):
    mta = await call(await start_milter(ValueError("broken"), mode="monitor", on_error="tempfail"))
    replies = await mta.mail(MAIL)
    assert mta.edited(MAIL, replies) == b"X-Blackmail-Status: unchecked\r\n" + MAIL
    assert replies[-1] == (b"c", b"")
    assert logged("action", "would") == ("unchecked", "defer")


async def test_milter_asks_for_no_reply_to_recipients(start_milter, call):
    policies = {"anna@example.org": {"quarantine": True}}
    for mode, silent in (("filter", False), ("monitor", True)):
        mta = await call(await start_milter(mode=mode, policies=policies))
        assert bool(mta.steps & 0x8000) is silent
