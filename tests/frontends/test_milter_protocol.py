"""The milter as an MTA hears it: dialogues of packets with the real server."""

import asyncio
import logging
import re
import socket
import struct
from datetime import UTC, datetime

import miltertest
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mail_shapes import make
from milter_mta import ALL_EDITS, ALL_STEPS, packet

from milter.config import Config
from milter.frontends import milter_protocol
from milter.frontends.service import Service
from milter.model import Verdict
from milter.store.records import SenderEntry

MAIL = (
    b"From: Anna <a@example.org>\r\n"
    b"To: b@example.org,\r\n"
    b"\tc@example.org\r\n"
    b"Subject:  two spaces, \xc3\xb6\xff\r\n"
    b"X-Tight:none\r\n"
    b"X-Empty:\r\n"
    b"X-Empty: second\r\n"
    b"\r\n"
    b"Hello\r\n"
    b".\r\n"
    b"\r\n"
    b"last line\r\n"
)
FORGED = (
    b"X-Blackmail-Flag: NO\r\n"
    b"Authentication-Results: elsewhere.example; spf=pass\r\n"
    b"x-blackmail-FLAG: NO\r\n"
    b"X-BLACKMAIL-Flag:\r\n NO\r\n"
    b"Authentication-Results: filter.example;\r\n spf=pass\r\n"
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
QUARANTINE = Verdict(action="quarantine", score=12.0, kind="bomb")


@pytest.fixture
def seen():
    """What the inspector of `judge` was shown: raw mail and envelope."""
    return []


@pytest.fixture
def judge(seen, sextortion):
    """A fake inspector that goes by a word."""

    async def inspector(raw, envelope):
        seen.append((raw, envelope))
        return sextortion if b"EXTORTION" in raw else Verdict()

    return inspector


async def nothing_found(raw, envelope):
    """An inspector that lets everything pass."""
    return Verdict()


# Negotiation.
async def test_what_is_asked_for(start_milter, call):
    mta = await call(await start_milter(), negotiate=False)
    version, edits, steps = await mta.negotiate()
    assert version == 6
    # Add header, change body, change header, quarantine.
    assert edits == 0x1 | 0x2 | 0x10 | 0x20
    # No reply up to the end of the message, but to DATA; EOH and unknown commands left out; leading spaces shown.
    no_reply = 0x80 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x20000 | 0x40000 | 0x80000
    assert steps == no_reply | 0x40 | 0x100 | 0x100000
    mta.send(b"M", b"<a@example.org>\0")
    mta.send(b"T")
    assert await mta.read() == (b"c", b"")


async def test_nothing_is_asked_for_that_was_not_offered(start_milter, call):
    mta = await call(await start_milter(), negotiate=False)
    assert await mta.negotiate(version=4, edits=0x3F, steps=0x7F) == (4, 0x33, 0x40)
    future = await call(await start_milter(), negotiate=False)
    assert (await future.negotiate(version=7, steps=0xFFFFFFFF))[0] == 6


@pytest.mark.parametrize("lacking", [0x1, 0x2, 0x10, 0x20])
async def test_an_mta_that_cannot_do_our_edits_is_told_off(start_milter, call, caplog, lacking):
    mta = await call(await start_milter(), negotiate=False)
    mta.send(b"O", struct.pack("!III", 6, ALL_EDITS & ~lacking, ALL_STEPS))
    assert await mta.read() == (b"", b"")
    assert "does not let us change mail and quarantine" in caplog.text


# Recipients with different policies.
POLICIES = {"example.org": {"tag_at": 4}, "anna@example.org": {"quarantine": True}}


async def told(mta, recipients):
    """What the MTA hears at each of these."""
    replies = []
    for recipient in recipients:
        mta.send(b"R", b"<" + recipient + b">\0NOTIFY=NEVER\0")
        replies.append(await mta.read())
    return replies


async def test_a_recipient_with_another_policy_is_refused_for_now(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge, policies=POLICIES))
    assert not mta.steps & 0x8000
    mta.send(b"M", b"<a@example.net>\0")
    replies = await told(mta, [b"b@example.org", b"anna@example.org", b"c@example.org", b"x@example.net"])
    assert [letter for letter, _ in replies] == [b"c", b"y", b"c", b"y"]
    assert replies[1][1].startswith(b"452 4.5.3 ")
    mta.show(MAIL)
    assert (await mta.end())[-1][0] == b"c"
    mta.send(b"M", b"<a@example.net>\0")
    assert await told(mta, [b"anna@example.org", b"Anna+x@example.org"]) == [(b"c", b"")] * 2
    mta.show(MAIL)
    await mta.end()
    assert [envelope.rcpt_to for _, envelope in seen] == [
        ("b@example.org", "c@example.org"),
        ("anna@example.org", "Anna+x@example.org"),
    ]


