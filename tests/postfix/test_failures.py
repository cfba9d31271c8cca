"""What docs/postfix.md says of failures, with a real Postfix: what a sender hears, what waits, what comes back."""

import asyncio
import json
import re
import smtplib
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from postfix_mails import CLEAN, EXTORTION, fields_on_top

from milter.config import Address, load
from milter.model import Verdict
from milter.postfix.layout import VALUES, shipped_settings

DOCS = Path(__file__).parents[2] / "docs"
WAITS = ["before-queue", "milter"]
QUEUES = ["after-queue", "lmtp"]


@pytest.fixture
def postfix(request, postfixes):
    """A running Postfix of a lay-out, empty."""
    running = postfixes(request.param)
    running.forget()
    yield running
    # A test that failed leaves mail behind.
    running.command("postsuper", "-d", "ALL")


@pytest.fixture
def start(postfix, start_filter, judge):
    """Start the filter where Postfix looks for it: `await start(setting=...)`."""

    def started(verdict=judge, **settings):
        return start_filter(SimpleNamespace(address=postfix.back_address), verdict, **postfix.listening | settings)

    return started


async def heard(postfix, message=CLEAN):
    """The reply that a sender is refused with."""
    with pytest.raises(smtplib.SMTPException) as caught:
        await postfix.send(message)
    error = caught.value
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next(iter(error.recipients.values()))
    return error.smtp_code, error.smtp_error


async def deferred(postfix):
    """Wait for a mail that Postfix keeps for later, and return why."""

    def reasons():
        mails = [mail for mail in map(json.loads, postfix.queue) if mail["queue_name"] == "deferred"]
        return [mail["recipients"][0]["delay_reason"] for mail in mails]

    await postfix.until(reasons)
    return reasons()


async def arrives_flagged(postfix):
    (delivered,) = await postfix.settled()
    fields_on_top(delivered, EXTORTION)
    assert delivered.count(b"\nX-Blackmail-Flag: YES\n") == 1


@pytest.mark.parametrize("postfix", WAITS, indirect=True)
async def test_while_the_filter_is_away_the_sender_keeps_the_mail(postfix, start):
    code, text = await heard(postfix, EXTORTION)
    assert (code, text[:5]) == (451, b"4.3.0" if postfix.layout == "before-queue" else b"4.7.1")
    # Postfix may tell its postmaster of the trouble (notify_classes), and keeps nothing else.
    assert all('"sender": "double-bounce@' in mail for mail in postfix.queue)
    postfix.command("postsuper", "-d", "ALL")
    await start()
    await postfix.send(EXTORTION)
    await arrives_flagged(postfix)


@pytest.mark.parametrize("postfix", QUEUES, indirect=True)
async def test_while_the_filter_is_away_postfix_keeps_the_mail(postfix, start):
    assert await postfix.send(EXTORTION) == {}
    (reason,) = await deferred(postfix)
    assert "Connection refused" in reason
    assert postfix.delivered() == []
    await start()
    await asyncio.to_thread(postfix.command, "postqueue", "-f")
    await arrives_flagged(postfix)


@pytest.mark.parametrize("postfix", ["before-queue", *QUEUES], indirect=True)
async def test_a_filter_that_dies_with_a_mail_in_hand_has_not_taken_it(postfix, start_hop):
    dying = await start_hop(address=Address(host="127.0.0.1", port=postfix.filter), answers={"message": "drop"})
    if postfix.layout == "before-queue":
        assert (await heard(postfix, EXTORTION))[0] == 451
        assert all('"sender": "double-bounce@' in mail for mail in postfix.queue)
        postfix.command("postsuper", "-d", "ALL")
    else:
        assert await postfix.send(EXTORTION) == {}
        (reason,) = await deferred(postfix)
        assert "lost connection" in reason
    assert len(dying.messages) == 1
    assert postfix.delivered() == []


@pytest.mark.parametrize("postfix", [*WAITS, *QUEUES], indirect=True)
async def test_when_the_scanner_fails_mail_passes_unchecked(postfix, start):
    await start(ValueError("secret detail"))
    await postfix.send(EXTORTION)
    (delivered,) = await postfix.settled()
    assert b"\nX-Blackmail-Status: unchecked\n" in delivered
    assert b"secret" not in delivered


@pytest.mark.parametrize("postfix", WAITS, indirect=True)
async def test_with_tempfail_the_sender_keeps_what_could_not_be_scanned(postfix, start):
    await start(ValueError("secret detail"), on_error="tempfail")
    assert await heard(postfix) == (451, b"4.3.0 Temporary trouble here, please try again later")
    assert postfix.queue == []


@pytest.mark.parametrize("postfix", QUEUES, indirect=True)
async def test_with_tempfail_postfix_keeps_what_could_not_be_scanned(postfix, start):
    await start(ValueError("secret detail"), on_error="tempfail")
    assert await postfix.send(CLEAN) == {}
    (reason,) = await deferred(postfix)
    assert "451 4.3.0 Temporary trouble here" in reason
    assert "secret" not in reason


@pytest.mark.parametrize("postfix", ["before-queue", *QUEUES], indirect=True)
async def test_a_filter_that_hangs_delays_a_mail_and_loses_none(postfix, start):
    """inspect_timeout ends it, long before Postfix gives up."""

    async def hang(raw, envelope):
        await asyncio.sleep(3600)

    await start(hang, inspect_timeout=0.5)
    await postfix.send(CLEAN)
    (delivered,) = await postfix.settled()
    assert b"\nX-Blackmail-Status: unchecked\n" in delivered


