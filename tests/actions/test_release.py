"""Release: the original, once, to those who still wait; and what is known when it goes wrong."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from milter.actions.lmtp import LmtpHop
from milter.actions.maildir import MaildirHop
from milter.actions.release import Release, Releaser
from milter.actions.smtp import SmtpHop
from milter.config import Address
from milter.errors import StoreError
from milter.model import Envelope, Verdict

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
RAW = b"Received: x\r\nX-Blackmail-Flag: NO\r\nFrom: a@example.net\r\nSubject: y\r\n\r\n.dot\r\n..dots\r\n\x00last\r\n"
FIELD = b"X-Blackmail-Released: anna; Tue, 24 Nov 2026 12:00:00 +0000\r\n"
TWO = ("b@example.org", "c@example.org")


@pytest.fixture
async def desk(opened, start_hop):
    """A store, a next hop and a releaser between them: `await desk(answers={...})`."""
    hops = []

    async def set_up(patience: float = 5.0, **settings):
        hop = await start_hop(**settings)
        hops.append(SmtpHop(hop.address, helo_name="filter.example", timeout=patience))
        return SimpleNamespace(
            hop=hop,
            quarantine=opened.quarantine,
            audit=opened.audit,
            releaser=Releaser(opened.quarantine, hops[-1], lambda: NOW),
        )

    yield set_up
    for hop in hops:
        await hop.close()


def keep(quarantine, raw: bytes = RAW, sender: str = "a@example.net", recipients=TWO) -> str:
    envelope = Envelope(sender, tuple(recipients))
    return quarantine.keep(raw, envelope, Verdict(action="quarantine", score=12.0), received=NOW)


def copies(quarantine, mail_id: str) -> dict[str, str]:
    """What is known of each copy, in a word or the next hop's."""

    def state(copy) -> str:
        if copy.released_at:
            return f"released by {copy.released_by}"
        return "uncertain" if copy.uncertain else copy.refusal or "waits"

    return {copy.recipient: state(copy) for copy in quarantine.get(mail_id).copies}


async def test_the_original_goes_out_byte_for_byte_below_one_field(desk):
    at = await desk()
    mail_id = keep(at.quarantine)
    assert await at.releaser.release(mail_id, by="anna") == Release(mail_id, TWO)
    assert at.hop.messages == [FIELD + RAW]
    assert at.hop.transactions == [
        f"MAIL FROM:<a@example.net> SIZE={len(RAW)}",
        *(f"RCPT TO:<{recipient}>" for recipient in TWO),
        "DATA",
    ]
    assert at.quarantine.get(mail_id).state == "released"
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "released by anna")


async def test_what_the_mail_needs_is_asked_for(desk):
    at = await desk()
    mail_id = keep(at.quarantine, "Subject: grün\r\n\r\n".encode(), sender="", recipients=["grün@example.org"])
    assert (await at.releaser.release(mail_id, by="anna")).complete
    assert at.hop.transactions[:2] == ["MAIL FROM:<> SIZE=18 BODY=8BITMIME SMTPUTF8", "RCPT TO:<grün@example.org>"]


async def test_what_a_next_hop_does_not_know_is_left_out_or_known_to_be_missing(desk):
    at = await desk(offers=())
    plain, utf8 = keep(at.quarantine, b"Subject: \xff\r\n\r\n"), keep(at.quarantine, recipients=["ü@example.org"])
    assert (await at.releaser.release(plain, by="anna")).complete
    assert at.hop.transactions[0] == "MAIL FROM:<a@example.net>"
    failed = await at.releaser.release(utf8, by="anna")
    assert "SMTPUTF8" in failed.refused["ü@example.org"]
    assert at.quarantine.get(utf8).state == "held"


async def test_who_releases_cannot_forge_a_field(desk):
    at = await desk()
    mail_id = keep(at.quarantine)
    await at.releaser.release(mail_id, by="änna\r\nX-Evil: 1")
    field, _, rest = at.hop.messages[0].partition(b"\r\n")
    assert field.startswith(b"X-Blackmail-Released: =?utf-8?q?=C3=A4nna_X-Evil")
    assert rest.endswith(RAW)
    assert b"\nX-Evil" not in at.hop.messages[0]


async def test_some_recipients_first_the_others_later(desk):
    at = await desk()
    mail_id = keep(at.quarantine)
    assert (await at.releaser.release(mail_id, by="anna", recipients=["C@Example.ORG"])).delivered == TWO[1:]
    assert at.quarantine.get(mail_id).state == "held"
    assert (await at.releaser.release(mail_id, by="ben")).delivered == TWO[:1]
    assert at.quarantine.get(mail_id).state == "released"
    assert copies(at.quarantine, mail_id) == {TWO[0]: "released by ben", TWO[1]: "released by anna"}
    with pytest.raises(StoreError, match="already released"):
        await at.releaser.release(mail_id, by="ben")
    assert len(at.hop.messages) == 2


