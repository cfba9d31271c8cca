"""A mail with a notice as an IMAP server takes it apart, for the mail programs that ask it for parts."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib

import pytest
from mail_shapes import SIGNED, make

TYPES = {
    "plain": '("text" "plain"',
    "html": '("text" "html"',
    "alternative": '("text" "plain"',
    "alternative in mixed": '"related"',
    "picture alone": '("image" "png"',
}


def structure(port: int, user: str) -> str:
    """How the server sees the only mail in the folder for flagged mail."""
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(user, "any")
        client.select("Blackmail", readonly=True)
        return client.fetch("1", "(BODYSTRUCTURE)")[1][0].decode().lower()


async def delivered(dovecot, running, user: str, raw: bytes) -> str:
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", running.address.port, local_hostname="mx.example.net") as client:
            client.sendmail("a@example.net", [f"{user}@example.org"], raw)

    await asyncio.to_thread(send)
    return await asyncio.to_thread(structure, dovecot.imap, user)


@pytest.mark.parametrize("shape", TYPES)
async def test_the_server_finds_notice_and_original(dovecot, start_filter, sextortion, shape):
    way = f"lmtp://127.0.0.1:{dovecot.lmtp}"
    running = await start_filter(None, sextortion, next_hop=way, policy={"notice": "add", "language": "fr"})
    user = f"n{[*TYPES].index(shape)}"
    original = make(shape, "koi8-r", "8bit").raw
    found = await delivered(dovecot, running, user, original)
    notice, below = found.split('"alternative"', 1)
    assert '("text" "plain" ("charset" "utf-8") nil nil "quoted-printable"' in notice
    assert '("text" "html" ("charset" "utf-8") nil nil "quoted-printable"' in notice
    assert '("fr")' in below or '"fr"' in below
    assert TYPES[shape] in below
    assert '"mixed"' in below
    (mail,) = await asyncio.to_thread(dovecot.mails, user, "Blackmail")
    assert original.partition(b"\r\n\r\n")[2] + b"\r\n--=_blackmail_" in mail


async def test_the_server_finds_an_attached_mail(dovecot, start_filter, sextortion):
    way = f"lmtp://127.0.0.1:{dovecot.lmtp}"
    running = await start_filter(None, sextortion, next_hop=way, policy={"notice": "wrap"})
    found = await delivered(dovecot, running, "signed", SIGNED)
    assert '("message" "rfc822"' in found
    assert '"signed" ("protocol" "application/pgp-signature"' in found
