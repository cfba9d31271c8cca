"""Commands and own mail at the SMTP front end, and the page beside it."""

from __future__ import annotations

import asyncio
import urllib.request

import pytest
from conftest import NOW, REAL
from stored_mails import RAW, VERDICT, B

from milter.config import Config
from milter.digest.opened import open_office
from milter.frontends.service import Service
from milter.frontends.sockets import address_of, bind
from milter.frontends.worker import listening
from milter.model import Envelope

COMMANDS = "commands@example.org"
DIGEST = {"command_address": COMMANDS}


@pytest.fixture
def kept(tmp_path):
    """A kept mail in the store of start_filter, and its office."""
    folder = tmp_path / "quarantine"
    store = {"url": f"sqlite:///{folder}/store.sqlite", "key_file": folder / "key"}
    office = open_office(Config(store=store, digest=DIGEST, hostname="filter.example"), NOW)
    mail_id = office.store.quarantine.keep(RAW, Envelope("spam@example.net", (B,)), VERDICT, received=NOW)
    yield office, office.store.quarantine.get(mail_id)
    office.store.close()


def command(office, mail) -> bytes:
    token = office.desk.token("release", mail, B)
    return f"From: {B}\r\nTo: {COMMANDS}\r\nSubject: release {token}\r\n\r\n\r\n".encode()


async def test_a_command_is_carried_out_and_not_relayed(start_hop, start_filter, connect, kept):
    office, mail = kept
    hop = await start_hop()
    client = await connect(await start_filter(hop, digest=DIGEST))
    await client.hello()
    assert await client.send(command(office, mail), f"<{B}>", f"<{COMMANDS.upper()}>") == "250 2.0.0 Ok: done"
    released, answer = hop.messages
    assert released.endswith(RAW)
    assert b"Auto-Submitted: auto-generated" in answer
    assert office.store.quarantine.get(mail.id).state == "released"
    assert f"RCPT TO:<{COMMANDS}>" not in hop.commands


async def test_a_command_shares_no_mail_with_others(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop, digest=DIGEST))
    await client.hello()
    await client.ask(f"MAIL FROM:<{B}>")
    assert (await client.ask(f"RCPT TO:<{COMMANDS}>")).startswith("250")
    assert (await client.ask("RCPT TO:<c@example.org>")).startswith("452 4.5.3")
    await client.ask("RSET")
    await client.ask(f"MAIL FROM:<{B}>")
    assert (await client.ask("RCPT TO:<c@example.org>")).startswith("250")
    assert (await client.ask(f"RCPT TO:<{COMMANDS}>")).startswith("452 4.5.3")


async def test_a_store_that_fails_lets_the_sender_try_again(start_hop, start_filter, connect, kept):
    office, mail = kept
    hop = await start_hop()
    client = await connect(await start_filter(hop, digest=DIGEST))
    await client.hello()
    text = command(office, mail)
    office.store.close()
    file = office.desk.config.store.file
    for part in file.parent.glob(f"{file.name}-*"):
        part.unlink()
    file.write_bytes(b"noise, and no database" * 200)
    assert (await client.send(text, f"<{B}>", f"<{COMMANDS}>")).startswith("451 4.3.0")
    assert hop.messages == []


async def test_without_the_setting_the_address_is_like_others(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    assert (await client.send(b"Subject: x\r\n\r\nx\r\n", recipient=f"<{COMMANDS}>")).startswith("250")
    assert len(hop.messages) == 1


async def test_own_mail_is_not_filtered_again_and_a_forgery_is(start_hop, start_filter, connect, kept):
    office, mail = kept
    hop = await start_hop()
    client = await connect(await start_filter(hop, REAL))
    await client.hello()
    own = office.composer.notice(B, mail)
    forged = own.replace(b"To: b@example.org", b"To: c@example.org")
    assert forged != own
    for raw in (own, forged):
        assert (await client.send(raw, "<>", f"<{B}>")).startswith("250")
    first, second = hop.messages
    assert first.endswith(own)
    assert b"X-Blackmail-Flag" not in first
    assert b"X-Blackmail-Flag" in second
    assert b"X-Blackmail-Digest" not in second


async def test_the_page_is_served_beside_the_mail(tmp_path, kept):
    office, mail = kept
    config = Config(
        store=office.desk.config.store.model_dump(), next_hop=f"maildir:{tmp_path}/mail", web={"listen": "127.0.0.1:0"}
    )
    listener = bind(config.web.listen, "web")
    url = f"http://{address_of(listener)}/m/{office.desk.token('view', mail, B)}"
    async with listening(Service(config, None, now=lambda: NOW), {"web": listener}):

        def look() -> str:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()

        assert "900 US-Dollar" in await asyncio.to_thread(look)
