"""A real Postfix that hands mail over by LMTP: recipients of one mail have fates of their own, and nobody waits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from dovecot_server import dovecot
from postfix_mails import LETTER, POLICIES

from milter.store.opened import open_store
from milter.store.records import Filter

__all__ = ["dovecot"]
USUAL = {"policies": POLICIES, "verify_senders": False, "listen": None}


def kept(running):
    """The recipients of each mail in the quarantine."""
    with open_store(running.config.store) as store:
        return [mail.envelope.rcpt_to for mail in store.quarantine.find(Filter(), limit=100)]


def replies(postfix) -> dict[str, list[str]]:
    """What Postfix's LMTP client has logged of each recipient's attempts."""
    found: dict[str, list[str]] = {}
    for line in postfix.log.splitlines():
        if "/lmtp[" in line and " to=<" in line:
            recipient = line.partition(" to=<")[2].partition(">")[0]
            found.setdefault(recipient, []).append(line.partition("status=")[2])
    return found


@pytest.fixture
def into_dovecot(make_postfix, dovecot):
    """A Postfix whose mailboxes are Dovecot's: the lines are those that are printed for that next hop."""
    postfix = make_postfix("lmtp", next_hop=f"lmtp+unix:{dovecot.socket}")
    lmtp = f"unix:{postfix.folder}/lmtp"
    main = postfix.folder / "config" / "main.cf"
    main.write_text(main.read_text().replace(f"blackmail:inet:127.0.0.1:{postfix.filter}", f"blackmail:{lmtp}"))
    assert f"virtual_transport = blackmail:{lmtp}" in main.read_text()
    postfix.start()
    return SimpleNamespace(postfix=postfix, dovecot=dovecot, settings=USUAL | postfix.settings | {"lmtp": lmtp})


@pytest.fixture
async def whole(postfixes, start_filter):
    """Postfix, the real filter by LMTP, and the same Postfix behind it."""
    postfix = postfixes("lmtp")
    postfix.forget()
    running = await start_filter(None, "real", **USUAL | postfix.settings)
    return SimpleNamespace(postfix=postfix, filter=running)


@pytest.mark.parametrize("recipients", [("b@example.org", "c@example.org"), ("c@example.org", "b@example.org")])
async def test_one_is_quarantined_the_other_tagged_at_the_first_attempt(whole, recipients):
    assert await whole.postfix.send(LETTER, recipients, sender="eve@example.net") == {}
    (delivered,) = await whole.postfix.settled("c")
    assert b"\nX-Blackmail-Flag: YES\n" in delivered
    assert b" with LMTP id\n" in delivered
    assert delivered.endswith(LETTER.replace(b"\r\n", b"\n"))
    assert whole.postfix.delivered("b") == []
    assert kept(whole.filter) == [("b@example.org",)]
    heard = replies(whole.postfix)
    assert {recipient: len(attempts) for recipient, attempts in heard.items()} == dict.fromkeys(recipients, 1)
    assert all(attempts[0].startswith("sent (250 2.0.0 Ok: queued as ") for attempts in heard.values())


async def test_many_with_two_policies_share_two_transactions(whole):
    many = [f"b+{number}@example.org" for number in range(30)]
    await whole.postfix.send(LETTER, ["c@example.org", *many, "a@example.org"], sender="eve@example.net")
    await whole.postfix.settled("c")
    await whole.postfix.settled("a")
    assert sorted(one for mail in kept(whole.filter) for one in mail) == sorted(many)
    assert len(kept(whole.filter)) == 1


async def test_one_who_is_refused_by_the_next_hop_bounces_alone(postfixes, start_filter, start_hop):
    postfix = postfixes("lmtp")
    postfix.forget()
    hop = await start_hop(answers={"message": ["250 2.0.0 Ok: queued as HOP1", "554 5.7.1 Not for you"]})
    await start_filter(hop, **USUAL | postfix.settings | {"next_hop": f"smtp://{hop.address}"})
    await postfix.send(LETTER, ["c@example.org", "b@example.org"], sender="")
    await postfix.until(lambda: not postfix.queue)
    heard = replies(postfix)
    assert heard["b@example.org"][0].startswith("sent (250 2.0.0 Ok: queued as HOP1)")
    assert heard["c@example.org"][0].startswith("bounced ")
    assert "554 5.7.1 Not for you" in heard["c@example.org"][0]
    assert len(hop.messages) == 1


async def test_one_who_is_deferred_is_tried_again_alone(postfixes, start_filter, start_hop):
    postfix = postfixes("lmtp")
    postfix.forget()
    hop = await start_hop(answers={"message": ["250 Ok: 1", "451 4.2.0 Not now", "250 Ok: 2"]})
    await start_filter(hop, **USUAL | postfix.settings | {"next_hop": f"smtp://{hop.address}"})
    await postfix.send(LETTER, ["c@example.org", "b@example.org"], sender="eve@example.net")
    await postfix.until(lambda: len(replies(postfix)) == 2)
    await postfix.until(lambda: postfix.queue)
    postfix.command("postqueue", "-f")
    await postfix.until(lambda: not postfix.queue)
    assert [len(replies(postfix)[one]) for one in ("b@example.org", "c@example.org")] == [1, 2]
    assert [b" for <b@" in message for message in hop.messages] == [True, False]


async def test_into_dovecot(into_dovecot, start_filter):
    """Postfix keeps the queue, the filter looks, Dovecot files what is tagged; each mailbox answers for itself."""
    postfix, dovecot = into_dovecot.postfix, into_dovecot.dovecot
    running = await start_filter(None, "real", **into_dovecot.settings)
    running.lmtp.path.chmod(0o666)
    recipients = [f"{user}@example.org" for user in "abc"]
    await postfix.send(LETTER, recipients, sender="eve@example.net")
    await postfix.until(lambda: len(replies(postfix)) == 3 and not postfix.queue)
    heard = replies(postfix)
    assert all(len(attempts) == 1 and attempts[0].startswith("sent (250 2.0.0 ") for attempts in heard.values())
    assert "Saved" in heard["a@example.org"][0]
    assert kept(running) == [("b@example.org",)]
    for user, count in {"a": 1, "b": 0, "c": 1}.items():
        filed = await asyncio.to_thread(dovecot.mails, user, "Blackmail")
        assert len(filed) == count
        assert all(mail.endswith(LETTER) and b"X-Blackmail-Flag: YES" in mail for mail in filed)
        assert await asyncio.to_thread(dovecot.mails, user, "INBOX") == []
