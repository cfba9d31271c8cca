"""Recipients with different policies, with a real Postfix: each gets what his policy says, and gets it once."""

import asyncio
import json
import subprocess
from types import SimpleNamespace

import pytest
from postfix_mails import LETTER, POLICIES

from milter.store.opened import open_store
from milter.store.records import Filter

BOTH = ("b@example.org", "c@example.org")


@pytest.fixture(params=["before-queue", "after-queue", "after-queue+policies", "lmtp"])
async def whole(request, postfixes, start_filter):
    """Postfix, the real filter, and the same Postfix behind it."""
    postfix = postfixes(request.param)
    postfix.forget()
    hop = SimpleNamespace(address=postfix.back_address)
    running = await start_filter(hop, "real", **postfix.listening, policies=POLICIES, verify_senders=False)
    return SimpleNamespace(postfix=postfix, filter=running, layout=request.param)


@pytest.fixture(params=["milter"])
def milter(request, postfixes):
    """A running Postfix that asks a milter, empty."""
    running = postfixes(request.param)
    running.forget()
    yield running
    # A test that failed leaves mail behind.
    running.command("postsuper", "-d", "ALL")


@pytest.fixture
def start_milter(milter, start_filter):
    """Start the real filter where Postfix looks for it: `await start_milter(setting=...)`."""

    def start(judge="real", **settings):
        settings = {"milter": f"127.0.0.1:{milter.filter}", "verify_senders": False} | settings
        return start_filter(None, judge, **settings)

    return start


def kept(running):
    """The recipients of each mail in the quarantine."""
    with open_store(running.config.store) as store:
        return [mail.envelope.rcpt_to for mail in store.quarantine.find(Filter(), limit=100)]


def waiting(postfix, queue="hold"):
    """The recipients of each mail in one of Postfix's queues."""
    mails = [mail for mail in map(json.loads, postfix.queue) if mail["queue_name"] == queue]
    return [tuple(recipient["address"] for recipient in mail["recipients"]) for mail in mails]


async def send_like_a_server(postfix, recipients):
    """Send, and send again to those who are refused for now; how often."""
    for attempt in range(1, 10):
        refused = await postfix.send(LETTER, recipients=recipients, sender="eve@example.net")
        assert {code for code, _ in refused.values()} <= {452}
        if not refused:
            return attempt
        assert all(text.startswith(b"4.5.3 ") for _, text in refused.values())
        recipients = list(refused)
    return None


async def inject(postfix, *recipients):
    """Hand the letter to Postfix's sendmail command."""
    command = ["sendmail", "-C", str(postfix.folder / "config"), "-i", "-f", "eve@example.net", *recipients]
    sendmail = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
    await sendmail.communicate(LETTER.replace(b"\r\n", b"\n"))
    assert sendmail.returncode == 0


@pytest.mark.parametrize("recipients", [BOTH, BOTH[::-1]], ids=["b-first", "c-first"])
async def test_one_is_quarantined_the_other_tagged_each_once(whole, recipients):
    attempts = await send_like_a_server(whole.postfix, recipients)
    assert attempts == (2 if whole.postfix.layout == "before-queue" else 1)
    if whole.layout == "after-queue":
        # The one who was refused waits for Postfix's next attempt: for this test at once.
        await whole.postfix.until(lambda: waiting(whole.postfix, "deferred"))
        assert waiting(whole.postfix, "deferred") in ([("b@example.org",)], [("c@example.org",)])
        await asyncio.to_thread(whole.postfix.command, "postqueue", "-f")
    await whole.postfix.until(lambda: whole.postfix.delivered("c") and not whole.postfix.queue)
    (delivered,) = await whole.postfix.settled("c")
    assert b"\nX-Blackmail-Flag: YES\n" in delivered
    assert delivered.endswith(LETTER.replace(b"\r\n", b"\n"))
    assert whole.postfix.delivered("b") == []
    assert kept(whole.filter) == [("b@example.org",)]
    refused = whole.postfix.log.count("452 4.5.3") > 0
    assert refused == (whole.layout in {"before-queue", "after-queue"})


@pytest.mark.parametrize("whole", ["before-queue", "after-queue+policies", "lmtp"], indirect=True)
async def test_many_recipients_do_not_end_the_session(whole):
    many = [f"b+{number}@example.org" for number in range(60)]
    attempts = await send_like_a_server(whole.postfix, ["c@example.org", *many])
    assert attempts == (2 if whole.postfix.layout == "before-queue" else 1)
    await whole.postfix.settled("c")
    assert sorted(one for mail in kept(whole.filter) for one in mail) == sorted(many)


@pytest.mark.parametrize("recipients", [BOTH, BOTH[::-1]], ids=["b-first", "c-first"])
async def test_the_milter_parts_them_too(milter, start_milter, recipients):
    await start_milter(policies=POLICIES)
    assert await send_like_a_server(milter, recipients) == 2
    await milter.until(lambda: milter.delivered("c"))
    (delivered,) = milter.delivered("c")
    assert b"\nX-Blackmail-Flag: YES\n" in delivered
    assert waiting(milter) == [("b@example.org",)]
    assert milter.delivered("b") == []


async def test_the_milter_parts_many(milter, start_milter):
    await start_milter(policies=POLICIES)
    many = [f"b+{number}@example.org" for number in range(60)]
    assert await send_like_a_server(milter, ["c@example.org", *many]) == 2
    await milter.until(lambda: milter.delivered("c"))
    assert [sorted(recipients) for recipients in waiting(milter)] == [sorted(many)]


async def test_mail_made_on_this_machine_gets_the_strictest_for_all(milter, start_milter):
    """Nobody is there who could be asked to send it again."""
    await start_milter(policies=POLICIES)
    await inject(milter, *BOTH[::-1])
    await milter.until(lambda: waiting(milter))
    assert [sorted(recipients) for recipients in waiting(milter)] == [sorted(BOTH)]
    milter.command("postsuper", "-H", "ALL")
    milter.command("postqueue", "-f")
    await milter.until(lambda: milter.delivered("b") and milter.delivered("c") and not milter.queue)
    assert [len(milter.delivered(mailbox)) for mailbox in "bc"] == [1, 1]
