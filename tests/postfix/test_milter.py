"""The milter with a real Postfix: mail by SMTP and from this machine, and that nothing is lost when it is away."""

import asyncio
import json
import re
import smtplib
import subprocess
from email import message_from_bytes
from pathlib import Path

import pytest
from mail_shapes import SIGNED, make
from postfix_mails import CLEAN, EXTORTION, OUR_FIELDS, SECRET, fields_on_top

from milter.config import Config
from milter.inspector import smtp_inspector
from milter.model import Verdict

SAMPLES = Path(__file__).parents[1] / "samples"
FORGED = (
    b"X-Blackmail-Flag: NO\r\n"
    b"Authentication-Results: elsewhere.example; spf=fail\r\n"
    b"x-blackmail-flag:\r\n NO\r\n"
    b"AUTHENTICATION-RESULTS: filter.example; spf=pass\r\n"
    b"X-Blackmail-Status: checked\r\n"
)
KEPT = b"Authentication-Results: elsewhere.example; spf=fail\r\n"
ON_TOP = ["Return-Path", "X-Original-To", "Delivered-To"]


@pytest.fixture
def postfix(postfixes):
    """A running Postfix that asks a milter, empty."""
    running = postfixes("milter")
    running.forget()
    yield running
    # A test that failed leaves mail behind.
    running.command("postsuper", "-d", "ALL")


@pytest.fixture
def start_milter(postfix, start_filter):
    """Start the filter where Postfix looks for it: `await start_milter(judge, setting=...)`."""

    def start(judge, **settings):
        return start_filter(None, judge, milter=f"127.0.0.1:{postfix.filter}", **settings)

    return start


async def inject(postfix, message, *words):
    """Hand a mail to Postfix's sendmail command, whose lines end with LF."""
    command = ["sendmail", "-C", str(postfix.folder / "config"), "-i", "-f", "a@example.org", *words, "b@example.org"]
    sendmail = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
    await sendmail.communicate(message.replace(b"\r\n", b"\n"))
    assert sendmail.returncode == 0


def held(postfix):
    """The ids of the mails in Postfix's hold queue."""
    return [mail["queue_id"] for mail in map(json.loads, postfix.queue) if mail["queue_name"] == "hold"]


async def released(postfix):
    """What arrives when the hold queue is let go."""
    postfix.command("postsuper", "-H", "ALL")
    postfix.command("postqueue", "-f")
    return await postfix.settled()


async def test_clean_mail_arrives_untouched(postfix, start_milter, judge):
    await start_milter(judge)
    await postfix.send(CLEAN)
    (delivered,) = await postfix.settled()
    assert fields_on_top(delivered, CLEAN) == [*ON_TOP, *OUR_FIELDS, "Received"]
    assert b"\nX-Blackmail-Flag: NO\n" in delivered


async def test_extortion_arrives_flagged_and_without_forged_fields(postfix, start_milter, judge):
    await start_milter(judge)
    await postfix.send(FORGED + EXTORTION)
    (delivered,) = await postfix.settled()
    fields = fields_on_top(delivered, KEPT + EXTORTION)
    assert fields[3:] == [
        "Authentication-Results",
        *(f"X-Blackmail-{name}" for name in ("Flag", "Score", "Kind", "Rules", "Reason", "Status")),
        "Received",
    ]
    assert delivered.lower().count(b"\nx-blackmail-flag:") == 1
    assert b"\nX-Blackmail-Flag: YES\n" in delivered


async def test_the_inspector_sees_what_was_received(postfix, start_milter):
    seen = []

    async def inspector(raw, envelope):
        seen.append((raw, envelope))
        return Verdict()

    await start_milter(inspector)
    large = CLEAN + b"0123456789abcde\r\n" * 20_000
    await postfix.send(large)
    await postfix.settled()
    ((raw, envelope),) = seen
    assert raw == large
    assert (envelope.mail_from, envelope.rcpt_to) == ("a@example.org", ("b@example.org",))
    assert envelope.client_addr == "127.0.0.1"
    assert envelope.helo_name
    assert not envelope.authenticated
    assert re.search(rf"cleanup\[\d+\]: {envelope.queue_id}: message-id=", postfix.log)


