"""Lay-outs in which mail goes through the filter, with a real Postfix: what arrives, and that nothing is lost."""

import asyncio
import smtplib
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from postfix_mails import CLEAN, EXTORTION, OUR_FIELDS, SECRET, fields_on_top

from milter.config import Config
from milter.inspector import smtp_inspector

SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.fixture
async def whole(postfix, start_filter, judge):
    """Postfix, the filter, and the same Postfix behind it."""
    hop = SimpleNamespace(address=postfix.back_address)
    running = await start_filter(hop, judge, **postfix.listening)
    return SimpleNamespace(postfix=postfix, filter=running)


async def test_clean_mail_arrives_untouched(whole):
    await whole.postfix.send(CLEAN)
    (delivered,) = await whole.postfix.settled()
    fields = fields_on_top(delivered, CLEAN)
    assert fields[:3] == ["Return-Path", "X-Original-To", "Delivered-To"]
    # The innermost Received is that of the Postfix in front.
    assert fields[-6:] == ["Received", *OUR_FIELDS, "Received"]
    assert b"X-Blackmail-Flag: NO\n" in delivered


async def test_extortion_arrives_flagged(whole):
    await whole.postfix.send(b"X-Blackmail-Flag: NO\r\n" + EXTORTION)
    (delivered,) = await whole.postfix.settled()
    assert "X-Blackmail-Reason" in fields_on_top(delivered, EXTORTION)
    assert delivered.count(b"\nX-Blackmail-Flag: ") == 1
    assert b"\nX-Blackmail-Flag: YES\n" in delivered


async def test_quarantined_mail_is_kept_and_nowhere_else(whole):
    await whole.postfix.send(SECRET)
    await whole.postfix.send(CLEAN)
    (delivered,) = await whole.postfix.settled()
    assert b"KEEP BACK" not in delivered
    (kept,) = whole.filter.quarantined
    assert kept.endswith(SECRET)


async def test_swaks_and_the_null_sender(whole, judge):
    words = [
        "swaks",
        "-s",
        f"127.0.0.1:{whole.postfix.front}",
        "-f",
        "<>",
        "-t",
        "b@example.org",
        "--body",
        "EXTORTION",
    ]
    swaks = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    output, _ = await swaks.communicate()
    assert swaks.returncode == 0, output.decode()
    (delivered,) = await whole.postfix.settled()
    assert delivered.startswith(b"Return-Path: <>\n")
    assert b"\nX-Blackmail-Flag: YES\n" in delivered
    assert [envelope.mail_from for envelope in judge.seen] == [""]


async def test_the_real_client_is_known_through_xforward(whole, judge):
    await whole.postfix.send(CLEAN)
    await whole.postfix.settled()
    (envelope,) = judge.seen
    assert envelope.client_addr == "127.0.0.1"
    assert envelope.helo_name
    assert envelope.queue_id in whole.postfix.log or whole.postfix.layout == "before-queue"


async def test_many_at_once_arrive_once(whole):
    words = ["smtp-source", "-s", "5", "-m", "40", "-l", "4096", "-f", "a@example.org", "-t", "b@example.org"]
    source = await asyncio.create_subprocess_exec(*words, f"127.0.0.1:{whole.postfix.front}")
    assert await source.wait() == 0
    mails = await whole.postfix.settled(count=40)
    assert all(mail.count(b"\nX-Blackmail-Status: checked\n") == 1 for mail in mails)


