"""Relay attempts: from outside nobody gets past the greeting, and inside nobody is helped by us to trick the next hop.

The forms are those of the classic open relay tests: the list of abuse.net's mail relay testing
(www.abuse.net/relay.html) and of Nmap's smtp-open-relay.nse, both after RFC 2505 §2.1 and RFC 5321 appendix C.
"""

import pytest

HERE, TARGET = "filter.example", "victim@elsewhere.example"
ATTEMPTS = [
    ("<spam@abuse.example>", f"<{TARGET}>"),
    ("<spam>", f"<{TARGET}>"),
    ("<>", f"<{TARGET}>"),
    (f"<spam@{HERE}>", f"<{TARGET}>"),
    ("<spam@[127.0.0.1]>", f"<{TARGET}>"),
    ("<spam@localhost>", f"<{TARGET}>"),
    (f"<spam@{HERE}>", f"<victim%elsewhere.example@{HERE}>"),
    (f"<spam@{HERE}>", "<victim%elsewhere.example@[127.0.0.1]>"),
    (f"<spam@{HERE}>", f'<"{TARGET}">'),
    (f"<spam@{HERE}>", '<"victim%elsewhere.example">'),
    (f"<spam@{HERE}>", f"<{TARGET}@{HERE}>"),
    (f"<spam@{HERE}>", f'<"{TARGET}"@{HERE}>'),
    (f"<spam@{HERE}>", f"<{TARGET}@[127.0.0.1]>"),
    (f"<spam@{HERE}>", f"<@{HERE}:{TARGET}>"),
    (f"<spam@{HERE}>", f"<@[127.0.0.1]:{TARGET}>"),
    (f"<spam@{HERE}>", f"<@{HERE},@other.example:{TARGET}>"),
    (f"<spam@{HERE}>", "<elsewhere.example!victim>"),
    (f"<spam@{HERE}>", f"<elsewhere.example!victim@{HERE}>"),
    (f"<spam@{HERE}>", "<elsewhere.example!victim@[127.0.0.1]>"),
    (f"<spam@{HERE}>", f"<{TARGET}.>"),
    (f"<spam@{HERE}>", f"<victim%elsewhere.example@{HERE}.>"),
    ("<postmaster>", "<victim@[192.0.2.99]>"),
    (f"<spam@{HERE}>", "<victim@[IPv6:2001:db8::99]>"),
]


def test_there_are_twenty_and_more():
    assert len(set(ATTEMPTS)) == len(ATTEMPTS) >= 20


@pytest.mark.parametrize(("sender", "recipient"), ATTEMPTS)
async def test_a_stranger_is_turned_away_at_the_greeting(sender, recipient, start_hop, start_filter, connect):
    hop = await start_hop()
    running = await start_filter(hop, trusted_clients=["192.0.2.0/24"])
    client = await connect(running)
    client.writer.write(
        f"EHLO {HERE}\r\nMAIL FROM:{sender}\r\nRCPT TO:{recipient}\r\nDATA\r\nSubject: x\r\n\r\n.\r\n".encode()
    )
    assert (await client.reply()).startswith("554 5.7.1 ")
    assert await client.reply() == ""
    await running.service.empty()
    assert hop.commands == []


@pytest.mark.parametrize(("sender", "recipient"), ATTEMPTS)
async def test_what_the_next_hop_refuses_is_refused(sender, recipient, start_hop, start_filter, connect):
    hop = await start_hop(answers={"RCPT": "554 5.7.1 Relay access denied"})
    client = await connect(await start_filter(hop))
    await client.hello()
    assert (await client.ask(f"MAIL FROM:{sender}")).startswith("250 ")
    assert await client.ask(f"RCPT TO:{recipient}") == "554 5.7.1 Relay access denied"
    assert (await client.ask("DATA")).startswith("554 5.5.1 ")
    assert hop.transactions == [f"MAIL FROM:{sender}", f"RCPT TO:{recipient}"]
    assert hop.messages == []


@pytest.mark.parametrize(("sender", "recipient"), ATTEMPTS)
async def test_paths_reach_the_next_hop_as_they_came(sender, recipient, start_hop, start_filter, connect):
    hop = await start_hop()
    client = await connect(await start_filter(hop))
    await client.hello()
    assert (await client.send(b"Subject: x\r\n\r\n", sender, recipient)).startswith("250 ")
    assert hop.transactions == [f"MAIL FROM:{sender}", f"RCPT TO:{recipient}", "DATA"]


@pytest.mark.parametrize("recipient", [TARGET, f"victim%elsewhere.example@{HERE}", f'"{TARGET}"@{HERE}'])
async def test_brackets_that_were_left_out_are_all_that_is_added(recipient, start_hop, start_filter, connect):
    hop = await start_hop(answers={"RCPT": "554 5.7.1 Relay access denied"})
    client = await connect(await start_filter(hop))
    await client.hello()
    await client.ask("MAIL FROM:spam@abuse.example")
    assert await client.ask(f"RCPT TO:{recipient}") == "554 5.7.1 Relay access denied"
    assert hop.transactions == ["MAIL FROM:<spam@abuse.example>", f"RCPT TO:<{recipient}>"]


async def test_no_claim_of_a_stranger_makes_it_trusted(start_hop, start_filter, connect):
    hop = await start_hop()
    running = await start_filter(hop, trusted_clients=["192.0.2.0/24"])
    for claim in (b"XCLIENT ADDR=192.0.2.1\r\n", b"XFORWARD ADDR=192.0.2.1\r\n",
                  b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\n"):  # fmt: skip
        client = await connect(running)
        client.writer.write(claim + b"EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n")
        assert (await client.reply()).startswith("554 5.7.1 ")
        assert await client.reply() == ""
    await running.service.empty()
    assert hop.commands == []
