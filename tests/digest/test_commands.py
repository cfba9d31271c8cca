"""Commands by mail: carried out once, for their recipient, and answered only to those who may have written."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from conftest import judging
from stored_mails import NOW, RAW, B, C

from milter.digest.commands import Commands
from milter.model import Authentication, Envelope, Verdict

COMMANDS = "commands@example.org"
DAY = timedelta(days=1)
REAL = Verdict(auth=Authentication(spf="pass"))
FORGED = Verdict(auth=Authentication(spf="fail"))


def letter(subject: str, sender: str = B, body: str = "", fields: str = "") -> bytes:
    return f"From: {sender}\r\nTo: {COMMANDS}\r\nSubject: {subject}\r\n{fields}\r\n{body}\r\n".encode()


@pytest.fixture
def take():
    async def send(at, subject, sender=B, *, verdict=FORGED, now=NOW, envelope=None, **parts):
        commands = Commands(at.config, at.smtp, judging(verdict), lambda: now)
        envelope = envelope or Envelope(sender, (COMMANDS,), "192.0.2.9")
        return await commands.take(letter(subject, sender, **parts), envelope)

    return send


def text(parts, mail) -> str:
    return parts(mail).text.splitlines()[0]


async def test_a_release_goes_out_and_is_confirmed(scene, parts, take):
    at = await scene(policy={"language": "en"})
    mail_id = at.keep(B, C)
    assert (await take(at, f"release {at.token('release', mail_id)}")).accepted
    released, answer = at.hop.messages
    assert released.endswith(RAW)
    assert released.startswith(f"X-Blackmail-Released: {B}; ".encode())
    assert at.sent[1]["To"] == B
    assert text(parts, at.sent[1]) == "The mail is on its way to you."
    assert answer.startswith(b"X-Blackmail-Digest: ")
    assert [copy.recipient for copy in at.office.store.quarantine.get(mail_id).copies if copy.released_at] == [B]


async def test_twice_pressed_sends_once(scene, parts, take):
    at = await scene(policy={"language": "en"})
    mail_id = at.keep(B, C)
    subject = f"Re: release {at.token('release', mail_id)}"
    await asyncio.gather(take(at, subject), take(at, subject))
    await take(at, subject)
    assert sum(raw.endswith(RAW) for raw in at.hop.messages) == 1
    assert text(parts, at.sent[-1]) == "This mail was delivered to you before."


@pytest.mark.parametrize("purpose", ["request", "release"])
async def test_who_may_only_ask_asks(scene, parts, take, purpose):
    at = await scene(policy={"self_release": "ask", "language": "en"})
    mail_id = at.keep()
    await take(at, at.token(purpose, mail_id))
    (answer,) = at.sent
    assert text(parts, answer) == "Your request was noted. An administrator will decide."
    assert at.office.store.quarantine.get(mail_id).copies[0].requested_at == NOW


async def test_a_false_alarm_is_noted_once(scene, take):
    at = await scene()
    mail_id = at.keep()
    for _ in range(2):
        await take(at, "false-alarm", body=f"Please:\r\n{at.token('false-alarm', mail_id)}\r\n")
    assert len(at.office.store.audit.entries(action="false-alarm")) == 1
    assert at.office.store.quarantine.get(mail_id).state == "held"


@pytest.mark.parametrize(
    "fields", ["Auto-Submitted: auto-replied\r\n", "Precedence: bulk\r\n", "List-Id: <x.example.org>\r\n"]
)
async def test_programs_command_nothing(scene, take, fields):
    at = await scene()
    mail_id = at.keep()
    assert (await take(at, at.token("release", mail_id), fields=fields, verdict=REAL)).accepted
    assert (await take(at, at.token("release", mail_id), "", verdict=REAL)).accepted
    assert at.sent == []


async def test_a_digest_that_is_quoted_whole_releases_nothing(scene, parts, take):
    at = await scene(policy={"language": "en"})
    ids = [at.keep(), at.keep(C, B)]
    body = "\r\n".join([at.token("release", ids[0]), at.token("release", ids[1], 1)])
    await take(at, "Re: 2 mails were kept back", body=body, verdict=REAL)
    assert text(parts, at.sent[0]).startswith("This command is not valid.")
    assert len(at.sent) == 1


async def test_a_command_from_elsewhere_is_told_to_the_recipient(scene, parts, take):
    at = await scene(policy={"language": "en"})
    await take(at, at.token("release", at.keep()), C, verdict=REAL)
    (answer,) = at.sent
    assert answer["To"] == B
    assert text(parts, answer).startswith("Please send the command from the address")


async def test_an_address_with_a_detail_is_its_owner(scene, take):
    at = await scene()
    await take(at, at.token("release", at.keep()), "B+phone@example.org")
    assert at.hop.messages[0].endswith(RAW)


async def test_an_expired_command_says_so(scene, parts, take):
    at = await scene(policy={"language": "en"})
    token = at.token("release", at.keep())
    await take(at, token, now=NOW + 15 * DAY, verdict=REAL)
    assert text(parts, at.sent[0]).startswith("The time of this command is over.")
    assert len(at.sent) == 1


async def test_an_invalid_command_is_answered_once_a_day(scene, take):
    at = await scene()
    at.keep()
    for now in (NOW, NOW, NOW + DAY):
        await take(at, "please release my mail", verdict=REAL, now=now)
    assert [mail["To"] for mail in at.sent] == [B, B]


@pytest.mark.parametrize(
    ("verdict", "envelope", "answered"),
    [
        (FORGED, Envelope("victim@example.net", (COMMANDS,), "192.0.2.9"), False),
        (Verdict(), Envelope("victim@example.net", (COMMANDS,)), False),
        (FORGED, Envelope("victim@example.net", (COMMANDS,), "192.0.2.9", authenticated=True), True),
        (FORGED, Envelope("victim@example.net", (COMMANDS,), "127.0.0.1"), True),
        (Verdict(auth=Authentication(dmarc="pass")), Envelope(B, (COMMANDS,), "192.0.2.9"), True),
        (Verdict(auth=Authentication(dmarc="pass")), Envelope("victim@example.net", (COMMANDS,), "192.0.2.9"), False),
        (REAL, Envelope("mailer-daemon@example.net", (COMMANDS,), "192.0.2.9"), False),
    ],
)
async def test_nobody_is_answered_who_may_not_have_written(scene, take, verdict, envelope, answered):
    at = await scene()
    at.keep()
    assert (await take(at, "hello", verdict=verdict, envelope=envelope)).accepted
    assert bool(at.sent) == answered


async def test_what_is_gone_is_not_answered_and_not_released(scene, take):
    at = await scene()
    mail_id = at.keep()
    at.office.store.quarantine.delete([mail_id], by="anna", now=NOW)
    await take(at, at.token("release", mail_id))
    assert at.sent == []


async def test_a_mail_that_cannot_be_delivered_stays(scene, parts, take):
    at = await scene(policy={"language": "en"}, answers={"message": ["451 4.3.0 later", "250 2.0.0 Ok"]})
    mail_id = at.keep()
    await take(at, at.token("release", mail_id))
    assert at.office.store.quarantine.get(mail_id).state == "held"
    assert text(parts, at.sent[-1]) == "This does not work right now. Please try again later."
