"""Relay by SMTP: connections are kept, and nothing is accepted twice or half."""

import asyncio
import contextlib

import pytest

from milter.actions import smtp
from milter.actions.nexthop import Reply
from milter.actions.smtp import SmtpHop
from milter.errors import NextHopError

MESSAGE = [b"Received: x\r\n", b"Subject: y\r\n\r\n.z\r\n"]


@pytest.fixture
async def relay(start_hop):
    """A fake next hop and our side of it."""
    opened = []

    async def start(patience=5.0, **settings):
        hop = await start_hop(**settings)
        opened.append(SmtpHop(hop.address, helo_name="filter.example", timeout=patience))
        return hop, opened[-1]

    yield start
    for ours in opened:
        await ours.close()


async def send(ours, recipient="<b@example.org>", parts=MESSAGE, forwarded=None):
    transaction = await ours.begin("<a@example.org>", [], forwarded or {})
    reply = await transaction.rcpt(recipient, [])
    if not reply.accepted:
        transaction.abandon()
        return reply
    return await transaction.data(parts)


async def test_connections_are_used_again(relay):
    hop, ours = await relay()
    for _ in range(3):
        assert await send(ours) == Reply(250, ("2.0.0 Ok: queued as HOP1",))
    assert hop.connections == 1
    assert hop.messages == [b"".join(MESSAGE)] * 3


async def test_mails_at_the_same_time_have_connections_of_their_own(relay):
    hop, ours = await relay()
    await asyncio.gather(*(send(ours) for _ in range(5)))
    assert hop.connections == 5
    await asyncio.gather(*(send(ours) for _ in range(5)))
    assert hop.connections == 5


async def test_a_connection_carries_a_limited_number_of_mails(relay, monkeypatch):
    monkeypatch.setattr(smtp, "MAILS_PER_CONNECTION", 2)
    hop, ours = await relay()
    for _ in range(5):
        await send(ours)
    assert hop.connections == 3


async def test_idle_connections_are_given_up(relay, monkeypatch):
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 0.05)
    hop, ours = await relay()
    await send(ours)
    await hop.until(lambda: "QUIT" in hop.commands)
    assert (await send(ours)).accepted
    assert hop.connections == 2


async def test_a_connection_closed_while_idle_costs_no_mail(relay):
    hop, ours = await relay()
    await send(ours)
    await hop.close()
    # The closing may not have reached us when the next mail comes.
    assert (await send(ours)).accepted
    assert len(hop.messages) == 2


async def test_a_connection_that_speaks_unasked_is_given_up(relay):
    """Its replies would be taken for those to later commands."""
    hop, ours = await relay()
    await send(ours)
    hop.writers[0].write(b"250 surprise\r\n")
    await hop.until(lambda: "QUIT" in hop.commands)
    hop.answers["RCPT"] = "550 5.1.1 no"
    assert await send(ours) == Reply(550, ("5.1.1 no",))
    assert hop.connections == 2


@pytest.mark.parametrize("farewell", ["421 4.4.2 Timeout", "drop"])
async def test_a_connection_that_ends_with_the_first_command_costs_no_mail(relay, farewell):
    hop, ours = await relay(answers={"MAIL": ["250 Ok", farewell, "250 Ok"]})
    await send(ours)
    assert (await send(ours)).accepted
    assert len(hop.messages) == 2
    assert hop.connections == 2


async def test_a_fresh_connection_is_not_tried_twice(relay):
    hop, ours = await relay(answers={"MAIL": "drop"})
    with pytest.raises(NextHopError):
        await send(ours)
    assert hop.connections == 1


@pytest.mark.parametrize("answer", ["drop", "hang"])
@pytest.mark.parametrize("event", ["connect", "EHLO", "RCPT", "DATA", "message"])
async def test_a_next_hop_that_fails_at_any_point(relay, event, answer):
    hop, ours = await relay(patience=0.2, answers={event: answer})
    with pytest.raises(NextHopError):
        await send(ours)
    hop.answers.clear()
    assert (await send(ours)).accepted


@pytest.mark.parametrize("garbage", ["hello", "2500 x", "25 x", "x" * 200_000, "250-x\r\n" * 2000 + "250 x"])
async def test_a_next_hop_that_talks_nonsense(relay, garbage):
    _, ours = await relay(patience=1.0, answers={"RCPT": garbage})
    with pytest.raises(NextHopError):
        await send(ours)


async def test_without_pipelining_each_command_waits(relay):
    hop, ours = await relay(offers=("8BITMIME", "XFORWARD ADDR"), answers={"MAIL": "550 5.7.1 no"})
    assert await send(ours, forwarded={"ADDR": "192.0.2.1"}) == Reply(550, ("5.7.1 no",))
    assert hop.transactions == ["XFORWARD ADDR=192.0.2.1", "MAIL FROM:<a@example.org>"]