async def test_the_null_sender(postfix, start_milter, judge):
    await start_milter(judge)
    await postfix.send(EXTORTION, sender="")
    (delivered,) = await postfix.settled()
    assert delivered.startswith(b"Return-Path: <>\n")
    assert b"\nX-Blackmail-Flag: YES\n" in delivered
    assert [envelope.mail_from for envelope in judge.seen] == [""]


async def test_mail_made_on_this_machine_is_looked_at(postfix, start_milter, judge):
    await start_milter(judge)
    await inject(postfix, FORGED + EXTORTION)
    (delivered,) = await postfix.settled()
    assert "X-Blackmail-Reason" in fields_on_top(delivered, KEPT + EXTORTION)
    (envelope,) = judge.seen
    assert (envelope.client_addr, envelope.rcpt_to) == ("127.0.0.1", ("b@example.org",))


@pytest.mark.parametrize("by", ["smtp", "sendmail"])
async def test_quarantine_is_the_hold_queue(postfix, start_milter, judge, by):
    running = await start_milter(judge)
    await (postfix.send(SECRET) if by == "smtp" else inject(postfix, SECRET))
    await postfix.until(lambda: held(postfix))
    (queue_id,) = held(postfix)
    assert f"{queue_id}!" in postfix.command("postqueue", "-p")
    assert f"{queue_id}: milter-hold: END-OF-MESSAGE" in postfix.log
    assert postfix.delivered() == []
    assert running.quarantined == []
    (delivered,) = await released(postfix)
    assert "X-Blackmail-Reason" in fields_on_top(delivered, SECRET)
    assert len(judge.seen) == 1


async def test_many_mails_in_one_session_each_get_their_own(postfix, start_milter, judge):
    await start_milter(judge)

    def talk():
        with smtplib.SMTP("127.0.0.1", postfix.front, timeout=60) as client:
            client.sendmail("a@example.org", ["c@example.org"], EXTORTION)
            client.sendmail("a@example.org", ["b@example.org"], SECRET)
            client.mail("z@example.org")
            client.rcpt("c@example.org")
            client.rset()
            client.sendmail("a@example.org", ["a@example.org"], CLEAN)

    await asyncio.to_thread(talk)
    await postfix.until(lambda: postfix.delivered("a") and postfix.delivered("c"))
    assert len(held(postfix)) == 1
    (kept,) = await released(postfix)
    assert "X-Blackmail-Reason" in fields_on_top(kept, SECRET)
    (flagged,), (clean,) = postfix.delivered("c"), postfix.delivered("a")
    assert "X-Blackmail-Reason" in fields_on_top(flagged, EXTORTION)
    assert fields_on_top(clean, CLEAN) == [*ON_TOP, *OUR_FIELDS, "Received"]
    assert [e.rcpt_to for e in judge.seen] == [("c@example.org",), ("b@example.org",), ("a@example.org",)]


async def test_a_client_that_vanishes_in_the_middle_leaves_nothing(postfix, start_milter, judge):
    running = await start_milter(judge)

    def talk():
        client = smtplib.SMTP("127.0.0.1", postfix.front, timeout=60)
        client.ehlo()
        client.mail("a@example.org")
        client.rcpt("b@example.org")
        assert client.docmd("DATA")[0] == 354
        client.send(EXTORTION.partition(b"\r\n.\r\n")[0])
        client.close()

    await asyncio.to_thread(talk)
    async with asyncio.timeout(20):
        await running.service.empty()
    assert judge.seen == []
    await postfix.send(CLEAN)
    (delivered,) = await postfix.settled()
    fields_on_top(delivered, CLEAN)


async def test_many_at_once_arrive_once(postfix, start_milter, judge):
    await start_milter(judge)
    words = ["smtp-source", "-s", "5", "-m", "40", "-l", "4096", "-f", "a@example.org", "-t", "b@example.org"]
    source = await asyncio.create_subprocess_exec(*words, f"127.0.0.1:{postfix.front}")
    assert await source.wait() == 0
    mails = await postfix.settled(count=40)
    assert all(mail.count(b"\nX-Blackmail-Status: checked\n") == 1 for mail in mails)


async def test_scanner_fault_lets_a_mail_pass_unchecked(postfix, start_milter):
    await start_milter(ValueError("secret detail"))
    await postfix.send(FORGED + CLEAN)
    (delivered,) = await postfix.settled()
    assert fields_on_top(delivered, KEPT + CLEAN) == [*ON_TOP, "X-Blackmail-Status", "Received"]
    assert b"\nX-Blackmail-Status: unchecked\n" in delivered


