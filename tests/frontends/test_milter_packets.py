"""Packets as bytes; miltertest, an implementation by others, reads and writes the same."""

import contextlib
import struct

import miltertest.codec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.frontends.milter_packets import (
    CONTINUE,
    MalformedError,
    Negotiation,
    Packet,
    PacketBuffer,
    change_header,
    insert_header,
    packet,
    quarantine,
    read_connect,
    read_header,
    read_macros,
    read_negotiation,
    reply_code,
    texts,
)


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary(max_size=40))), st.lists(st.integers(1, 30)))
def test_packets_are_found_however_the_bytes_arrive(sent, sizes):
    stream = b"".join(packet(letter, data) for letter, data in sent)
    buffer, found = PacketBuffer(), []
    while stream:
        size = sizes.pop() if sizes else len(stream)
        found += buffer.feed(stream[:size])
        stream = stream[size:]
    assert found == [Packet(letter, data) for letter, data in sent]


@pytest.mark.parametrize("length", [0, 1024 * 1024 + 1, 0xFFFFFFFF])
def test_a_packet_has_a_size(length):
    buffer = PacketBuffer()
    before = packet(b"H", b"x\0")
    packets = buffer.feed(before + struct.pack("!I", length) + b"abc")
    assert next(packets) == (b"H", b"x\0")
    with pytest.raises(MalformedError):
        next(packets)


def test_the_longest_packet_is_taken():
    longest = packet(b"B", b"x" * (1024 * 1024 - 1))
    assert [len(data) for _, data in PacketBuffer().feed(longest)] == [1024 * 1024 - 1]


@pytest.mark.parametrize(
    ("sent", "command", "values"),
    [
        (CONTINUE, "c", {}),
        (insert_header(b"X-A", b" one\r\n two"), "i", {"index": 0, "name": "X-A", "value": " one\n two"}),
        (change_header(3, b"X-A", b""), "m", {"index": 3, "name": "X-A", "value": ""}),
        (change_header(1, b"X-A", b" b\r\n\tc"), "m", {"index": 1, "name": "X-A", "value": " b\n\tc"}),
        (quarantine(b"why"), "q", {"reason": "why"}),
        (reply_code(b"550 5.7.1 No"), "y", {"smtpcode": "550", "space": " ", "text": "5.7.1 No"}),
        (bytes(Negotiation(6, 0x31, 0x180)), "O", {"version": 6, "actions": 0x31, "protocol": 0x180}),
    ],
)
def test_others_read_what_we_write(sent, command, values):
    assert miltertest.codec.decode_msg(sent) == (command, values, b"")


def test_a_per_cent_sign_is_doubled():
    assert reply_code(b"451 100% busy") == packet(b"y", b"451 100%% busy\0")


def read_only(command, **values):
    """The data of a packet that others wrote."""
    ((_, data),) = PacketBuffer().feed(miltertest.codec.encode_msg(command, **values))
    return data


def test_we_read_what_others_write():
    assert read_negotiation(read_only("O", version=6, actions=7, protocol=9)) == (6, 7, 9)
    assert read_header(read_only("L", name="To", value=" a,\n b")) == (b"To", b" a,\r\n b")
    data = read_only("C", hostname="h.example", family="4", port=25, address="192.0.2.1")
    assert read_connect(data) == (b"h.example", b"192.0.2.1", 25)
    assert read_macros(read_only("D", cmdcode="M", nameval=["i", "4X", "{auth_authen}", ""])) == {
        b"i": b"4X",
        b"{auth_authen}": b"",
    }
    assert texts(read_only("M", args=["<a@b.example>", "SIZE=1"])) == [b"<a@b.example>", b"SIZE=1"]


def test_line_ends_inside_a_field_become_those_of_a_mail():
    assert read_header(b"A\0 1\n 2\r\n 3\r4\0") == (b"A", b" 1\r\n 2\r\n 3\r4")


def test_addresses_of_all_families():
    assert read_connect(b"h\x006\0\x19IPv6:2001:db8::1\0") == (b"h", b"IPv6:2001:db8::1", 25)
    assert read_connect(b"localhost\0L\0\0/run/socket\0") == (b"localhost", b"", 0)
    assert read_connect(b"unknown\0U") == (b"unknown", b"", 0)


def test_more_than_a_negotiation_is_no_harm():
    assert read_negotiation(struct.pack("!III", 6, 1, 2) + b"\0\0\0\0j\0") == (6, 1, 2)


def test_no_macros():
    assert read_macros(b"C") == {}
    assert read_macros(b"") == {}


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        (read_negotiation, b"\0\0\0\6"),
        (read_header, b""),
        (read_header, b"A\0"),
        (read_header, b"A\0b"),
        (read_header, b"\0b\0"),
        (read_header, b"A\0b\0c\0"),
        (read_connect, b""),
        (read_connect, b"host"),
        (read_connect, b"host\0"),
        (read_connect, b"host\0X\0\0a\0"),
        (read_connect, b"host\x004\0\x19192.0.2.1"),
        (read_connect, b"host\x004"),
        (read_macros, b"Mi\0value"),
        (texts, b""),
        (texts, b"a\0b"),
    ],
)
def test_what_is_malformed_is_said_to_be(reader, data):
    with pytest.raises(MalformedError):
        reader(data)


@given(st.sampled_from([read_negotiation, read_header, read_connect, read_macros, texts]), st.binary(max_size=60))
def test_nothing_else_comes_of_any_bytes(reader, data):
    with contextlib.suppress(MalformedError):
        reader(data)