async def test_a_hop_that_knows_no_ehlo(relay):
    hop, ours = await relay(answers={"EHLO": "502 what?"})
    assert (await send(ours)).accepted
    assert hop.commands[:3] == ["EHLO filter.example", "HELO filter.example", "MAIL FROM:<a@example.org>"]


async def test_size_is_kept_from_a_hop_that_does_not_know_it(relay):
    hop, ours = await relay(offers=("PIPELINING", "8BITMIME"))
    transaction = await ours.begin("<>", ["SIZE=5", "BODY=8BITMIME"], {})
    await transaction.rcpt("<b@example.org>", [])
    transaction.abandon()
    assert hop.transactions[0] == "MAIL FROM:<> BODY=8BITMIME"


@pytest.mark.parametrize(
    ("parameter", "refusal"),
    [
        ("SMTPUTF8", "550 5.6.7 The next hop does not offer SMTPUTF8"),
        ("Body=8bitmime", "554 5.6.3 The next hop does not offer 8BITMIME"),
        ("REQUIRETLS", "550 5.7.30 REQUIRETLS support required"),
    ],
)
async def test_a_mail_that_the_next_hop_will_never_be_able_to_take_is_refused_for_good(relay, parameter, refusal):
    hop, ours = await relay(offers=("PIPELINING", "SIZE"))
    transaction = await ours.begin("<a@example.org>", [parameter, "SIZE=5"], {})
    for recipient in ("<b@example.org>", "<c@example.org>"):
        assert str(await transaction.rcpt(recipient, [])) == refusal
    transaction.abandon()
    assert (await send(ours)).accepted
    assert not any(parameter in command for command in hop.commands)
    assert hop.connections == 1


async def test_an_extension_that_only_adds_to_a_mail_is_waited_for(relay):
    hop, ours = await relay(offers=("PIPELINING",))
    transaction = await ours.begin("<a@example.org>", ["RET=HDRS"], {})
    with pytest.raises(NextHopError, match="does not offer DSN"):
        await transaction.rcpt("<b@example.org>", [])
    transaction.abandon()
    assert (await send(ours)).accepted
    assert hop.connections == 1


async def test_seven_bits_need_no_word(relay):
    hop, ours = await relay(offers=("PIPELINING",))
    transaction = await ours.begin("<a@example.org>", ["BODY=7BIT"], {})
    assert (await transaction.rcpt("<b@example.org>", [])).accepted
    transaction.abandon()
    assert hop.transactions[0] == "MAIL FROM:<a@example.org>"


async def test_whether_it_answers_can_be_seen(relay):
    hop, ours = await relay(answers={"connect": ["220 hop", "421 busy", "220 hop"]})
    ((address, first),) = ours.health().items()
    assert (address, first.up) == (str(hop.address), True)
    await send(ours)
    assert ours.health() == {address: first}
    await ours.close()
    with pytest.raises(NextHopError):
        await send(ours)
    down = ours.health()[address]
    assert (down.up, down.since >= first.since) == (False, True)
    await send(ours)
    assert ours.health()[address].up


async def test_xforward_is_cut_to_what_is_asked_for_and_to_short_lines(relay):
    hop, ours = await relay(offers=("PIPELINING", "XFORWARD NAME ADDR HELO"))
    forwarded = {"NAME": "n" * 400, "ADDR": "192.0.2.1", "PORT": "1", "HELO": "h" * 200}
    assert (await send(ours, forwarded=forwarded)).accepted
    assert hop.transactions[:2] == [f"XFORWARD NAME={'n' * 400} ADDR=192.0.2.1", f"XFORWARD HELO={'h' * 200}"]


async def test_refused_xforward_costs_no_mail(relay):
    _, ours = await relay(answers={"XFORWARD": "550 5.7.1 not for you"})
    assert (await send(ours, forwarded={"ADDR": "192.0.2.1"})).accepted


async def test_abandoned_mail_leaves_the_connection_usable(relay):
    hop, ours = await relay()
    transaction = await ours.begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])
    transaction.abandon()
    transaction.abandon()
    assert (await send(ours)).accepted
    assert hop.connections == 1
    assert "RSET" in hop.commands
    assert hop.messages == [b"".join(MESSAGE)]


async def test_breaking_off_before_the_final_dot_leaves_nothing(relay):
    hop, ours = await relay(patience=60)
    hop.data_seen.clear()
    transaction = await ours.begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])
    # More than sockets hold, to a next hop that stops reading: it cannot be through.
    hop.stop_reading = True
    sending = asyncio.create_task(transaction.data([b"x" * 998 + b"\r\n"] * 60_000))
    await hop.data_seen.wait()
    await asyncio.sleep(0.1)
    assert not transaction.committed
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    hop.stop_reading = False
    hop.read_on.set()
    assert (await send(ours)).accepted
    assert hop.messages == [b"".join(MESSAGE)]


