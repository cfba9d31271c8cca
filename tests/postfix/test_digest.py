"""Told, asked and released through a real Postfix: quarantine → notice → command by mail → the mail itself."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace
from urllib.parse import unquote

from conftest import NOW
from postfix_mails import SECRET

from milter.actions.smtp import SmtpHop
from milter.digest.opened import office
from milter.digest.send import Round
from milter.store.opened import open_store
from milter.store.records import Filter

COMMANDS, RECIPIENT = "a@example.org", "b@example.org"


def text(raw: bytes) -> str:
    body = message_from_bytes(raw, policy=default).get_body(("plain",))
    return body.get_content() if body else ""


async def test_a_recipient_gets_his_mail_by_answering_a_notice(postfix, start_filter, judge):
    back = SimpleNamespace(address=postfix.back_address)
    running = await start_filter(
        back,
        judge,
        **postfix.listening,
        digest={"command_address": COMMANDS, "notice_at_once": True},
        policy={"language": "en"},
    )
    await postfix.send(SECRET)

    def kept():
        with open_store(running.config.store) as store:
            return store.quarantine.find(Filter())

    await postfix.until(lambda: running.config.store.exists and kept())
    hop = SmtpHop(postfix.back_address, helo_name="filter.example", timeout=10.0)
    async with office(running.config, NOW) as opened:
        assert (await Round(running.config, opened, hop).notices()).sent == (RECIPIENT,)
    (notice,) = await postfix.settled()
    assert notice.startswith(b"Return-Path: <>\n")
    link = re.search(rf"mailto:{COMMANDS}\?subject=(release\S+)", text(notice))
    assert link
    command = f"From: {RECIPIENT}\r\nTo: {COMMANDS}\r\nSubject: {unquote(link[1])}\r\n\r\n\r\n".encode()
    await postfix.send(command, recipients=(COMMANDS,), sender=RECIPIENT)
    mails = await postfix.settled(count=3)
    assert postfix.delivered("a") == []
    (released,) = [mail for mail in mails if b"\nX-Blackmail-Released: " in mail]
    assert released.replace(b"\n", b"\r\n").endswith(SECRET.partition(b"\r\n")[2][-40:])
    assert any(text(mail).startswith("The mail is on its way to you.") for mail in mails if mail is not released)
    (mail,) = kept()
    assert mail.state == "released"
    await hop.close()
