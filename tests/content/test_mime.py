"""The leaves of a mail are those that Python's own parser finds, and odd mails are walked to their end."""

import email
import email.policy
from email.message import Message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milter.content.mime import MAX_DEPTH, MAX_PARTS, walk


def leaves(raw: bytes) -> list[tuple[str, bytes]]:
    """Content type and transferred body of each leaf as our walker finds them."""
    _headers, found = walk(raw)
    # Whether the line end before a missing boundary belongs to the text is nobody's business.
    return [(part.content_type, part.source[part.start : part.end].rstrip(b"\r\n")) for part in found.parts]


def reference(message: Message) -> list[tuple[str, bytes]]:
    """The same by the standard library."""
    payload = message.get_payload()
    if isinstance(payload, list):
        return [leaf for part in payload if isinstance(part, Message) for leaf in reference(part)]
    content_type = message.get_content_type()
    if content_type.startswith("multipart/"):
        content_type = "text/plain"
    return [(content_type, str(payload).encode("ascii", "surrogateescape").rstrip(b"\r\n"))]


# A first line that is indented is dropped by the library where it may be a header; we keep it.
TEXTS = st.text(alphabet="ab-c=> \n", max_size=40).map(lambda text: text.replace("--", "- -").lstrip(" "))
LEAVES = st.builds(
    lambda kind, text: f"Content-Type: {kind}\n\n{text}" if kind else f"\n{text}",
    st.sampled_from(["text/plain", "text/html; charset=utf-8", "image/png", "application/pdf", "nonsense", ""]),
    TEXTS,
)


@st.composite
def entities(draw: st.DrawFn, depth: int = 3) -> str:
    """A MIME entity: a leaf, a multipart with or without preamble, epilogue and closing line, or a mail within."""
    choice = draw(st.integers(0, 4)) if depth else 0
    if choice <= 1:
        return draw(LEAVES)
    if choice == 2:
        return f"Content-Type: message/rfc822\n\nSubject: inner\n{draw(entities(depth=depth - 1))}"
    boundary = draw(st.sampled_from(["b", "=_x y", "b1", f"deep{depth}", "'()+_,./:=?"])) + str(depth)
    kind = draw(st.sampled_from(["mixed", "alternative", "digest", "report"]))
    parts = draw(st.lists(entities(depth=depth - 1), max_size=3))
    body = "".join(f"--{boundary}{draw(st.sampled_from(['', ' ', chr(9)]))}\n{part}\n" for part in parts)
    # A multipart of nothing but its closing line is text to us and nothing to the standard library.
    closed = [f"--{boundary}--\n", f"--{boundary}--", f"--{boundary}--\nepilogue\n"] if parts else []
    closing = draw(st.sampled_from([*closed, ""]))
    preamble = draw(st.sampled_from(["", "preamble\n", "\n"]))
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{preamble}{body}{closing}'


@settings(max_examples=400, deadline=None)
@given(entities(), st.sampled_from(["\n", "\r\n"]))
def test_same_leaves_as_the_standard_library(entity: str, line_end: str) -> None:
    raw = f"Subject: test\nMIME-Version: 1.0\n{entity}".replace("\n", line_end).encode()
    assert leaves(raw) == reference(email.message_from_bytes(raw, policy=email.policy.compat32))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.lists(st.sampled_from([b"--x", b"--x--", b"\n", b"\r\n", b"a", b"A-B: a/b"])))
def test_any_bytes_are_walked(junk: bytes, pieces: list[bytes]) -> None:
    walk(junk)
    _headers, found = walk(b"Content-Type: multipart/mixed; boundary=x\n\n" + b"".join(pieces) + junk)
    assert all(0 <= part.start <= part.end <= len(part.source) for part in found.parts)


def nested(depth: int, inner: str) -> bytes:
    heads = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return f"Subject: nest\n{heads}\n{inner}".encode()


def test_a_thousand_nested_parts() -> None:
    _headers, found = walk(nested(1000, "the threat"))
    assert found.too_deep
    assert len(found.parts) == 1
    assert found.parts[0].content_type == "text/plain"
    assert b"the threat" in found.parts[0].source[found.parts[0].start : found.parts[0].end]
    assert not walk(nested(MAX_DEPTH, "the threat"))[1].too_deep


def test_mails_within_mails_end() -> None:
    _headers, found = walk(b"Content-Type: message/rfc822\n\n" * 1000 + b"\nthe threat")
    assert found.too_deep
    assert b"the threat" in found.parts[-1].source[found.parts[-1].start :]


def test_too_many_parts_are_read_as_one() -> None:
    many = b"--x\n\na\n" * (MAX_PARTS + 50)
    raw = b"Content-Type: multipart/mixed; boundary=x\n\n" + many + b"--x\n\nthe threat\n--x--"
    _headers, found = walk(raw)
    assert found.too_many
    assert len(found.parts) == MAX_PARTS + 1
    assert b"the threat" in raw[found.parts[-1].start : found.parts[-1].end]


def test_of_very_many_parts_only_the_first_are_found() -> None:
    _headers, found = walk(b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 500_000 + b"the threat")
    assert found.too_many
    assert found.parts[-1].source.endswith(b"the threat")


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=x\n\nno boundary in here",
        b"Content-Type: multipart/mixed\n\nno boundary in here",
        b'Content-Type: multipart/mixed; boundary=""\n\nno boundary in here',
        b"Content-Type: text\n\nno boundary in here",
        b"Subject: x\n\nno boundary in here",
        b"\nno boundary in here",
        b"no boundary in here",
    ],
)
def test_what_is_no_multipart_is_text(raw: bytes) -> None:
    assert leaves(raw) == [("text/plain", b"no boundary in here")]


def test_a_boundary_is_no_beginning_of_a_longer_one() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    raw = head + b"--b\n\none --b\n--bb\n --b\n--b \t\r\n\ntwo\n--b--\n--b\n\nafter"
    assert leaves(raw) == [("text/plain", b"one --b\n--bb\n --b"), ("text/plain", b"two")]


def test_attached_mails_in_base64() -> None:
    raw = (
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        b"U3ViamVjdDogaW5uZXIKQ29udGVudC1UeXBlOiB0ZXh0L2h0bWwKCjxiPmhpPC9iPg==\n"
    )
    _headers, found = walk(raw)
    assert [message.headers.get("subject") for message in found.messages] == ["inner"]
    assert [(part.content_type, part.inner) for part in found.parts] == [("text/html", True)]
    assert leaves(raw) == [("text/html", b"<b>hi</b>")]


@pytest.mark.parametrize(
    ("head", "is_text", "is_html", "is_message"),
    [
        ("text/plain", True, False, False),
        ("text/x-patch", True, False, False),
        ("text/html", True, True, False),
        ("application/xhtml+xml", True, True, False),
        ("application/octet-stream; name=a.TXT", True, False, False),
        ('application/octet-stream\nContent-Disposition: attachment; filename="a.htm"', True, True, False),
        ("application/octet-stream; name=a.eml", False, False, True),
        ("application/octet-stream; name=a.bin", False, False, False),
        ("text/rtf", False, False, False),
        ("message/delivery-status", True, False, False),
        ("image/png; name=a.txt", False, False, False),
    ],
)
def test_kinds_of_parts(head: str, is_text: bool, is_html: bool, is_message: bool) -> None:
    _headers, found = walk(f"Content-Type: {head}\n\nbody".encode())
    if is_message:
        assert len(found.messages) == 1
    else:
        assert (found.parts[0].is_text, found.parts[0].is_html, found.messages) == (is_text, is_html, [])