async def test_a_refused_recipient_keeps_its_copy_and_the_reply(desk):
    at = await desk(answers={"RCPT TO:<c@": "550 5.1.1 nobody"})
    mail_id = keep(at.quarantine)
    done = await at.releaser.release(mail_id, by="anna")
    assert done == Release(mail_id, TWO[:1], {TWO[1]: "550 5.1.1 nobody"})
    assert not done.complete
    assert copies(at.quarantine, mail_id) == {TWO[0]: "released by anna", TWO[1]: "550 5.1.1 nobody"}
    assert at.quarantine.get(mail_id).state == "held"
    at.hop.answers.clear()
    assert (await at.releaser.release(mail_id, by="anna")).delivered == TWO[1:]
    assert at.quarantine.get(mail_id).state == "released"


async def test_recipients_who_are_too_many_at_once_get_the_mail_one_after_the_other(desk):
    at = await desk(answers={"RCPT TO:<b@": "550 5.1.1 nobody"})
    lmtp = LmtpHop(at.hop.address, helo_name="filter.example", timeout=5.0)
    mail_id = keep(at.quarantine, recipients=[*TWO, "d@example.org", "e@example.org"])
    at.hop.answers["LHLO"] = "250 hop.example"
    done = await Releaser(at.quarantine, lmtp, lambda: NOW).release(mail_id, by="anna")
    await lmtp.close()
    assert done == Release(mail_id, ("c@example.org", "d@example.org", "e@example.org"), {TWO[0]: "550 5.1.1 nobody"})
    assert len(at.hop.messages) == 3


async def test_who_is_always_too_many_is_not_asked_for_ever(desk):
    at = await desk(answers={"RCPT TO:<c@": "452 4.5.3 too many"})
    mail_id = keep(at.quarantine)
    done = await at.releaser.release(mail_id, by="anna")
    assert done == Release(mail_id, TWO[:1], {TWO[1]: "452 4.5.3 too many"})
    assert [command for command in at.hop.commands if command.startswith("RCPT")].count("RCPT TO:<c@example.org>") == 2


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
async def test_nobody_is_accepted(desk, command):
    at = await desk(answers={command: "450 4.2.0 later"})
    mail_id = keep(at.quarantine)
    assert (await at.releaser.release(mail_id, by="anna")).refused == dict.fromkeys(TWO, "450 4.2.0 later")
    assert at.hop.messages == []
    assert at.quarantine.get(mail_id).state == "held"


@pytest.mark.parametrize("event", ["DATA", "message"])
@pytest.mark.parametrize("answer", ["450 4.3.0 later", "554 5.7.1 never"])
async def test_a_refused_message_is_held_with_the_reply(desk, event, answer):
    at = await desk(answers={event: answer})
    mail_id = keep(at.quarantine)
    assert (await at.releaser.release(mail_id, by="anna")).refused == dict.fromkeys(TWO, answer)
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, answer)
    assert at.quarantine.get(mail_id).state == "held"
    at.hop.answers.clear()
    assert (await at.releaser.release(mail_id, by="anna")).complete


@pytest.mark.parametrize("answer", ["drop", "hang"])
@pytest.mark.parametrize("event", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_next_hop_that_fails_before_the_end_leaves_the_mail_held(desk, event, answer):
    at = await desk(patience=0.2, answers={event: answer})
    mail_id = keep(at.quarantine)
    done = await at.releaser.release(mail_id, by="anna")
    assert "next hop" in done.note
    assert (done.delivered, done.uncertain) == ((), ())
    mail = at.quarantine.get(mail_id)
    assert (mail.state, mail.note) == ("held", done.note)
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "waits")
    at.hop.answers.clear()
    assert (await at.releaser.release(mail_id, by="anna")).complete
    assert at.hop.messages == [FIELD + RAW]


@pytest.mark.parametrize("answer", ["drop", "hang", "354 what?"])
async def test_an_end_without_an_answer_is_uncertain_and_not_sent_again_by_itself(desk, answer):
    at = await desk(patience=0.2, answers={"message": answer})
    mail_id = keep(at.quarantine)
    done = await at.releaser.release(mail_id, by="anna")
    assert done.uncertain == TWO
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "uncertain")
    assert at.quarantine.get(mail_id).state == "held"
    at.hop.answers.clear()
    at.hop.messages.clear()
    with pytest.raises(StoreError, match="may have arrived"):
        await at.releaser.release(mail_id, by="anna")
    assert at.hop.messages == []
    assert (await at.releaser.release(mail_id, by="ben", again=True)).delivered == TWO
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "released by ben")


async def test_a_refused_copy_is_not_uncertain_beside_one_that_is(desk):
    at = await desk(patience=0.2, answers={"RCPT TO:<c@": "550 no", "message": "drop"})
    mail_id = keep(at.quarantine)
    done = await at.releaser.release(mail_id, by="anna")
    assert (done.uncertain, dict(done.refused)) == (TWO[:1], {TWO[1]: "550 no"})
    assert copies(at.quarantine, mail_id) == {TWO[0]: "uncertain", TWO[1]: "550 no"}


