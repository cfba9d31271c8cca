"""STARTTLS for clients (RFC 3207), on each loop that sessions run on."""

import asyncio
import logging
import ssl

import pytest
from tls_hop import TlsHop

from milter.frontends.sockets import address_of
from milter.model import Verdict

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
# A next hop without TLS does not keep what it says.
OFFERS = ("PIPELINING", "8BITMIME", "SIZE 200000000", "REQUIRETLS")


@pytest.fixture
def context(authority):
    """What a careful client has."""
    return ssl.create_default_context(cafile=authority.ca_file)


@pytest.fixture
def start_with_tls(start_filter, start_hop, authority):
    """Start a filter that offers TLS: `await start_with_tls(judge, required=True, setting=...)`; and its next hop."""
    made = authority.certify("filter.example")

    async def start(judge=None, *, required=False, hop=None, **settings):
        tls = {"certificate": made.certificate, "key": made.key, "required": required}
        hop = hop or await start_hop()
        return await start_filter(hop, judge, tls=tls, **settings), hop

    return start


async def test_it_is_offered_before_tls_alone(start_with_tls, connect, context):
    running, _ = await start_with_tls()
    client = await connect(running)
    assert "250-STARTTLS\n" in await client.hello()
    assert await client.start_tls(context) == "220 2.0.0 Ready to start TLS"
    assert "STARTTLS" not in await client.ask("EHLO client.example")
    assert (await client.ask("STARTTLS")).startswith("503 5.5.1 ")
    assert (await client.ask("NOOP")).startswith("250 ")


async def test_it_is_unknown_without_a_certificate(start_filter, connect):
    client = await connect(await start_filter())
    assert "STARTTLS" not in await client.hello()
    assert (await client.ask("STARTTLS")).startswith("500 ")


async def test_an_argument_is_refused(start_with_tls, connect):
    running, _ = await start_with_tls()
    client = await connect(running)
    await client.hello()
    assert (await client.ask("STARTTLS now")).startswith("501 5.5.4 ")


async def test_mail_goes_through_and_says_so(start_with_tls, connect, context):
    running, hop = await start_with_tls()
    client = await connect(running)
    await client.hello()
    await client.start_tls(context)
    await client.ask("EHLO client.example")
    for _ in range(3):
        assert (await client.send(MAIL)).startswith("250 ")
    assert b" by filter.example with ESMTPS id" in hop.messages[2]
    assert hop.messages[2].endswith(MAIL)
    assert (await client.send(MAIL, "<a@example.org> SMTPUTF8")).startswith("250 ")
    assert b" by filter.example with UTF8SMTPS\r\n" in hop.messages[3]
    assert (await client.ask("QUIT")).startswith("221 ")
    await running.service.empty()


