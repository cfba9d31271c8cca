"""LMTP in: each recipient's fate is his own, and each reply is true."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import threading
from collections import Counter

import pytest
from conftest import DROP, LOOPBACK, NOW, FakeHop
from stored_mails import B

from milter.digest.opened import open_office
from milter.frontends import lmtp
from milter.frontends.sockets import address_of
from milter.model import Envelope, Verdict
from milter.store.opened import open_store
from milter.store.quarantine import Quarantine
from milter.store.records import Filter

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
LETTER = (
    b"From: Eve <eve@example.net>\r\nSubject: About you\r\n\r\n"
    b"I hacked your computer and recorded you through your webcam. I will send the video to all your contacts.\r\n"
    b"Pay me 900 dollars in bitcoin within 48 hours to my wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\r\n"
)
POLICIES = {"anna@example.org": {"quarantine": True}, "paul@example.org": {"tag_at": 4}}
ANNA, PAUL, C, D = (f"{name}@example.org" for name in ("anna", "paul", "c", "d"))
QUARANTINE = Verdict(action="quarantine", score=12.0, kind="bomb")


@pytest.fixture
def lmtp_client(start_filter, connect):
    """A filter that takes mail in by LMTP, and a client that has said LHLO: `await lmtp_client(hop, judge, ...)`."""

    async def start(hop=None, judge=None, **settings):
        running = await start_filter(hop, judge, **{"lmtp": "127.0.0.1:0"} | settings)
        return running, await greeted(connect, running)

    return start


async def greeted(connect, running):
    client = await connect(running.lmtp)
    await client.reply()
    assert (await client.ask("LHLO client.example")).startswith("250-")
    return client


async def open_data(client, *recipients, sender="<a@example.net>") -> dict[str, str]:
    """MAIL, RCPT and DATA; replies to those who were refused."""
    await client.ask(f"MAIL FROM:{sender}")
    replies = {recipient: await client.ask(f"RCPT TO:<{recipient}>") for recipient in recipients}
    refused = {recipient: reply for recipient, reply in replies.items() if not reply.startswith("250")}
    if len(refused) < len(recipients):
        assert (await client.ask("DATA")).startswith("354")
    return refused


async def send(client, *recipients, message=MAIL, sender="<a@example.net>") -> dict[str, str]:
    """A whole mail; the last reply for each recipient."""
    replies = await open_data(client, *recipients, sender=sender)
    accepted = [recipient for recipient in recipients if recipient not in replies]
    if accepted:
        client.writer.write(message + b".\r\n")
    else:
        await client.ask("RSET")
    return replies | {recipient: await client.reply() for recipient in accepted}


def kept(running):
    """The recipients of each mail in the quarantine."""
    if not running.config.store.exists:
        return []
    with open_store(running.config.store) as store:
        return sorted(mail.envelope.rcpt_to for mail in store.quarantine.find(Filter(), limit=100))


def for_anna(verdict: Verdict, otherwise: Verdict | None = None):
    """An inspector that has a verdict of its own on Anna's mail."""

    async def inspector(raw, envelope):
        return verdict if ANNA in envelope.rcpt_to else otherwise or Verdict()

    return inspector


