"""Dots at the beginning of lines, on the wire and off it."""

from hypothesis import given
from hypothesis import strategies as st

from milter.actions import dotstuff
from milter.actions.dotstuff import wire_blocks

PIECES = st.lists(st.sampled_from([b"\r\n", b".", b"\n", b"\r", b"x", b"..", b"abc" * 10]), max_size=60).map(b"".join)


def wire(*parts: bytes) -> bytes:
    return b"".join(map(bytes, wire_blocks(parts)))


def test_dots_are_doubled_at_line_starts_only():
    assert wire(b"a.b\r\n.c\r\n..d\r\n") == b"a.b\r\n..c\r\n...d\r\n"
    assert wire(b".") == b"..\r\n"
    assert wire(b"a\n.\nb\r\n") == b"a\n..\nb\r\n"
    assert wire(b"") == b""


@given(PIECES, PIECES)
def test_large_messages_are_cut_but_not_changed(first, second):
    first = first + b"\r\n" if first else first
    small = wire(first, second)
    block, dotstuff.BLOCK = dotstuff.BLOCK, 7
    try:
        assert wire(first, second) == small
    finally:
        dotstuff.BLOCK = block


@given(PIECES)
def test_no_reader_of_lines_finds_an_end_inside(message):
    sent = wire(message)
    for end in (b"\n.\n", b"\n.\r\n", b"\n.\r"):
        assert end not in b"\n" + sent.replace(b"\r\n", b"\n")


@given(PIECES)
def test_undoing_gives_the_message_back(message):
    sent = b"\r\n" + wire(message)
    closed = message if message.endswith(b"\r\n") or not message else message + b"\r\n"
    assert sent.replace(b"\n..", b"\n.")[2:] == closed