async def test_a_next_hop_that_leaves_before_the_end_is_sent_leaves_nothing_uncertain(desk, monkeypatch):
    at = await desk()
    mail_id = keep(at.quarantine)
    real, loop = at.quarantine.handing_over, asyncio.get_running_loop()

    def slowly(claim, *, now):
        real(claim, now=now)
        asyncio.run_coroutine_threadsafe(at.hop.close(), loop).result(5)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result(5)

    monkeypatch.setattr(at.quarantine, "handing_over", slowly)
    done = await at.releaser.release(mail_id, by="anna")
    assert done.uncertain == ()
    assert "closed the connection" in done.note
    assert at.quarantine.get(mail_id).state == "held"
    assert not any(copy.uncertain for copy in at.quarantine.get(mail_id).copies)


async def test_whoever_loses_the_claim_writes_no_end(desk, monkeypatch):
    at = await desk()
    mail_id = keep(at.quarantine)
    real = at.quarantine.handing_over

    def too_late(claim, *, now):
        at.quarantine.given_back(claim, "somebody thought it was dead", now=now)
        real(claim, now=now)

    monkeypatch.setattr(at.quarantine, "handing_over", too_late)
    with pytest.raises(StoreError, match="took too long"):
        await at.releaser.release(mail_id, by="anna")
    await at.hop.until(lambda: bool(at.hop.unfinished))
    assert at.hop.messages == []
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "waits")


async def test_one_who_is_cancelled_gives_the_mail_back(desk):
    at = await desk(answers={"RCPT": "hang"})
    mail_id = keep(at.quarantine)
    releasing = asyncio.create_task(at.releaser.release(mail_id, by="anna"))
    await at.hop.until(lambda: len(at.hop.transactions) > 1)
    assert at.quarantine.get(mail_id).state == "releasing"
    with pytest.raises(StoreError, match="being released by anna"):
        await at.releaser.release(mail_id, by="ben")
    releasing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await releasing
    assert at.quarantine.get(mail_id).state == "held"
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "waits")


async def test_one_who_is_cancelled_after_the_end_leaves_it_uncertain(desk):
    at = await desk(answers={"message": "hang"})
    mail_id = keep(at.quarantine)
    releasing = asyncio.create_task(at.releaser.release(mail_id, by="anna"))
    await at.hop.message_seen.wait()
    releasing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await releasing
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "uncertain")


async def test_a_store_that_fails_when_all_is_done_says_so(desk, monkeypatch):
    at = await desk()
    mail_id = keep(at.quarantine)

    def failing(*_, **__):
        raise StoreError("the disk is full")

    monkeypatch.setattr(at.quarantine, "delivered", failing)
    with pytest.raises(StoreError, match=r"was released, but that could not be recorded: the disk is full"):
        await at.releaser.release(mail_id, by="anna")
    assert len(at.hop.messages) == 1
    assert copies(at.quarantine, mail_id) == dict.fromkeys(TWO, "uncertain")


async def test_ten_who_press_at_once_send_one_mail(desk):
    at = await desk()
    mail_id = keep(at.quarantine)
    presses = [at.releaser.release(mail_id, by=f"user{number}") for number in range(10)]
    done = await asyncio.gather(*presses, return_exceptions=True)
    assert len([one for one in done if isinstance(one, Release)]) == 1
    assert all(isinstance(one, Release | StoreError) for one in done)
    assert at.hop.messages[0].endswith(RAW)
    assert len(at.hop.messages) == 1


async def test_many_mails_share_connections(desk):
    at = await desk()
    ids = [keep(at.quarantine) for _ in range(5)]
    for mail_id in ids:
        assert (await at.releaser.release(mail_id, by="anna")).complete
    assert at.hop.connections == 1


async def test_into_a_maildir(opened, tmp_path):
    releaser = Releaser(opened.quarantine, MaildirHop(tmp_path / "box"), lambda: NOW)
    mail_id = keep(opened.quarantine)
    assert (await releaser.release(mail_id, by="anna")).complete
    (path,) = (tmp_path / "box" / "new").iterdir()
    assert path.read_bytes() == b"Return-Path: <a@example.net>\r\n" + FIELD + RAW


async def test_a_full_disk_of_a_maildir_leaves_the_mail_held(opened, tmp_path):
    (tmp_path / "box").write_text("a file in the way")
    releaser = Releaser(opened.quarantine, MaildirHop(tmp_path / "box"), lambda: NOW)
    mail_id = keep(opened.quarantine)
    done = await releaser.release(mail_id, by="anna")
    assert (done.delivered, done.uncertain) == ((), ())
    assert "box" in done.note
    assert not any(copy.uncertain for copy in opened.quarantine.get(mail_id).copies)


async def test_nobody_listens(opened):
    hop = SmtpHop(Address(host="127.0.0.1", port=1), helo_name="filter.example", timeout=1.0)
    mail_id = keep(opened.quarantine)
    done = await Releaser(opened.quarantine, hop, lambda: NOW).release(mail_id, by="anna")
    assert "127.0.0.1:1" in done.note
    assert opened.quarantine.get(mail_id).state == "held"
