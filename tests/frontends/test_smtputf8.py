"""Internationalized mail (RFC 6531): taken for a next hop that takes it, and else refused for good."""

import pytest

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n"
WITHOUT = ("PIPELINING", "8BITMIME", "SIZE 200000000")
NON_ASCII = "MAIL FROM:<jörg@example.org>"


async def test_a_next_hop_that_takes_it(start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    assert "250-SMTPUTF8\n" in await client.hello()
    assert (await client.ask(NON_ASCII)).startswith("553 5.6.7 ")
    assert (await client.ask(f"{NON_ASCII} SMTPUTF8")).startswith("250 ")
    assert (await client.ask("RCPT TO:<łucja@example.org>")).startswith("250 ")
    assert hop.transactions == [f"{NON_ASCII} SMTPUTF8", "RCPT TO:<łucja@example.org>"]


async def test_a_next_hop_that_does_not(start_hop, start_filter, connect):
    hop = await start_hop(offers=WITHOUT)
    client = await connect(await start_filter(hop))
    assert "SMTPUTF8" not in await client.hello()
    assert (await client.ask(f"{NON_ASCII} SMTPUTF8")).startswith("550 5.6.7 ")
    assert (await client.ask("MAIL FROM:<a@example.org> SMTPUTF8")).startswith("550 5.6.7 ")
    assert (await client.ask(NON_ASCII)).startswith("553 5.6.7 ")
    assert (await client.ask("MAIL FROM:<a@example.org>")).startswith("250 ")
    assert (await client.ask("RCPT TO:<łucja@example.org>")).startswith("553 5.6.7 ")
    assert (await client.ask("RCPT TO:<b@example.org>")).startswith("250 ")
    assert hop.transactions == ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>"]


@pytest.mark.parametrize("sender", ["MAIL FROM:<a@example.org> SMTPUTF8", f"{NON_ASCII} SMTPUTF8"])
async def test_a_next_hop_that_was_away_and_proves_not_to(sender, start_hop, start_filter, connect):
    hop = await start_hop(offers=WITHOUT, answers={"connect": ["421 4.3.2 starting", "220 hop.example"]})
    client = await connect(await start_filter(hop))
    # While it cannot be asked, no client is to change its mail.
    assert "250-SMTPUTF8\n" in await client.hello()
    first = await client.ask(sender)
    refusal = first if first.startswith("5") else await client.ask("RCPT TO:<b@example.org>")
    assert refusal.startswith(("550 5.6.7 ", "553 5.6.7 "))
    assert not any(command.startswith(("MAIL", "RCPT")) for command in hop.transactions)
    assert (await client.ask("DATA"))[:3] in {"503", "554"}
    await client.ask("RSET")
    assert (await client.send(MAIL)).startswith("250 ")


async def test_a_maildir_takes_it(start_filter, connect):
    client = await connect(await start_filter())
    hello = await client.hello()
    taken = (await client.ask("MAIL FROM:<a@example.org> SMTPUTF8")).startswith("250 ")
    assert taken == ("SMTPUTF8" in hello)