async def test_nobody_is_refused_where_nobody_would_send_it_again(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge, policies=POLICIES), negotiate=False)
    await mta.negotiate()
    mta.connect(b"localhost", b"4\0\0" + b"127.0.0.1")
    mta.send(b"M", b"<a@example.net>\0")
    assert await told(mta, [b"b@example.org", b"anna@example.org"]) == [(b"c", b"")] * 2
    mta.show(MAIL)
    await mta.end()
    assert seen[0][1].rcpt_to == ("b@example.org", "anna@example.org")


async def test_a_session_that_began_before_there_were_differences_refuses_nobody(start_milter, call, judge, seen):
    running = await start_milter(judge)
    mta = await call(running)
    assert mta.steps & 0x8000
    running.service._policies.renew([SenderEntry("anna@example.org", "shop.test", "block", "admin", NOW)])
    mta.begin(recipients=(b"<b@example.org>", b"<anna@example.org>"))
    mta.show(MAIL)
    await mta.end()
    assert seen[0][1].rcpt_to == ("b@example.org", "anna@example.org")


# What the inspector sees.
async def test_a_mail_is_seen_as_it_was_received(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    mta.begin(recipients=(b"<b@example.org>", b"<c@example.org>"))
    mta.show(MAIL)
    await mta.end()
    ((raw, envelope),) = seen
    assert raw == MAIL
    assert (envelope.mail_from, envelope.rcpt_to) == ("a@example.org", ("b@example.org", "c@example.org"))
    assert (envelope.client_addr, envelope.client_name) == ("192.0.2.7", "client.example")
    assert (envelope.helo_name, envelope.queue_id) == ("helo.example", "4Xyz")
    assert not envelope.authenticated


async def test_a_large_body_comes_in_chunks(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    large = MAIL + b"0123456789abcde\r\n" * 20_000
    await mta.mail(large)
    assert seen[0][0] == large


async def test_an_mta_may_put_the_end_of_the_body_into_the_last_packet(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    mta.begin()
    mta.show(MAIL)
    mta.send(b"E", b"more\r\n")
    await mta.read()
    assert seen[0][0] == MAIL + b"more\r\n"


async def test_a_header_alone_is_a_mail(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    mta.begin()
    mta.send(b"L", b"Subject\0 x\0")
    assert (await mta.end())[-1][0] == b"c"
    assert seen[0][0] == b"Subject: x\r\n\r\n"


async def test_the_null_sender(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    mta.begin(sender=b"<>")
    await mta.end()
    assert seen[0][1].mail_from == ""


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        (b"client.example", b"6\0\x19IPv6:2001:DB8:0::1", ("2001:db8::1", "client.example")),
        (b"client.example", b"6\0\x192001:db8::1", ("2001:db8::1", "client.example")),
        (b"[192.0.2.7]", b"4\0\x19192.0.2.7", ("192.0.2.7", "")),
        (b"unknown", b"4\0\x19192.0.2.7", ("192.0.2.7", "")),
        (b"localhost", b"L\0\0/run/x", ("", "localhost")),
        (b"unknown", b"U", ("", "")),
        (b"client.example", b"4\0\x19not an address", ("", "client.example")),
    ],
)
async def test_the_client_is_known_in_each_family(start_milter, call, judge, seen, name, address, expected):
    mta = await call(await start_milter(judge))
    mta.connect(name, address)
    await mta.mail(MAIL)
    assert (seen[0][1].client_addr, seen[0][1].client_name) == expected


async def test_who_logged_in_is_known_for_one_mail_only(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    mta.macros(b"M", **{"{auth_authen}": b"anna"})
    await mta.mail(MAIL)
    await mta.mail(MAIL)
    assert [envelope.authenticated for _, envelope in seen] == [True, False]


async def test_a_queue_id_of_our_own_where_the_mta_tells_none(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    mta.send(b"M", b"<a@example.org>\0")
    await mta.end()
    assert re.fullmatch(r"[0-9A-F]{12,}", seen[0][1].queue_id)


async def test_of_many_recipients_enough_are_kept(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge, max_recipients=100))
    mta.begin(recipients=tuple(b"<r%d@example.org>" % n for n in range(150)))
    await mta.end()
    assert len(seen[0][1].rcpt_to) == 100


# Edits.
async def test_a_clean_mail_gets_fields_on_top_and_nothing_else(start_milter, call):
    mta = await call(await start_milter())
    edited = mta.edited(MAIL, await mta.mail(MAIL))
    assert edited.endswith(MAIL)
    assert edited.removesuffix(MAIL) == (
        b"Authentication-Results: filter.example; none\r\n"
        b"X-Blackmail-Flag: NO\r\n"
        b"X-Blackmail-Score: 0.0\r\n"
        b"X-Blackmail-Status: checked\r\n"
    )


async def test_flagged_mail_bears_the_same_fields_as_by_smtp(
    start_milter, start_hop, start_filter, connect, call, judge
):
    mta = await call(await start_milter(judge))
    mail = MAIL.replace(b"Hello", b"EXTORTION")
    edited = mta.edited(mail, await mta.mail(mail))
    hop = await start_hop()
    client = await connect(await start_filter(hop, judge))
    await client.hello()
    await client.send(mail)
    received, folded, rest = hop.messages[0].partition(b"Authentication-Results:")
    assert received.startswith(b"Received: ")
    assert edited == folded + rest
    assert b"X-Blackmail-Flag: YES\r\n" in edited


NOTICE = {"notice": "add", "subject_tag": True, "defang": True}


@pytest.mark.parametrize("shape", ["plain", "html", "alternative in mixed", "picture alone", "folded and odd fields"])
async def test_flagged_mail_is_changed_as_by_smtp(
    start_milter, start_hop, start_filter, connect, call, sextortion, shape
):
    mta = await call(await start_milter(sextortion, policy=NOTICE))
    mail = make(shape, "utf-8", "8bit").raw
    replies = await mta.mail(FORGED + mail)
    hop = await start_hop()
    client = await connect(await start_filter(hop, sextortion, policy=NOTICE))
    await client.hello()
    await client.send(FORGED + mail)
    changed = hop.messages[0].partition(b"\r\n")[2]
    edited = mta.edited(FORGED + mail, replies)
    assert edited == changed[changed.index(b"Content-Type: multipart/mixed") :]
    assert b"Subject: [Extortion?] About" in edited.replace(b"SUBJECT", b"Subject")
    assert edited.count(b"X-Blackmail-Notice: ") == 1


async def test_a_large_body_is_replaced_in_chunks(start_milter, call, sextortion):
    mta = await call(await start_milter(sextortion, policy={"notice": "add"}))
    large = MAIL + b"0123456789abcde\r\n" * 20_000
    replies = await mta.mail(large)
    assert max(len(data) for letter, data in replies if letter == b"b") == 65535
    assert large.partition(b"\r\n\r\n")[2] + b"\r\n--" in mta.edited(large, replies)


async def test_what_the_mta_holds_is_not_changed(start_milter, call):
    mta = await call(await start_milter(QUARANTINE, policy=NOTICE))
    assert not [letter for letter, _ in await mta.mail(MAIL) if letter in (b"b", b"m")]


async def test_forged_fields_are_taken_out(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    replies = await mta.mail(FORGED + MAIL)
    own = mta.edited(MAIL, await mta.mail(MAIL)).removesuffix(MAIL)
    assert mta.edited(FORGED + MAIL, replies) == (
        own + b"Authentication-Results: elsewhere.example; spf=pass\r\n" + MAIL
    )
    assert [letter for letter, _ in replies] == [b"m"] * 4 + [b"i"] * 4 + [b"c"]


async def test_a_field_behind_a_bare_carriage_return_is_taken_out(start_milter, call):
    mta = await call(await start_milter())
    mail = b"Comments:\rX-Blackmail-Flag: NO\r\nSubject: x\rX-Blackmail-Flag: NO\r\n\r\n"
    assert mta.edited(mail, await mta.mail(mail)).endswith(b"checked\r\nComments: \r\nSubject: x\r\n\r\n")


async def test_without_leading_spaces_the_mta_puts_one(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge), negotiate=False)
    await mta.negotiate(steps=0x80 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x80000 | 0x300)
    mta.connect()
    mail = b"Subject: x\r\nComments: y\rX-Blackmail-Flag: NO\r\n\r\nHello\r\n"
    edited = mta.edited(mail, await mta.mail(mail))
    assert seen[0][0] == mail
    assert edited.endswith(b"\r\nX-Blackmail-Status: checked\r\nSubject: x\r\nComments: y\r\n\r\nHello\r\n")


async def test_a_hundred_forged_fields_are_taken_out_and_more_are_refused(start_milter, call):
    mta = await call(await start_milter())
    forged = b"X-Blackmail-Flag: NO\r\n" * 100
    replies = await mta.mail(forged + MAIL)
    assert mta.edited(forged + MAIL, replies).count(b"X-Blackmail-Flag:") == 1
    assert await mta.mail(forged + FORGED + MAIL) == [(b"y", b"550 5.6.0 Too many forged header fields\0")]


# What a verdict comes to.
async def test_quarantine_is_the_mtas_and_the_mail_bears_its_fields(start_milter, call):
    running = await start_milter(QUARANTINE)
    mta = await call(running)
    *edits, hold, last = await mta.mail(FORGED + MAIL)
    assert hold == (b"q", b"Shows several signs of extortion.\0")
    assert last == (b"c", b"")
    edited = mta.edited(FORGED + MAIL, edits)
    assert edited.count(b"X-Blackmail-Flag:") == 1
    assert b"X-Blackmail-Flag: YES\r\n" in edited
    assert running.quarantined == []


async def test_reject_is_a_reply_of_our_own(start_milter, call):
    mta = await call(await start_milter(Verdict(action="reject", score=12.0)))
    assert await mta.mail(MAIL) == [(b"y", b"550 5.7.1 Message refused as extortion\0")]


async def test_scanner_fault_lets_a_mail_pass_unchecked(start_milter, call):
    mta = await call(await start_milter(ValueError("secret detail")))
    edited = mta.edited(FORGED + MAIL, await mta.mail(FORGED + MAIL))
    elsewhere = b"Authentication-Results: elsewhere.example; spf=pass\r\n"
    assert edited == b"X-Blackmail-Status: unchecked\r\n" + elsewhere + MAIL


async def test_scanner_fault_defers_where_that_is_wanted(start_milter, call):
    mta = await call(await start_milter(ValueError("secret detail"), on_error="tempfail"))
    ((letter, data),) = await mta.mail(MAIL)
    assert letter == b"y"
    assert data.startswith(b"451 4.3.0 ")
    assert b"secret" not in data


async def test_scanner_that_takes_too_long_is_a_fault(start_milter, call):
    async def sleeper(raw, envelope):
        await asyncio.sleep(3600)

    mta = await call(await start_milter(sleeper, inspect_timeout=0.1))
    assert mta.edited(MAIL, await mta.mail(MAIL)) == b"X-Blackmail-Status: unchecked\r\n" + MAIL


async def test_without_inspection_only_forged_fields_go(start_milter, call):
    mta = await call(await start_milter(inspect=False))
    assert await mta.mail(MAIL) == [(b"c", b"")]
    elsewhere = b"Authentication-Results: elsewhere.example; spf=pass\r\n"
    assert mta.edited(FORGED + MAIL, await mta.mail(FORGED + MAIL)) == elsewhere + MAIL


async def test_too_large(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge, max_size=65_536))
    assert await mta.mail(MAIL + b"x" * 65_536) == [(b"y", b"552 5.3.4 Message is too large\0")]
    assert seen == []
    assert (await mta.mail(MAIL))[-1] == (b"c", b"")


# Many mails.
async def test_many_mails_on_one_connection(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    for number in range(5):
        mta.macros(b"M", i=b"Q%d" % number)
        mail = MAIL + b"%d\r\n" % number
        mta.send(b"M", b"<a%d@example.org>\0" % number)
        mta.send(b"R", b"<b%d@example.org>\0" % number)
        mta.show(mail)
        assert mta.edited(mail, await mta.end()).endswith(mail)
        mta.send(b"A")
    assert [raw for raw, _ in seen] == [MAIL + b"%d\r\n" % number for number in range(5)]
    assert [(e.queue_id, e.mail_from, e.rcpt_to) for _, e in seen] == [
        (f"Q{n}", f"a{n}@example.org", (f"b{n}@example.org",)) for n in range(5)
    ]


async def test_mails_that_come_at_once_are_answered_in_order(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    for number in range(3):
        mta.begin()
        mta.show(MAIL + b"%d\r\n" % number)
        mta.send(b"E")
    answers = [await mta.read() for _ in range(3 * 5)]
    assert [letter for letter, _ in answers] == [*[b"i"] * 4, b"c"] * 3
    assert [raw[-3:] for raw, _ in seen] == [b"0\r\n", b"1\r\n", b"2\r\n"]


@pytest.mark.parametrize("until", ["recipient", "header", "body"])
async def test_abort_leaves_nothing_behind(start_milter, call, judge, seen, until):
    mta = await call(await start_milter(judge))
    mta.begin(recipients=(b"<z@example.org>",))
    if until != "recipient":
        mta.send(b"L", b"X-Gone\0 yes\0")
    if until == "body":
        mta.send(b"B", b"gone\r\n")
    mta.send(b"A")
    await mta.mail(MAIL)
    ((raw, envelope),) = seen
    assert raw == MAIL
    assert envelope.rcpt_to == ("b@example.org",)


async def test_quit_ends_the_connection(start_milter, call):
    mta = await call(await start_milter())
    await mta.mail(MAIL)
    mta.send(b"Q")
    assert await mta.read() == (b"", b"")


async def test_another_client_may_follow_on_the_same_connection(start_milter, call, judge, seen):
    mta = await call(await start_milter(judge))
    await mta.mail(MAIL)
    mta.send(b"K")
    await mta.mail(MAIL)
    mta.send(b"K")
    mta.connect(b"other.example", b"4\0\x19198.51.100.9")
    await mta.mail(MAIL)
    assert [e.client_addr for _, e in seen] == ["192.0.2.7", "", "198.51.100.9"]
    assert [e.helo_name for _, e in seen] == ["helo.example", "", "helo.example"]


# An MTA by others, which waits for a reply at each step.
async def test_an_mta_that_wants_a_reply_at_each_step(start_milter, judge, seen):
    running = await start_milter(judge)

    def talk():
        with socket.create_connection((running.milter.host, running.milter.port), timeout=20) as connection:
            mta = miltertest.MilterConnection(connection)
            mta.optneg_mta(protocol=0x3FF & ~0x80)
            mta.send("C", hostname="client.example", family="4", port=25, address="192.0.2.7")
            mta.send("H", helo="helo.example")
            mta.send_macro("M", i="4Xyz")
            mta.send("M", args=["<a@example.org>"])
            mta.send("R", args=["<b@example.org>"])
            mta.send("T")
            mta.sock.sendall(packet(b"U", b"FOO\0"))
            assert mta.recv() == ("c", {})
            mta.send_headers([("Subject", "x"), ("X-Blackmail-Flag", "NO")])
            mta.send("N")
            mta.send_body("EXTORTION\r\n")
            return mta.send_eom()

    replies = await asyncio.to_thread(talk)
    assert replies[0] == ("m", {"index": 1, "name": "X-Blackmail-Flag", "value": ""})
    assert ("i", {"index": 0, "name": "X-Blackmail-Flag", "value": "YES"}) in replies
    assert replies[-1] == ("c", {})
    assert seen[0][0] == b"Subject: x\r\nX-Blackmail-Flag: NO\r\n\r\nEXTORTION\r\n"


# Who is not served, and what is closed.
@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ([b"\0\0\0\0"], "a packet of 0 bytes"),
        ([b"GET / HTTP/1.1\r\n\r\n"], "a packet of 1195725856 bytes"),
        ([packet(b"H", b"x\0")], "no negotiation"),
        ([packet(b"O", b"\0\0\0\6")], "a short negotiation"),
        (["negotiate", packet(b"Z")], "unknown command b'Z'"),
        (["negotiate", packet(b"L", b"A\0b\0")], "content of a mail that was not begun"),
        (["negotiate", packet(b"R", b"<b@example.org>\0")], "content of a mail that was not begun"),
        (["negotiate", packet(b"B", b"x")], "content of a mail that was not begun"),
        (["negotiate", packet(b"E")], "content of a mail that was not begun"),
        (["negotiate", packet(b"M", b"<a@example.org>")], "a text without its end"),
        (["negotiate", packet(b"M")], "a text without its end"),
        (["negotiate", packet(b"C", b"host")], "a connection from nowhere"),
        (["negotiate", packet(b"M", b"<>\0"), packet(b"L", b"A\0")], "a header without name or value"),
    ],
    ids=str,
)
async def test_a_malformed_packet_closes_the_connection_with_one_line(start_milter, call, caplog, sent, reason):
    running = await start_milter()
    other, mta = await call(running), await call(running, negotiate=False)
    for one in sent:
        if one == "negotiate":
            await mta.negotiate()
        else:
            mta.writer.write(one)
    assert await mta.read() == (b"", b"")
    (record,) = [record for record in caplog.records if record.name.startswith("milter")]
    assert record.getMessage() == f"milter client 127.0.0.1: connection closed: {reason}"
    assert record.exc_info is None
    assert (await other.mail(MAIL))[-1] == (b"c", b"")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([bytes([letter]) for letter in b"ABCDEHKLMNORTUX"]),
            st.one_of(st.binary(max_size=20), st.sampled_from([b"a\0", b"a\0b\0", b"h\x004\0\x19192.0.2.1\0"])),
        )
    )
)
def test_no_packets_bring_an_exception_about(caplog, packets):
    """A session without a connection, since a thousand of those take long."""

    class Writer:
        @property
        def transport(self):
            return self

        def get_extra_info(self, name):
            return ("127.0.0.1", 1)

        def write(self, data):
            pass

        async def drain(self):
            pass

        def close(self):
            pass

    async def run():
        service = Service(Config(hostname="filter.example"), nothing_found)
        reader = asyncio.StreamReader()
        reader.feed_data(packet(b"O", struct.pack("!III", 6, ALL_EDITS, ALL_STEPS)))
        for letter, data in packets:
            reader.feed_data(packet(letter, data))
        reader.feed_eof()
        await milter_protocol.MilterSession(service, reader, Writer()).run()

    asyncio.run(run())
    assert [record for record in caplog.records if record.exc_info] == []