class RecordingHop(FakeHop):
    """Knows which message went to whom."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.deliveries: list[tuple[str, bytes]] = []
        self._open: dict[asyncio.StreamWriter, list[str]] = {}

    async def _obey(self, command, reader, writer) -> None:
        count = len(self.messages)
        if command.startswith(("MAIL", "RSET")):
            self._open[writer] = []
        said = await self._obeyed(command, reader, writer)
        if command.startswith("RCPT") and said.startswith("250"):
            self._open[writer].append(command[9:-1])
        if len(self.messages) > count:
            self.deliveries += [(recipient, self.messages[-1]) for recipient in self._open[writer]]

    async def _obeyed(self, command, reader, writer) -> str:
        replies: list[str] = []
        say = self._say

        async def remember(to, answer) -> None:
            replies.append(answer)
            await say(to, answer)

        self._say = remember
        try:
            await super()._obey(command, reader, writer)
        finally:
            self._say = say
        return replies[0]


async def test_one_is_quarantined_another_tagged_with_one_real_letter(start_hop, lmtp_client):
    hop = await start_hop()
    running, client = await lmtp_client(hop, "real", policies=POLICIES, verify_senders=False)
    replies = await send(client, ANNA, C, message=LETTER)
    assert replies[ANNA].startswith("250 2.0.0 Ok: queued as ")
    assert replies[C] == "250 2.0.0 Ok: queued as HOP1"
    assert kept(running) == [(ANNA,)]
    (delivered,) = hop.messages
    assert b"\r\nX-Blackmail-Flag: YES\r\n" in delivered
    assert delivered.endswith(LETTER)
    assert b"with LMTP id\r\n" in delivered
    assert b" for <c@example.org>;" in delivered


async def test_each_policy_is_inspected_once_with_its_own_recipients(start_hop, lmtp_client):
    seen = []

    async def inspector(raw, envelope):
        seen.append(envelope)
        return Verdict()

    _, client = await lmtp_client(await start_hop(), inspector, policies=POLICIES)
    await client.ask("XFORWARD ADDR=192.0.2.9 IDENT=4XYZ")
    await send(client, C, ANNA, D, PAUL)
    assert [envelope.rcpt_to for envelope in seen] == [(C, D), (ANNA,), (PAUL,)]
    assert {(envelope.queue_id, envelope.client_addr) for envelope in seen} == {("4XYZ", "192.0.2.9")}


async def test_a_recipient_who_is_named_twice_has_two_replies(start_hop, lmtp_client):
    _, client = await lmtp_client(await start_hop())
    await open_data(client, C, C)
    client.writer.write(MAIL + b".\r\n")
    assert [await client.reply(), await client.reply()] == ["250 2.0.0 Ok: queued as HOP1"] * 2
    assert (await client.ask("NOOP")).startswith("250 ")


@pytest.mark.parametrize("fault", [DROP, "451 4.3.0 later", "554 5.6.0 no", "421 4.3.2 restarting"])
@pytest.mark.parametrize("first", [True, False])
async def test_a_next_hop_that_fails_for_one_share(start_hop, lmtp_client, fault, first):
    fine = "250 2.0.0 Ok: queued as HOP1"
    hop = await start_hop(answers={"message": [fault, fine] if first else [fine, fault]})
    _, client = await lmtp_client(hop, policies=POLICIES)
    replies = await send(client, C, ANNA, D)
    expected = {DROP: "451 4.3.0 ", "421 4.3.2 restarting": "451 4.3.2 "}.get(fault, fault)
    failed, delivered = ((C, D), (ANNA,)) if first else ((ANNA,), (C, D))
    assert all(replies[one].startswith(expected) for one in failed)
    assert all(replies[one] == fine for one in delivered)
    assert (await client.ask("NOOP")).startswith("250 ")


async def test_a_next_hop_that_takes_few_at_once(start_hop, lmtp_client):
    """It is our business to ask it again, and not our client's."""
    full = "452 4.5.3 Too many recipients"
    ok = "250 Ok"
    answers = {"RCPT": [ok, ok, full, ok, ok, full, ok, ok, full, ok, ok, full, ok]}
    hop = await start_hop(answers=answers)
    _, client = await lmtp_client(hop)
    many = [f"r{number}@example.org" for number in range(5)]
    replies = await send(client, *many)
    assert all(reply.startswith("250 ") for reply in replies.values())
    assert len(hop.messages) == 3


async def test_a_refusal_that_comes_with_the_second_offer_is_that_recipients(start_hop, lmtp_client):
    answers = {"RCPT TO:<c@": ["250 Ok", "550 5.2.1 Mailbox disabled"], "RCPT TO:<anna@": ["250 Ok", "250 Ok"]}
    hop = await start_hop(answers=answers)
    _, client = await lmtp_client(hop, policies=POLICIES)
    replies = await send(client, C, ANNA, D)
    assert replies[C] == "550 5.2.1 Mailbox disabled"
    assert [replies[one] for one in (ANNA, D)] == ["250 2.0.0 Ok: queued as HOP1"] * 2