@pytest.mark.parametrize("postfix", ["before-queue", "after-queue"], indirect=True)
async def test_nothing_is_smuggled_past_the_filter(whole, connect):
    """CVE-2023-51764: a Postfix of this age takes LF . CRLF for the end of data, if it ever gets to see it."""
    client = await connect(whole.filter)
    await client.hello()
    smuggled = (
        CLEAN + b"x\n.\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
        b"Subject: inner\r\n\r\ny\n.\nMAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA\nSubject: third\n\nz\r\n"
    )
    assert (await client.send(smuggled, recipient="<b@example.org>")).startswith("250 ")
    (delivered,) = await whole.postfix.settled()
    assert delivered.endswith(smuggled.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("language", ["de", "en"])
async def test_real_inspection(language, postfix, start_filter):
    extortion = min((SAMPLES / language / "extortion").glob("*.eml")).read_bytes().replace(b"\n", b"\r\n")
    hop = SimpleNamespace(address=postfix.back_address)
    await start_filter(hop, smtp_inspector(Config(verify_senders=False)), **postfix.listening)
    await postfix.send(extortion, recipients=["c@example.org"])
    await postfix.send(CLEAN)
    (flagged,), (clean,) = await postfix.settled("c"), await postfix.settled("b")
    assert "X-Blackmail-Reason" in fields_on_top(flagged, extortion)
    assert b"\nX-Blackmail-Flag: YES\n" in flagged
    fields_on_top(clean, CLEAN)
    assert b"\nX-Blackmail-Flag: NO\n" in clean


# A next hop behind the filter that fails in ways that a Postfix would not on request.
@pytest.fixture
async def half(postfix, start_filter, start_hop, judge):
    """Postfix, the filter, and a next hop that is told how to fail."""
    hop = await start_hop()
    running = await start_filter(hop, judge, **postfix.listening)
    return SimpleNamespace(postfix=postfix, filter=running, hop=hop)


async def test_bytes_and_parameters_reach_the_next_hop(half):
    options = {
        "mail_options": ["RET=HDRS", "ENVID=Ab+2Bc", "BODY=8BITMIME"],
        "rcpt_options": ["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;B+2Bx@Example.ORG"],
    }
    await half.postfix.send(CLEAN, **options)
    await half.hop.until(lambda: half.hop.messages)
    (message,) = half.hop.messages
    assert message.endswith(CLEAN)
    mail = next(c for c in half.hop.transactions if c.startswith("MAIL"))
    rcpt = next(c for c in half.hop.transactions if c.startswith("RCPT"))
    assert "ENVID=Ab+2Bc" in mail
    assert "RET=HDRS" in mail
    assert "BODY=8BITMIME" in mail
    assert "ORCPT=rfc822;B+2Bx@Example.ORG" in rcpt
    assert sorted(word for word in rcpt.split() if word.startswith("NOTIFY=")) == ["NOTIFY=FAILURE,DELAY"]
    assert any(c.startswith("XFORWARD") and "ADDR=127.0.0.1" in c for c in half.hop.transactions)


async def test_one_recipient_refused(half):
    half.hop.answers["RCPT TO:<c@"] = "550 5.1.1 no such user here"
    refused = await half.postfix.send(CLEAN, recipients=["b@example.org", "c@example.org"])
    if half.postfix.layout == "before-queue":
        assert refused == {"c@example.org": (550, b"5.1.1 no such user here")}
    else:
        assert refused == {}
        (bounce,) = await half.postfix.settled("a")
        assert b"no such user here" in bounce
    assert len(half.hop.messages) == 1
    assert half.hop.messages[0].endswith(CLEAN)


async def test_refused_after_data(half):
    half.hop.answers["message"] = "554 5.7.1 we do not want this"
    if half.postfix.layout == "before-queue":
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await half.postfix.send(CLEAN)
        assert caught.value.args == (554, b"5.7.1 we do not want this")
    else:
        await half.postfix.send(CLEAN)
        (bounce,) = await half.postfix.settled("a")
        assert b"we do not want this" in bounce
    assert half.hop.messages == []


@pytest.mark.parametrize(
    "fault",
    [
        {"connect": "drop"},
        {"connect": "421 4.3.2 later"},
        {"RCPT": "451 4.3.0 later"},
        {"RCPT": "drop"},
        {"DATA": "drop"},
        {"message": "451 4.3.0 later"},
    ],
    ids=str,
)
async def test_passing_trouble_delays_a_mail_and_loses_none(half, fault):
    half.hop.answers.update(fault)
    if half.postfix.layout == "before-queue":
        with pytest.raises(smtplib.SMTPException) as caught:
            await half.postfix.send(CLEAN)
        code = (
            next(iter(caught.value.recipients.values()))[0]
            if hasattr(caught.value, "recipients")
            else caught.value.smtp_code
        )
        assert code == 451
        half.hop.answers.clear()
        await half.postfix.send(CLEAN)
    else:
        await half.postfix.send(CLEAN)
        await half.hop.until(lambda: "status=deferred" in half.postfix.log)
        assert "status=deferred" in half.postfix.log
        half.hop.answers.clear()
        await asyncio.to_thread(half.postfix.command, "postqueue", "-f")
    await half.hop.until(lambda: half.hop.messages)
    assert [message.endswith(CLEAN) for message in half.hop.messages] == [True]
    await half.hop.until(lambda: not half.postfix.queue)
    assert half.postfix.queue == []