@pytest.mark.parametrize("size", [10, 400_000])
async def test_the_end_of_a_mail_waits_for_who_wants_to_know(relay, size):
    hop, ours = await relay()
    transaction = await ours.begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def before_end() -> None:
        asked.set()
        await go_on.wait()

    sending = asyncio.create_task(transaction.data([b"x" * 70 + b"\r\n"] * (size // 10), before_end))
    await asked.wait()
    await asyncio.sleep(0.05)
    assert (hop.messages, transaction.committed) == ([], False)
    go_on.set()
    assert (await sending).accepted
    assert (len(hop.messages), transaction.committed) == (1, True)


async def test_who_objects_to_the_end_of_a_mail_takes_it_back(relay):
    hop, ours = await relay()
    transaction = await ours.begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])

    async def before_end() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await transaction.data([b"x" * 70 + b"\r\n"] * 10_000, before_end)
    assert not transaction.committed
    await hop.until(lambda: bool(hop.unfinished))
    assert hop.messages == []
    assert (await send(ours)).accepted


async def test_a_next_hop_that_leaves_before_the_end_is_known_to_have_nothing(relay):
    hop, ours = await relay()
    transaction = await ours.begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])

    async def before_end() -> None:
        await hop.close()
        await asyncio.sleep(0.05)

    with pytest.raises(NextHopError):
        await transaction.data(MESSAGE, before_end)
    assert not transaction.committed


@pytest.mark.parametrize(
    "answers",
    [{"DATA": "250 Ok"}, {"MAIL": "354 Ok"}, {"RCPT": "354 Ok"}, {"message": "354 Ok"}, {"message": "150 Ok"}],
    ids=str,
)
async def test_answers_out_of_place_accept_nothing(relay, answers):
    _, ours = await relay(answers=answers)
    with pytest.raises(NextHopError):
        await send(ours)


async def test_control_characters_of_the_next_hop_go_no_further(relay):
    _, ours = await relay(answers={"RCPT": "550 5.1.1 a\r250 b\x1b[2J"})
    assert await send(ours) == Reply(550, ("5.1.1 a?250 b?[2J",))


async def test_eight_bit_replies_and_addresses_pass(relay):
    hop, ours = await relay(answers={"RCPT": "550 5.1.1 \udcff gibt's nicht"})
    reply = await send(ours, recipient="<\udce4@example.org>")
    assert bytes(reply) == b"550 5.1.1 \xff gibt's nicht"
    assert "RCPT TO:<\udce4@example.org>" in hop.commands


def test_replies_on_the_wire():
    assert bytes(Reply(250, ("a", "", "b"))) == b"250-a\r\n250-\r\n250 b"
    assert str(Reply(451, ("4.3.0 x",))) == "451 4.3.0 x"


@pytest.mark.parametrize("event", ["RCPT", "DATA", "message"])
async def test_a_reply_that_nobody_asked_for_is_never_taken_for_one_to_a_later_command(relay, event):
    ok = {"DATA": "354 Go ahead"}.get(event, "250 Ok")
    _, ours = await relay(answers={"RCPT TO:<c@": "550 5.1.1 no", event: [f"{ok}\r\n250 Ok", ok]})
    with contextlib.suppress(NextHopError):
        await send(ours)
    assert await send(ours, "<c@example.org>") == Reply(550, ("5.1.1 no",))


async def test_a_reply_ahead_of_the_end_of_a_mail_accepts_nothing(relay):
    _, ours = await relay(answers={"DATA": "354 Go ahead\r\n250 2.0.0 Ok", "message": "451 4.3.0 full"})
    with pytest.raises(NextHopError):
        await send(ours)


async def test_a_next_hop_that_floods_replies_is_given_up(relay):
    hop, ours = await relay()
    transaction = await ours.begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])
    hop.writers[0].write(100_000 * b"250 Ok\r\n")
    connection = transaction._connection
    await hop.until(lambda: connection.closed)
    assert connection.closed
    assert len(connection._replies) < 2000


@pytest.mark.parametrize("code", [600, 999])
async def test_a_code_that_is_none_of_smtp_goes_no_further(relay, code):
    _, ours = await relay(answers={"RCPT": f"{code} no"})
    with pytest.raises(NextHopError):
        await send(ours)


async def test_a_second_reply_to_one_recipient_does_not_accept_the_next(relay):
    _, ours = await relay(answers={"RCPT TO:<b@": "250 Ok\r\n250 Ok", "RCPT TO:<c@": "550 5.1.1 no"})
    transaction = await ours.begin("<a@example.org>", [], {})
    assert (await transaction.rcpt("<b@example.org>", [])).accepted
    with pytest.raises(NextHopError, match="not asked"):
        await transaction.rcpt("<c@example.org>", [])