async def test_a_connection_that_breaks_between_recipients_costs_none_of_the_others(start_hop, lmtp_client):
    hop = await start_hop(answers={"RCPT TO:<c@": DROP})
    _, client = await lmtp_client(hop)
    replies = await send(client, B, C, D)
    assert replies[C].startswith("451 4.3.0 ")
    assert [replies[one] for one in (B, D)] == ["250 2.0.0 Ok: queued as HOP1"] * 2
    assert len(hop.messages) == 1


async def test_a_quarantine_that_cannot_be_written_defers_its_own_share(start_hop, lmtp_client, tmp_path):
    (tmp_path / "quarantine").write_text("in the way")
    hop = await start_hop()
    _, client = await lmtp_client(hop, for_anna(QUARANTINE), policies=POLICIES)
    replies = await send(client, ANNA, C)
    assert replies[ANNA].startswith("451 4.3.0 ")
    assert replies[C].startswith("250 ")
    assert len(hop.messages) == 1


async def test_a_quarantined_share_leaves_the_open_transaction_to_the_next(start_hop, lmtp_client):
    hop = await start_hop()
    _, client = await lmtp_client(hop, for_anna(QUARANTINE), policies=POLICIES)
    await send(client, ANNA, C)
    asked = [f"MAIL FROM:<a@example.net>|RCPT TO:<{one}>|{end}" for one, end in ((ANNA, "RSET"), (C, "DATA"))]
    assert "|".join(hop.transactions) == "|".join(asked)


async def test_rejected_and_unchecked_side_by_side(start_hop, lmtp_client):
    async def inspector(raw, envelope):
        if ANNA in envelope.rcpt_to:
            return Verdict(action="reject")
        raise ValueError("secret detail")

    hop = await start_hop()
    _, client = await lmtp_client(hop, inspector, policies=POLICIES)
    replies = await send(client, ANNA, C)
    assert replies[ANNA].startswith("550 5.7.1 ")
    assert replies[C].startswith("250 ")
    assert b"X-Blackmail-Status: unchecked\r\n" in hop.messages[0]


async def test_a_mail_that_comes_again_is_quarantined_once(start_hop, lmtp_client):
    running, client = await lmtp_client(await start_hop(), for_anna(QUARANTINE), policies=POLICIES)
    for _ in range(2):
        await client.ask("XFORWARD IDENT=4XYZ")
        assert all(reply.startswith("250 ") for reply in (await send(client, C, ANNA)).values())
    assert kept(running) == [(ANNA,)]


async def test_a_maildir_as_next_hop(lmtp_client, tmp_path):
    _, client = await lmtp_client(policies=POLICIES)
    replies = await send(client, C, ANNA)
    assert all(reply.startswith("250 2.0.0 Ok: stored as ") for reply in replies.values())
    assert len([*(tmp_path / "mail" / "new").iterdir()]) == 2


async def test_a_unix_socket(start_hop, lmtp_client, tmp_path):
    hop = await start_hop()
    _, client = await lmtp_client(hop, lmtp=f"unix:{tmp_path}/lmtp")
    assert (await send(client, C))[C] == "250 2.0.0 Ok: queued as HOP1"


async def test_under_tls_that_is_required(start_hop, lmtp_client, authority):
    made = authority.certify("filter.example")
    hop = await start_hop()
    tls = {"certificate": made.certificate, "key": made.key, "required": True}
    _, client = await lmtp_client(hop, tls=tls)
    assert (await client.ask("MAIL FROM:<a@example.net>")).startswith("530 5.7.0 ")
    assert (await client.start_tls(ssl.create_default_context(cafile=authority.ca_file))).startswith("220 ")
    assert (await client.ask("LHLO client.example")).startswith("250-")
    assert (await send(client, C))[C] == "250 2.0.0 Ok: queued as HOP1"
    assert b"with LMTPS id\r\n" in hop.messages[0]


async def test_lmtp_alone(start_hop, lmtp_client):
    hop = await start_hop()
    _, client = await lmtp_client(hop, listen=None)
    assert (await send(client, C))[C] == "250 2.0.0 Ok: queued as HOP1"