@pytest.mark.parametrize(
    ("judge", "settings", "reply"),
    [
        (ValueError("x"), {"on_error": "tempfail"}, (451, b"4.3.0 Temporary trouble here, please try again later")),
        (Verdict(action="reject", score=12.0), {}, (550, b"5.7.1 Message refused as extortion")),
        (Verdict(), {"max_size": 65_536}, (552, b"5.3.4 Message is too large")),
    ],
    ids=["fault", "reject", "large"],
)
async def test_a_refusal_reaches_the_sender_and_nothing_else_does(postfix, start_milter, judge, settings, reply):
    await start_milter(judge, **settings)
    with pytest.raises(smtplib.SMTPDataError) as caught:
        await postfix.send(CLEAN + b"0123456789abcde\r\n" * 5_000)
    assert caught.value.args == reply
    assert postfix.queue == []
    assert postfix.delivered() == []


async def test_while_the_filter_is_away_mail_waits(postfix, start_milter, judge):
    with pytest.raises(smtplib.SMTPException) as caught:
        await postfix.send(CLEAN)
    assert "451" in str(caught.value)
    await inject(postfix, EXTORTION)
    await postfix.until(lambda: "milter-reject: CONNECT from localhost" in postfix.log)
    await start_milter(judge)
    # Another mail from this machine wakes the pickup service.
    await inject(postfix, CLEAN)
    mails = await postfix.settled(count=2)
    assert sorted(mail.count(b"\nX-Blackmail-Flag: YES\n") for mail in mails) == [0, 1]


@pytest.mark.parametrize("by", ["smtp", "sendmail"])
@pytest.mark.parametrize(
    ("shape", "encoding"), [("html", "8bit"), ("alternative in mixed", "base64"), ("bare text", "7bit")]
)
async def test_a_notice_stands_above_the_unchanged_mail(postfix, start_milter, sextortion, by, shape, encoding):
    await start_milter(sextortion, policy={"notice": "add", "subject_tag": True})
    original = make(shape, "utf-8" if encoding != "7bit" else "us-ascii", encoding)
    await (postfix.send(original.raw) if by == "smtp" else inject(postfix, original.raw))
    (delivered,) = await postfix.settled()
    message = message_from_bytes(delivered)
    assert message["Subject"].startswith("[Extortion?] ")
    assert message.get_all("Content-Type") == [message["Content-Type"]]
    assert message.get_all("MIME-Version") == ["1.0"]
    notice, _ = message.get_payload()
    assert not message.defects
    assert "Do not pay." in notice.get_payload(0).get_payload(decode=True).decode()
    assert original.raw.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n") + b"\n--=_blackmail_" in delivered


async def test_a_signed_mail_is_attached_whole_where_that_is_wanted(postfix, start_milter, sextortion):
    await start_milter(sextortion, policy={"notice": "wrap"})
    await postfix.send(FORGED + SIGNED)
    (delivered,) = await postfix.settled()
    _, attached = message_from_bytes(delivered).get_payload()
    assert attached.get_content_type() == "message/rfc822"
    assert b"\n\n" + (KEPT + SIGNED).replace(b"\r\n", b"\n") + b"\n--=_blackmail_" in delivered


async def test_a_held_mail_is_released_as_it_came(postfix, start_milter, judge):
    await start_milter(judge, policy={"notice": "add", "subject_tag": True, "quarantine": True})
    await postfix.send(SECRET)
    await postfix.until(lambda: held(postfix))
    (delivered,) = await released(postfix)
    fields_on_top(delivered, SECRET)


@pytest.mark.parametrize("language", ["de", "en"])
async def test_real_inspection(language, postfix, start_milter):
    extortion = min((SAMPLES / language / "extortion").glob("*.eml")).read_bytes().replace(b"\n", b"\r\n")
    await start_milter(smtp_inspector(Config(verify_senders=False)))
    await postfix.send(extortion, recipients=["c@example.org"])
    await inject(postfix, CLEAN)
    (flagged,), (clean,) = await postfix.settled("c"), await postfix.settled("b")
    assert "X-Blackmail-Reason" in fields_on_top(flagged, extortion)
    assert b"\nX-Blackmail-Flag: YES\n" in flagged
    fields_on_top(clean, CLEAN)
    assert b"\nX-Blackmail-Flag: NO\n" in clean
