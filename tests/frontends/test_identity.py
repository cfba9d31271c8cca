"""The real client behind ours: what XFORWARD says of a mail, XCLIENT of a session, and nobody of a neighbour."""

import pytest

from milter.frontends.identity import ClientIdentity
from milter.frontends.service import Peer
from milter.model import Verdict

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
NEIGHBOUR, OUTSIDER = Peer("10.0.0.1", True, False), Peer("8.8.8.8", True, True)


@pytest.fixture
def open_session(start_hop, start_filter, connect):
    """A session that has said EHLO, its next hop, and the envelopes of its mails: `await open_session()`."""

    async def start(**settings):
        seen = []

        async def inspector(raw, envelope):
            seen.append(envelope)
            return Verdict()

        hop = await start_hop()
        client = await connect(await start_filter(hop, inspector, **settings))
        await client.hello()
        return client, hop, seen

    return start


@pytest.mark.parametrize(
    ("xforward", "expected"),
    [
        ("NAME=spike.example ADDR=192.0.2.7 HELO=spike IDENT=4Qx1", ("192.0.2.7", "spike.example", "spike", "4Qx1")),
        ("ADDR=IPV6:2001:db8::7 HELO=a+20b+0Ac", ("2001:db8::7", "", "a b?c", None)),
        ("NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL] HELO=[unavailable]", ("", "", "", None)),
        (None, ("", "", "", None)),
    ],
)
async def test_xforward_names_the_client(xforward, expected, start_hop, start_filter, connect):
    seen = []

    async def inspector(raw, envelope):
        seen.append(envelope)
        return Verdict()

    client = await connect(await start_filter(await start_hop(), inspector))
    await client.hello()
    if xforward:
        assert (await client.ask(f"XFORWARD {xforward}")).startswith("250 ")
    await client.send(MAIL)
    await client.send(MAIL)
    first, second = seen
    assert (first.client_addr, first.client_name, first.helo_name) == expected[:3]
    assert first.queue_id == expected[3] if expected[3] else first.queue_id.isalnum()
    # What was forwarded belongs to one mail only.
    assert (second.client_addr, second.client_name, second.helo_name) == ("", "", "")


async def test_xclient_is_offered(open_session):
    client, _, _ = await open_session()
    assert (await client.ask("EHLO a")).endswith("\n250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT")


async def test_xclient_stands_for_a_session_and_xforward_for_a_mail(open_session):
    client, hop, seen = await open_session()
    reply = await client.ask("XCLIENT NAME=spike.example ADDR=192.0.2.7 PORT=4711 PROTO=ESMTP DESTADDR=192.0.2.1")
    assert reply == "220 filter.example blackmail-filter"
    # As at the greeting: EHLO must be said again.
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("503 ")
    await client.ask("EHLO spike")
    for _ in range(2):
        assert (await client.send(MAIL)).startswith("250 ")
    await client.ask("XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.8 HELO=other IDENT=4Qx1")
    await client.send(MAIL)
    await client.send(MAIL)
    session = ("192.0.2.7", "spike.example", "spike")
    known = [(one.client_addr, one.client_name, one.helo_name) for one in seen]
    assert known == [session, session, ("192.0.2.8", "", "other"), session]
    assert seen[2].queue_id == "4Qx1"
    assert not any(envelope.authenticated for envelope in seen)
    # Our own client stays who it is.
    assert all(message.startswith(b"Received: from spike ([127.0.0.1]) by ") for message in hop.messages)
    assert "XFORWARD NAME=spike.example ADDR=192.0.2.7 PORT=4711 PROTO=ESMTP" in hop.transactions


async def test_a_login_makes_the_client_one_of_ours(open_session):
    client, _, seen = await open_session()
    await client.ask("XCLIENT ADDR=IPV6:2001:db8::7 LOGIN=anna HELO=laptop")
    await client.ask("EHLO gateway.example")
    await client.send(MAIL)
    await client.ask("XFORWARD ADDR=192.0.2.8")
    await client.send(MAIL)
    await client.ask("XCLIENT LOGIN=[UNAVAILABLE]")
    await client.ask("EHLO gateway.example")
    await client.send(MAIL)
    assert [envelope.authenticated for envelope in seen] == [True, False, False]
    assert (seen[0].client_addr, seen[0].helo_name) == ("2001:db8::7", "laptop")


async def test_xclient_inside_a_mail_is_refused(open_session):
    client, _, _ = await open_session()
    await client.ask("MAIL FROM:<a@example.org>")
    assert (await client.ask("XCLIENT ADDR=192.0.2.7")).startswith("503 5.5.1 ")


@pytest.mark.parametrize("argument", ["", " ", " ADDR=here", " IDENT=1", " NAME", " ADDR=192.0.2.7 HELO"])
async def test_broken_xclient_changes_nothing(argument, open_session):
    client, _, seen = await open_session()
    assert (await client.ask(f"XCLIENT{argument}")).startswith("501 5.5.4 ")
    assert (await client.send(MAIL)).startswith("250 ")
    assert seen[0].client_addr == ""


async def test_trust_stays_with_the_peer(open_session):
    client, _, _ = await open_session()
    assert (await client.ask("XCLIENT ADDR=198.51.100.7")).startswith("220 ")
    await client.ask("EHLO a")
    assert (await client.send(MAIL)).startswith("250 ")


def test_a_peer_from_outside_is_the_client_and_a_neighbour_is_not():
    identity = ClientIdentity()
    assert identity.known(NEIGHBOUR, "mx.example") == {}
    assert identity.known(OUTSIDER, "mx.example") == {"ADDR": "8.8.8.8", "HELO": "mx.example"}
    identity.take_xforward({"IDENT": "4Qx1"})
    assert identity.known(OUTSIDER, "mx.example") == {"IDENT": "4Qx1"}


def test_the_name_of_a_mail_is_one_word():
    identity = ClientIdentity()
    identity.take_xforward({"IDENT": "4Qx1+20client=192.0.2.1+E2+80+A8x"})
    assert identity.queue_id == "4Qx1?client=192.0.2.1?x"