async def test_a_command_by_mail_beside_others(start_hop, lmtp_client):
    hop = await start_hop()
    address = "commands@example.org"
    running, client = await lmtp_client(hop, digest={"command_address": address})
    office = open_office(running.config, NOW)
    with office.store as store:
        mail_id = store.quarantine.keep(MAIL, Envelope("eve@example.net", (B,)), QUARANTINE, received=NOW)
        token = office.desk.token("release", store.quarantine.get(mail_id), B)
    message = f"From: {B}\r\nTo: {address}, {C}\r\nSubject: release {token}\r\n\r\n\r\n".encode()
    replies = await send(client, address, C, message=message, sender=f"<{B}>")
    assert replies == {address: "250 2.0.0 Ok: done", C: "250 2.0.0 Ok: queued as HOP1"}
    released, answer, relayed = hop.messages
    assert released.endswith(MAIL)
    assert b"Auto-Submitted: auto-generated" in answer
    assert relayed.endswith(message)
    assert f"RCPT TO:<{address}>" not in hop.commands


# A client that goes away in the middle.
async def test_a_client_gone_during_inspection_takes_all_back(start_hop, lmtp_client):
    inspecting = asyncio.Event()

    async def inspector(raw, envelope):
        inspecting.set()
        await asyncio.sleep(3600)

    hop = await start_hop()
    running, client = await lmtp_client(hop, inspector, policies=POLICIES)
    await open_data(client, C, ANNA)
    client.writer.write(MAIL + b".\r\n")
    await inspecting.wait()
    client.break_off()
    await running.service.empty()
    assert hop.messages == []
    await hop.until(lambda: hop.commands[-1] == "RSET")
    assert hop.commands[-1] == "RSET"


async def test_a_client_gone_between_two_shares_leaves_the_second_alone(start_hop, lmtp_client):
    hop = await start_hop()

    async def inspector(raw, envelope):
        if ANNA in envelope.rcpt_to:
            client.break_off()
            await asyncio.sleep(3600)
        return Verdict()

    running, client = await lmtp_client(hop, inspector, policies=POLICIES)
    await open_data(client, C, ANNA)
    client.writer.write(MAIL + b".\r\n")
    await hop.message_seen.wait()
    await running.service.empty()
    assert len(hop.messages) == 1
    assert b" for <c@example.org>;" in hop.messages[0]


async def test_a_client_gone_after_the_end_of_a_share_does_not_cut_it_off(start_hop, lmtp_client, caplog):
    caplog.set_level(logging.INFO)
    hop = await start_hop(answers={"message": "slow 250 2.0.0 Ok: queued as HOP1"})
    running, client = await lmtp_client(hop, policies=POLICIES)
    await open_data(client, C, ANNA)
    client.writer.write(MAIL + b".\r\n")
    await hop.message_seen.wait()
    client.break_off()
    await running.service.empty()
    assert hop.transactions.count("DATA") == 1
    assert caplog.text.count('reply="250 2.0.0 Ok: queued as HOP1"') == 1


async def test_a_client_gone_during_the_first_of_several_transactions_of_a_share(start_hop, lmtp_client, caplog):
    """An LMTP next hop takes one recipient at a time: those who have not got it yet are tried again by the client."""
    caplog.set_level(logging.INFO)
    hop = await start_hop(answers={"message": "slow 250 2.0.0 Saved"})
    running, client = await lmtp_client(hop, next_hop=f"lmtp://{hop.address}")
    await open_data(client, B, C, D)
    client.writer.write(MAIL + b".\r\n")
    await hop.message_seen.wait()
    client.break_off()
    await running.service.empty()
    assert hop.transactions.count("DATA") == 1
    assert 'reply="250 2.0.0 Saved ' in caplog.text


async def test_no_share_is_begun_when_the_client_may_wait_no_longer(start_hop, lmtp_client, monkeypatch):
    monkeypatch.setattr(lmtp, "PATIENCE", 0.2)

    async def inspector(raw, envelope):
        await asyncio.sleep(0.3)
        return QUARANTINE

    running, client = await lmtp_client(await start_hop(), inspector, policies=POLICIES)
    replies = await send(client, C, ANNA)
    assert replies[C].startswith("250 ")
    assert replies[ANNA].startswith("451 4.3.0 ")
    assert kept(running) == [(C,)]


