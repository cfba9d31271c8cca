"""The end of DATA, however the bytes arrive."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milter.frontends.memory import MailMemory
from milter.frontends.smtp_data import DataReader, NoRoomError, TooLargeError

STREAM = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"x", b"\r\n.\r\n", b"\0"]), max_size=40).map(b"".join)


def expected(stream: bytes) -> tuple[bytes, bytes]:
    """Message and rest, by the letter of RFC 5321: lines end with CRLF, the first lone dot ends the message."""
    message, *rest = [], stream
    lines = stream.split(b"\r\n")
    for number, line in enumerate(lines):
        if line == b"." and number < len(lines) - 1:
            rest = b"\r\n".join(lines[number + 1 :])
            return b"".join(message), rest
        message.append((line[1:] if line.startswith(b".") else line) + b"\r\n")
    raise AssertionError("the stream has no end")


def read(stream: bytes, cuts: list[int], max_size: int = 10_000, room: int = 10_000) -> tuple[bytes, bytes]:
    loop = asyncio.new_event_loop()
    try:
        done = loop.create_future()
        memory = MailMemory(room)
        reader = DataReader(max_size, memory, done)
        edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
        for start, end in pairwise(edges):
            rest = reader.feed(stream[start:end])
            if rest is not None:
                assert memory.in_hand <= room
                reader.release()
                assert memory.in_hand == 0
                return done.result(), rest + stream[end:]
        raise AssertionError("no end was found")
    finally:
        loop.close()


@given(STREAM, st.lists(st.integers(0, 100), max_size=8))
@example(b"", [])
@example(b"\r\n.", [1, 2, 3, 4, 5])
@example(b"a\r\n..", list(range(20)))
def test_only_crlf_dot_crlf_ends_the_message(stream, cuts):
    stream += b"\r\n.\r\nQUIT\r\n"
    assert read(stream, cuts) == expected(stream)


def test_byte_by_byte():
    stream = b"..a\r\n.b\r\n\n.\n\r.\r\r\n..\r\n.\r\n"
    assert read(stream, list(range(len(stream)))) == (b".a\r\nb\r\n\n.\n\r.\r\r\n.\r\n", b"")


@pytest.mark.parametrize("cuts", [[], [3, 5, 9, 11], list(range(30))])
def test_size_limit_counts_the_message_alone(cuts):
    assert read(b"12345678\r\n.\r\n", cuts, max_size=10) == (b"12345678\r\n", b"")
    with pytest.raises(TooLargeError):
        read(b"123456789\r\n.\r\n", cuts, max_size=10)
    with pytest.raises(TooLargeError):
        read(b"123456789" * 100 + b"\r\n.\r\n", cuts, max_size=10)


@pytest.mark.parametrize("cuts", [[], [3, 5, 9, 11], list(range(30))])
def test_what_memory_has_no_room_for_is_read_and_dropped(cuts):
    assert read(b"12345678\r\n.\r\n", cuts, room=12) == (b"12345678\r\n", b"")
    with pytest.raises(NoRoomError):
        read(b"12345678\r\n" * 3 + b".\r\n", cuts, room=12)
    # A mail that is too large is so at any time.
    with pytest.raises(TooLargeError):
        read(b"12345678\r\n" * 3 + b".\r\n", cuts, room=12, max_size=20)