async def test_strangers_are_not_served(start_milter, call, caplog):
    mta = await call(await start_milter(trusted_clients=["192.0.2.0/24"]), negotiate=False)
    assert await mta.read() == (b"", b"")
    assert "client 127.0.0.1: refused, not in trusted_clients" in caplog.text


async def test_connections_have_a_limit(start_milter, call, caplog):
    running = await start_milter(max_connections=1)
    first = await call(running)
    await first.mail(MAIL)
    second = await call(running, negotiate=False)
    assert await second.read() == (b"", b"")
    assert "max_connections is reached" in caplog.text
    assert (await first.mail(MAIL))[-1] == (b"c", b"")


async def test_silence_inside_a_message_ends_a_connection_and_outside_it_does_not(start_milter, call, caplog):
    running = await start_milter(command_timeout=0.3)
    quiet, silent = await call(running), await call(running)
    quiet.begin()
    silent.begin()
    silent.send(b"L", b"Subject\0 x\0")
    assert await silent.read() == (b"", b"")
    assert caplog.text.count("it was silent for too long") == 1
    quiet.show(MAIL)
    assert (await quiet.end())[-1] == (b"c", b"")


async def test_silence_has_an_end_between_mails_too(start_milter, call, caplog, monkeypatch):
    monkeypatch.setattr(milter_protocol, "IDLE_TIMEOUT", 0.2)
    mta = await call(await start_milter())
    await mta.mail(MAIL)
    assert await mta.read() == (b"", b"")
    assert "it was silent for too long" in caplog.text