async def test_a_large_mail_arrives_byte_for_byte(start_with_tls, connect, context):
    message = b"Subject: large\r\n\r\n" + (b"." + b"base64" * 12 + b"\r\n") * 100_000
    running, hop = await start_with_tls()
    client = await connect(running)
    await client.hello()
    await client.start_tls(context)
    await client.ask("EHLO client.example")
    assert (await client.send(message)).startswith("250 ")
    assert hop.messages[0].endswith(message)
    # What came ahead of the 354 counts, too.
    client.writer.write(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n" + MAIL + b".\r\nNOOP\r\n")
    assert [(await client.reply())[:3] for _ in range(5)] == ["250", "250", "354", "250", "250"]
    assert hop.messages[1].endswith(MAIL)


async def test_all_that_was_said_in_the_clear_is_forgotten(start_with_tls, connect, context):
    seen = []

    async def inspector(raw, envelope):
        seen.append(envelope)
        return Verdict()

    running, hop = await start_with_tls(inspector)
    client = await connect(running)
    await client.hello()
    await client.ask("XCLIENT ADDR=192.0.2.7 LOGIN=anna")
    await client.ask("EHLO client.example")
    await client.ask("XFORWARD NAME=forged.example")
    await client.ask("MAIL FROM:<forged@example.org>")
    await client.ask("RCPT TO:<b@example.org>")
    await client.start_tls(context)
    assert (await client.ask("RCPT TO:<b@example.org>")).startswith("503 5.5.1 ")
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("503 ")
    await client.ask("EHLO client.example")
    assert (await client.send(MAIL)).startswith("250 ")
    (envelope,) = seen
    assert (envelope.mail_from, envelope.client_addr, envelope.client_name) == ("a@example.org", "", "")
    assert not envelope.authenticated
    assert hop.messages[0].endswith(MAIL)


# CVE-2011-0411
@pytest.mark.parametrize("parts", [1, 2])
async def test_plaintext_behind_starttls_is_never_obeyed(parts, start_with_tls, connect, context, caplog):
    running, hop = await start_with_tls()
    client = await connect(running)
    await client.hello()
    injected = b"EHLO evil.example\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nevil\r\n.\r\n"
    # The second time the end of the plaintext has no line end, and would begin the first line under TLS.
    client.writer.write(b"STARTTLS\r\n" + (injected if parts == 1 else injected + b"XX"))
    assert (await client.reply()).startswith("220 ")
    await client.writer.start_tls(context, server_hostname="filter.example")
    client.writer.write(b"NOOP\r\n")
    assert await client.reply() == "250 OK"
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("503 ")
    assert hop.transactions == []
    assert "commands behind STARTTLS are not obeyed" in caplog.text


async def test_plaintext_after_the_220_ends_the_connection(start_with_tls, connect, caplog):
    running, hop = await start_with_tls()
    client = await connect(running)
    await client.hello()
    assert (await client.ask("STARTTLS")).startswith("220 ")
    client.writer.write(b"EHLO evil.example\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
    # A TLS alert may come; no SMTP does.
    assert b"250" not in await client.reader.read()
    await running.service.empty()
    assert hop.transactions == []
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert warning.getMessage().startswith("client 127.0.0.1: no TLS: ")


async def test_a_client_that_leaves_in_the_handshake(start_with_tls, connect, caplog):
    running, _ = await start_with_tls()
    for how in ("abort", "eof"):
        client = await connect(running)
        await client.hello()
        await client.ask("STARTTLS")
        if how == "abort":
            client.break_off()
        else:
            client.writer.write_eof()
        await running.service.empty()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_client_that_does_nothing_in_the_handshake(start_with_tls, connect, caplog):
    running, _ = await start_with_tls(command_timeout=0.3)
    client = await connect(running)
    await client.hello()
    await client.ask("STARTTLS")
    assert await client.reader.read() == b""
    await running.service.empty()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_idle_client_gets_421_under_tls(start_with_tls, connect, context):
    running, _ = await start_with_tls(command_timeout=0.5)
    client = await connect(running)
    await client.hello()
    await client.start_tls(context)
    assert (await client.reply()).startswith("421 4.4.2 ")
    assert await client.reader.read() == b""
    await running.service.empty()


async def test_a_client_that_goes_away_under_tls(start_with_tls, connect, context, caplog):
    running, hop = await start_with_tls()
    client = await connect(running)
    await client.hello()
    await client.start_tls(context)
    await client.ask("EHLO client.example")
    await client.open_data()
    client.writer.write(b"Subject: half")
    await client.writer.drain()
    client.break_off()
    await running.service.empty()
    assert hop.messages == []
    assert running.service.memory.in_hand == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_versions_of_today(version, start_with_tls, connect, context):
    context.minimum_version = context.maximum_version = version
    running, _ = await start_with_tls()
    client = await connect(running)
    await client.hello()
    await client.start_tls(context)
    assert (await client.ask("EHLO client.example")).startswith("250-")


async def test_older_versions_are_refused(start_with_tls, connect, context):
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    running, _ = await start_with_tls()
    client = await connect(running)
    await client.hello()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await client.start_tls(context)
    await running.service.empty()


async def test_without_tls_nothing_is_taken_where_it_is_required(start_with_tls, connect, context):
    running, hop = await start_with_tls(required=True)
    client = await connect(running)
    assert (await client.reply()).startswith("220 ")
    for command in ("HELO a", "MAIL FROM:<a@example.org>", "RCPT TO:<a@example.org>", "DATA", "RSET", "VRFY a",
                    "XFORWARD ADDR=192.0.2.1", "XCLIENT ADDR=192.0.2.1"):  # fmt: skip
        assert await client.ask(command) == "530 5.7.0 Must issue a STARTTLS command first"
    assert (await client.ask("NOOP")).startswith("250 ")
    assert "250-STARTTLS\n" in await client.ask("EHLO client.example")
    await client.start_tls(context)
    await client.ask("EHLO client.example")
    assert (await client.send(MAIL)).startswith("250 ")
    assert len(hop.messages) == 1


async def test_quit_is_heard_where_tls_is_required(start_with_tls, connect):
    running, _ = await start_with_tls(required=True)
    client = await connect(running)
    await client.reply()
    assert (await client.ask("QUIT")).startswith("221 ")
    assert await client.reply() == ""


async def test_requiretls_is_for_sessions_under_tls(start_with_tls, connect, context, authority):
    hop = TlsHop(context=authority.certify("127.0.0.1").context)
    server = await asyncio.start_server(hop.serve, "127.0.0.1", 0)
    hop.address = address_of(server.sockets[0])
    running, _ = await start_with_tls(hop=hop, next_hop_tls="verify", next_hop_ca_file=authority.ca_file)
    client = await connect(running)
    assert "REQUIRETLS" not in await client.hello()
    assert (await client.ask("MAIL FROM:<a@example.org> REQUIRETLS")).startswith("555 5.5.4 ")
    await client.start_tls(context)
    assert "250-REQUIRETLS\n" in await client.ask("EHLO client.example")
    assert (await client.send(MAIL, "<a@example.org> REQUIRETLS")).startswith("250 ")
    assert "MAIL FROM:<a@example.org> REQUIRETLS" in hop.encrypted
    server.close()
    await hop.close()


async def test_requiretls_is_not_offered_for_a_next_hop_without(start_with_tls, start_hop, connect, context):
    running, _ = await start_with_tls(hop=await start_hop(offers=OFFERS))
    client = await connect(running)
    await client.hello()
    await client.start_tls(context)
    assert "REQUIRETLS" not in await client.ask("EHLO client.example")
    assert (await client.ask("MAIL FROM:<a@example.org> REQUIRETLS")).startswith("555 5.5.4 ")


async def test_stop_finishes_mail_in_transfer_under_tls(start_with_tls, connect, context):
    running, hop = await start_with_tls()
    idle, in_data = await connect(running), await connect(running)
    for client in (idle, in_data):
        await client.hello()
        await client.start_tls(context)
        await client.ask("EHLO client.example")
    await in_data.open_data()
    stopping = asyncio.create_task(running.service.stop(5))
    assert (await idle.reply()).startswith("421 4.3.2 ")
    assert (await in_data.finish(MAIL)).startswith("250 ")
    assert (await in_data.reply()).startswith("421 4.3.2 ")
    await stopping
    assert len(hop.messages) == 1


async def test_lmtp_offers_it_too(start_with_tls, connect, context):
    running, hop = await start_with_tls(lmtp="127.0.0.1:0")
    client = await connect(running.lmtp)
    await client.reply()
    assert "250-STARTTLS\n" in await client.ask("LHLO client.example")
    await client.start_tls(context)
    await client.ask("LHLO client.example")
    assert (await client.send(MAIL)).startswith("250 ")
    assert b" with LMTPS id" in hop.messages[0]


async def test_by_unix_socket(start_with_tls, connect, context, tmp_path):
    running, _ = await start_with_tls(listen=f"unix:{tmp_path}/s")
    client = await connect(running)
    await client.hello()
    await client.start_tls(context)
    await client.ask("EHLO client.example")
    assert (await client.send(MAIL)).startswith("250 ")