async def test_a_mail_costs_one_connection(start_hop, lmtp_client):
    hop = await start_hop()
    many = {f"r{number}@example.org": {"tag_at": 5 - number / 10} for number in range(20)}
    _, client = await lmtp_client(hop, policies=many)
    replies = await send(client, *many)
    assert all(reply.startswith("250 ") for reply in replies.values())
    assert len(hop.messages) == 20
    assert hop.connections == 1


@pytest.mark.parametrize("way", ["smtp", "lmtp"])
async def test_nothing_is_lost_or_doubled_by_a_next_hop_that_refuses_at_random(
    lmtp_client, recording_hop, monkeypatch, way
):
    """A client that sends again to those, and only those, who were refused for now."""
    chance = random.Random(20261125)
    hop = recording_hop

    def moody(event, default):
        may_fail = event.startswith(("MAIL", "RCPT", "DATA", "message"))
        return "451 4.3.0 later" if may_fail and chance.random() < 0.2 else default

    monkeypatch.setattr(hop, "_answer", moody)
    running, client = await lmtp_client(hop, for_anna(QUARANTINE), policies=POLICIES, next_hop=f"{way}://{hop.address}")
    everybody = [ANNA, PAUL, B, C, D]
    for number in range(40):
        message = b"Subject: %d\r\n" % number + MAIL
        waiting = everybody
        while waiting:
            replies = await send(client, *waiting, message=message)
            assert {reply[:3] for reply in replies.values()} <= {"250", "451"}
            waiting = [one for one in waiting if replies[one].startswith("451")]
    expected = {(one, number): 1 for one in everybody if one != ANNA for number in range(40)}
    assert Counter((one, number_of(message)) for one, message in hop.deliveries) == expected
    assert kept(running) == [(ANNA,)] * 40


def number_of(message: bytes) -> int:
    return int(message.split(b"\r\nSubject: ", 1)[1].split(b"\r\n", 1)[0])


@pytest.fixture
async def recording_hop():
    hop = RecordingHop()
    async with await asyncio.start_server(hop.serve, LOOPBACK, 0) as server:
        hop.address = address_of(server.sockets[0])
        yield hop
        await hop.close()


async def test_a_slow_quarantine_is_finished_though_the_client_is_gone(start_hop, lmtp_client, monkeypatch):
    writing, go_on = threading.Event(), threading.Event()
    write = Quarantine.keep

    def slow_write(*arguments, **options):
        writing.set()
        assert go_on.wait(20)
        return write(*arguments, **options)

    monkeypatch.setattr(Quarantine, "keep", slow_write)
    hop = await start_hop()
    running, client = await lmtp_client(hop, for_anna(QUARANTINE), policies=POLICIES)
    await open_data(client, ANNA, C)
    client.writer.write(MAIL + b".\r\n")
    await hop.until(writing.is_set)
    client.break_off()
    await asyncio.sleep(0.1)
    go_on.set()
    await running.service.empty()
    assert kept(running) == [(ANNA,)]
    assert hop.messages == []


async def test_a_next_hop_that_went_away_is_asked_once_for_each_recipient(start_hop, lmtp_client):
    hop = await start_hop()

    async def inspector(raw, envelope):
        hop.answers["connect"] = DROP
        await hop.close()
        return Verdict()

    _, client = await lmtp_client(hop, inspector, policies=POLICIES)
    await open_data(client, C, ANNA, D)
    before = hop.connections
    client.writer.write(MAIL + b".\r\n")
    async with asyncio.timeout(10):
        assert [(await client.reply())[:3] for _ in range(3)] == ["451"] * 3
    assert hop.connections - before <= 3


async def test_a_share_whose_recipients_are_all_refused_leaves_no_transaction_open(start_hop, lmtp_client):
    hop = await start_hop(answers={f"RCPT TO:<{C}": "550 5.1.1 Nobody"})
    _, client = await lmtp_client(hop, QUARANTINE, policies=POLICIES)
    for _ in range(3):
        replies = await send(client, ANNA, C)
        assert replies[ANNA].startswith("250 ")
    assert hop.connections == 1
    assert hop.messages == []