@pytest.mark.parametrize("postfix", [*WAITS, *QUEUES], indirect=True)
async def test_a_verdict_that_refuses(postfix, start):
    """Bounces go to forged senders: refuse only while the sender waits."""
    await start(Verdict(action="reject", score=12.0))
    if postfix.layout in WAITS:
        assert await heard(postfix) == (550, b"5.7.1 Message refused as extortion")
        assert postfix.delivered("a") == []
    else:
        assert await postfix.send(CLEAN) == {}
        (bounce,) = await postfix.settled("a")
        assert b"5.7.1 Message refused as extortion" in bounce
    assert postfix.delivered() == []


@pytest.mark.parametrize("postfix", ["milter"], indirect=True)
async def test_a_milter_that_dies_with_a_mail_in_hand_has_not_taken_it(postfix):
    async def die(reader, writer):
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(die, "127.0.0.1", postfix.filter):
        assert (await heard(postfix))[0] == 451
    assert postfix.queue == []


@pytest.mark.parametrize("postfix", ["lmtp+mailbox"], indirect=True)
async def test_a_server_for_mailboxes_behind_the_filter_answers_for_each_recipient(
    postfix, start_hop, start_filter, judge
):
    """Postfix keeps for later what is put off, bounces what is refused, and the third has the mail."""
    behind = await start_hop(
        address=postfix.back_address,
        answers={"RCPT TO:<a+x@": "550 5.1.1 no such user", "RCPT TO:<c@": "451 4.2.2 mailbox is full"},
    )
    await start_filter(None, judge, **postfix.settings)
    assert await postfix.send(EXTORTION, recipients=["a+x@example.org", "b@example.org", "c@example.org"]) == {}
    (reason,) = await deferred(postfix)
    assert "451 4.2.2 mailbox is full" in reason
    await behind.until(lambda: len(behind.messages) == 2)
    bounce, mail = sorted(behind.messages, key=lambda message: message.endswith(EXTORTION))
    assert b"no such user" in bounce
    assert mail.count(b"\nX-Blackmail-Flag: YES\r\n") + mail.startswith(b"X-Blackmail-Flag: YES") == 1
    behind.answers.clear()
    postfix.command("postqueue", "-f")
    await postfix.until(lambda: not postfix.queue)
    assert [message.endswith(EXTORTION) for message in behind.messages].count(True) == 2


@pytest.mark.parametrize("postfix", [*QUEUES, "milter"], indirect=True)
async def test_mail_of_this_machine_is_seen(postfix, start, judge):
    await start()
    await inject(postfix)
    await postfix.settled()
    assert len(judge.seen) == 1


@pytest.mark.parametrize("postfix", ["before-queue"], indirect=True)
async def test_before_the_queue_mail_of_this_machine_is_not_seen(postfix, start, judge):
    await start()
    await inject(postfix)
    (delivered,) = await postfix.settled()
    assert b"X-Blackmail" not in delivered
    assert judge.seen == []


async def inject(postfix):
    command = ["sendmail", "-C", str(postfix.folder / "config"), "-i", "-f", "a@example.org", "b@example.org"]
    sendmail = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
    await sendmail.communicate(CLEAN.replace(b"\r\n", b"\n"))
    assert sendmail.returncode == 0


async def test_undone_with_the_filter_gone_queued_mail_arrives_all_the_same(make_postfix):
    postfix = make_postfix("after-queue")
    postfix.start()
    await postfix.send(EXTORTION)
    await deferred(postfix)
    postfix.command("postconf", "-e", "content_filter=", "receive_override_options=")
    postfix.command("postsuper", "-r", "ALL")
    postfix.command("postfix", "reload")
    (delivered,) = await postfix.settled()
    assert b"X-Blackmail" not in delivered


@pytest.mark.parametrize("postfix", ["before-queue", *QUEUES], indirect=True)
async def test_strangers_do_not_get_past_the_filter(postfix):
    """The port behind it is bound to loopback, and to one address of it."""
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.2", postfix.back)


@pytest.mark.parametrize("postfix", ["before-queue", *QUEUES], indirect=True)
async def test_a_mail_as_large_as_postfix_takes_comes_back(postfix, start):
    """It is larger then, by the notice and what else the filter puts on top."""
    limit = int(postfix.command("postconf", "-xh", "message_size_limit"))
    await start(policy={"notice": "add"})
    line = b"0123456789abcde\r\n"
    large = EXTORTION + line * ((limit - 2_000) // len(line))
    await postfix.send(large)
    (delivered,) = await postfix.settled()
    assert len(delivered) + delivered.count(b"\n") > limit


@pytest.mark.parametrize("postfix", [*WAITS, *QUEUES], indirect=True)
async def test_the_test_string_shows_that_a_set_up_works(postfix, start):
    """As docs/postfix.md has it, step 7, with the string of docs/trying.md."""
    (line,) = [line for line in (DOCS / "trying.md").read_text().splitlines() if line.startswith("    TEST=")]
    await start("real", verify_senders=False)
    where = ["--server", f"127.0.0.1:{postfix.front}", "--from", "a@example.org", "--to", "b@example.org"]
    words = ["swaks", *where, "--header", "Subject: A test", "--body", line.partition("=")[2]]
    swaks = await asyncio.create_subprocess_exec(*words, stdout=subprocess.DEVNULL)
    assert await swaks.wait() == 0
    (delivered,) = await postfix.settled()
    assert b"\nX-Blackmail-Flag: YES\n" in delivered


def test_each_lay_out_has_its_drawing_and_its_lines():
    page = (DOCS / "postfix.md").read_text()
    for layout in VALUES:
        drawing = page.lower().split(f"\n## {layout}\n")[1].split("\n## ")[0]
        assert ":25 postfix" in drawing
        shipped = load(shipped_settings(layout))
        assert str(shipped.listen or shipped.milter or shipped.lmtp) in drawing
    assert [link for link in re.findall(r"\]\((\w+\.md)", page) if not (DOCS / link).exists()] == []