@pytest.mark.parametrize("reset", [False, True])
async def test_an_mta_that_vanishes_is_no_trouble(start_milter, call, caplog, reset):
    running = await start_milter()
    mta = await call(running)
    mta.begin()
    mta.show(MAIL)
    if reset:
        # Without lingering, closing sends a reset.
        mta.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await asyncio.sleep(0.1)
        mta.writer.transport.abort()
    else:
        mta.writer.write_eof()
        assert await mta.read() == (b"", b"")
    async with asyncio.timeout(5):
        await running.service.empty()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_mta_that_vanishes_during_inspection_is_no_trouble(start_milter, call, caplog):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def inspector(raw, envelope):
        begun.set()
        await go_on.wait()
        return Verdict()

    running = await start_milter(inspector)
    mta = await call(running)
    mta.begin()
    mta.show(MAIL)
    mta.send(b"E")
    await begun.wait()
    mta.writer.transport.abort()
    go_on.set()
    async with asyncio.timeout(5):
        await running.service.empty()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_stopping_finishes_a_mail_whose_content_has_begun(start_milter, call, judge, seen):
    running = await start_milter(judge)
    idle, busy = await call(running), await call(running)
    await idle.mail(MAIL)
    busy.begin()
    busy.send(b"L", b"Subject\0 x\0")
    await asyncio.sleep(0.1)
    stop = asyncio.create_task(running.service.stop(60.0))
    assert await idle.read() == (b"", b"")
    busy.send(b"B", b"Hello\r\n")
    assert (await busy.end())[-1] == (b"c", b"")
    async with asyncio.timeout(20):
        assert await busy.read() == (b"", b"")
        await stop
    assert seen[-1][0] == b"Subject: x\r\n\r\nHello\r\n"


# The log.
async def test_one_line_a_mail_like_that_of_smtp(start_milter, call, caplog, judge):
    caplog.set_level(logging.INFO, "milter")
    mta = await call(await start_milter(judge))
    mail = MAIL.replace(b"Hello", b"EXTORTION")
    await mta.mail(mail)
    (line,) = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(
        r"4Xyz: client=192\.0\.2\.7 from=<a@example\.org> to=<b@example\.org>"
        rf" size={len(mail)} action=tag score=11\.5 kind=sextortion rules=threat\.publish,demand\.crypto"
        r' reply="250 2\.0\.0 Left to the MTA" ms=[\d.]+ inspect_ms=[\d.]+',
        line,
    )


async def test_no_address_forges_a_line_in_the_log(start_milter, call, caplog):
    caplog.set_level(logging.INFO, "milter")
    mta = await call(await start_milter())
    mta.begin(sender=b"<a\r\nforged: line@example.org>", recipients=(b"<\xff\xc3\xb6\x1b[2J@example.org>",))
    await mta.end()
    (line,) = [record.getMessage() for record in caplog.records]
    assert "from=<a??forged: line@example.org>" in line
    assert "\x1b" not in line
    assert line.isascii()
