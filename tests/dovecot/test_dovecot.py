"""Flagged mail through the filter into Dovecot by LMTP, filed by Sieve, and read back by IMAP."""

from __future__ import annotations

import asyncio
import smtplib

import pytest

LETTER = (
    "I hacked your computer and recorded you through your webcam. Pay me 900 dollars in Bitcoin within 48 hours, or I"
    " will send the video to all your friends."
)
ORDINARY = "The minutes of the meeting are on the shared drive."


def mail(text: str) -> bytes:
    return f"From: paul@example.net\r\nTo: anna@example.org\r\nSubject: hello\r\n\r\n{text}\r\n".encode()


def sent(port: int, raw: bytes, *recipients: str) -> dict[str, tuple[int, bytes]]:
    """Refusals by recipient."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="mx.example.net") as client:
        return client.sendmail("paul@example.net", recipients, raw)


@pytest.mark.parametrize("way", ["lmtp://127.0.0.1:{dovecot.lmtp}", "lmtp+unix:{dovecot.socket}"])
async def test_flagged_mail_is_filed_and_other_mail_is_not(dovecot, start_filter, way):
    user = f"anna{len(way)}"
    ours = await start_filter(None, "real", next_hop=way.format(dovecot=dovecot), verify_senders=False)
    for text in (LETTER, ORDINARY):
        refused = await asyncio.to_thread(sent, ours.address.port, mail(text), f"{user}@example.org")
        assert not refused
    (filed,) = await asyncio.to_thread(dovecot.mails, user, "Blackmail")
    (inbox,) = await asyncio.to_thread(dovecot.mails, user, "INBOX")
    assert b"X-Blackmail-Flag: YES" in filed
    assert filed.endswith(mail(LETTER))
    assert b"X-Blackmail-Flag: NO" in inbox
    assert inbox.endswith(mail(ORDINARY))


async def test_a_forged_flag_files_nothing(dovecot, start_filter):
    ours = await start_filter(None, "real", next_hop=f"lmtp://127.0.0.1:{dovecot.lmtp}", verify_senders=False)
    await asyncio.to_thread(sent, ours.address.port, b"X-Blackmail-Flag: YES\r\n" + mail(ORDINARY), "carl@example.org")
    assert await asyncio.to_thread(dovecot.mails, "carl", "Blackmail") == []
    assert len(await asyncio.to_thread(dovecot.mails, "carl", "INBOX")) == 1


async def test_of_several_recipients_each_gets_a_mail_of_his_own(dovecot, start_filter):
    ours = await start_filter(None, "real", next_hop=f"lmtp+unix:{dovecot.socket}", verify_senders=False)
    waiting = ["dora@example.org", "emil@example.org"]
    while waiting:
        refused = await asyncio.to_thread(sent, ours.address.port, mail(ORDINARY), *waiting)
        assert all(code == 452 for code, _ in refused.values())
        assert len(refused) == len(waiting) - 1
        waiting = list(refused)
    for user in ("dora", "emil"):
        assert len(await asyncio.to_thread(dovecot.mails, user, "INBOX")) == 1
