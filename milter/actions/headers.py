"""The header fields of this filter: forged ones taken out of a mail, our own ones to put on top of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache

from milter.content.headers import header_end
from milter.model import Authentication, Verdict
from milter.reason import sentence

FOLD_AT = 78
LINE_LIMIT = 998
LINE_END = "\r\n"

_FIELD_END = re.compile(rb"\r\n(?![ \t])|\r(?![\n \t])|\n(?![ \t])")
_OURS = re.compile(rb"(?:x-blackmail-[!-9;-~]*|(authentication-results))[ \t]*:")
_COMMENT_TOKEN = re.compile(r"\\.|[()]|\s+|[^\\()\s]+|\\", re.DOTALL)
_AUTHSERV_ID = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"(]+))', re.DOTALL)
_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NOT_TRACE_WORD = re.compile(r"[^!-'*-:=?-~]")
_UTF8_QUOTED = Charset("utf-8")
_UTF8_QUOTED.header_encoding = QP


@dataclass(frozen=True, slots=True)
class Trace:
    """What a Received field tells (RFC 5321 §4.4): the session with our own client, and the time of arrival."""

    client_addr: str
    helo_name: str
    hostname: str
    protocol: str
    queue_id: str
    date: datetime
    recipient: str = ""


def forged_fields_removed(raw: bytes, authserv_id: str) -> bytes:
    """A mail without X-Blackmail-* fields and without Authentication-Results in our name (RFC 8601 §5).

    The same object where there are none; every other byte is as it was.
    """
    end = header_end(raw)
    # A line end in front makes the first field one like the others.
    header = b"\n" + raw[:end].lower()
    kept: list[bytes] = []
    position = 0
    for start, stop in _forged_spans(header, authserv_id):
        kept.append(raw[position:start])
        position = stop
    return b"".join([*kept, raw[position:]]) if kept else raw


def _forged_spans(header: bytes, authserv_id: str) -> Iterator[tuple[int, int]]:
    """Where each forged field begins and ends in the mail, folded lines included; header is one byte longer."""
    removed = 0
    for start in sorted(_field_starts(header)):
        name = _OURS.match(header, start)
        if not name:
            continue
        line_end = _FIELD_END.search(header, name.end())
        stop = line_end.start() if line_end else len(header)
        if name[1] and not _claims(header[name.end() : stop], authserv_id):
            continue
        if header[start - 1 : start] == b"\r" and start > removed:
            # A bare CR begins a line only to some readers: to others the line end still ends the line before.
            yield start - 2, stop - 1
        else:
            removed = line_end.end() if line_end else stop
            yield start - 1, removed - 1


def _field_starts(header: bytes) -> Iterator[int]:
    """Where a line begins like a field of ours; looked for without an expression, which would read every line."""
    for name in (b"x-blackmail-", b"authentication-results"):
        at = header.find(name)
        while at >= 0:
            if header[at - 1] in b"\r\n":
                yield at
            at = header.find(name, at + 1)


def _claims(value: bytes, authserv_id: str) -> bool:
    """Whether the value, in lower case, begins with our authserv-id (RFC 8601 §2.2)."""
    text = value.decode("utf-8", "replace")
    found = _AUTHSERV_ID.match(text, _after_comments(text))
    if not found:
        return False
    name = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
    return name.strip().rstrip(".") == authserv_id.rstrip(".").lower()


def _after_comments(text: str) -> int:
    """Where the first word begins, behind spaces and comments, which may be nested (RFC 5322 §3.2.2)."""
    depth = 0
    for token in _COMMENT_TOKEN.finditer(text):
        if token[0] == "(":
            depth += 1
        elif token[0] == ")":
            depth -= 1
        elif depth <= 0 and not token[0].isspace():
            return token.start()
    return len(text)


def received(trace: Trace) -> bytes:
    """The Received field of this hop."""
    address = f"IPv6:{trace.client_addr}" if ":" in trace.client_addr else trace.client_addr
    recipient = f" for <{_trace_word(trace.recipient)}>" if trace.recipient.isascii() and trace.recipient else ""
    return field(
        "Received",
        f"from {_trace_word(trace.helo_name) or 'unknown'} ([{address}])"
        f" by {trace.hostname} with {trace.protocol} id {_trace_word(trace.queue_id)}{recipient};"
        f" {_date(trace.date.replace(microsecond=0))}",
    )


@lru_cache(maxsize=8)
def _date(second: datetime) -> str:
    """Mails come by the thousand a second, and formatting takes as long as all the rest of a field."""
    return format_datetime(second)


def verdict_fields(verdict: Verdict, authserv_id: str) -> bytes:
    """Authentication-Results and the X-Blackmail-* fields of a mail that was inspected."""
    if not verdict.flagged and not verdict.reasons:
        return _fields_of_others(authserv_id, verdict.auth.results, verdict.score)
    return _fields(verdict, authserv_id)


@lru_cache(maxsize=256)
def _fields_of_others(authserv_id: str, results: str, score: float) -> bytes:
    """Those of mail with nothing to say of it: nearly all, and nearly all the same."""
    return _fields(Verdict(score=score, auth=Authentication(results=results)), authserv_id)


def _fields(verdict: Verdict, authserv_id: str) -> bytes:
    fields = [
        field("Authentication-Results", f"{authserv_id}; {verdict.auth.results}"),
        field("X-Blackmail-Flag", "YES" if verdict.flagged else "NO"),
        field("X-Blackmail-Score", f"{verdict.score:.1f}"),
    ]
    rules = dict.fromkeys(reason.rule for reason in verdict.reasons)
    if verdict.flagged and verdict.kind:
        fields.append(field("X-Blackmail-Kind", verdict.kind))
    if rules:
        fields.append(field("X-Blackmail-Rules", ", ".join(rules)))
    if verdict.flagged:
        fields.append(text_field("X-Blackmail-Reason", sentence(verdict)))
    return b"".join([*fields, field("X-Blackmail-Status", "checked")])


def unchecked_fields() -> bytes:
    """The fields of a mail that could not be inspected."""
    return field("X-Blackmail-Status", "unchecked")


def split_fields(fields: bytes) -> list[tuple[bytes, bytes]]:
    """Name and value of each of our own fields; the value keeps its leading space and its folds."""
    lines = _FIELD_END.split(fields)[:-1]
    return [(name, value) for name, _, value in (line.partition(b":") for line in lines)]


def field(name: str, value: str) -> bytes:
    """A structured header field with its line end: ASCII, folded at 78, no line over 998 bytes (RFC 5322 §2.1.1)."""
    line = f"{name}: {_NOT_PRINTABLE.sub(' ', value).strip()}"
    folded = line if len(line) <= FOLD_AT else "\r\n ".join(_folded(line, len(name) + 2))
    return folded.encode("ascii", "replace") + b"\r\n"


def text_field(name: str, text: str) -> bytes:
    """A header field of free text; as encoded words (RFC 2047) where ASCII does not do."""
    if text.isascii() and "=?" not in text:
        return field(name, text)
    words = Header(_NOT_PRINTABLE.sub(" ", text).strip(), _UTF8_QUOTED, maxlinelen=FOLD_AT - 2, header_name=name)
    return f"{name}: {words.encode(linesep=LINE_END)}\r\n".encode("ascii")


def _folded(line: str, value_at: int) -> Iterator[str]:
    """Cut at spaces; a word without any is cut at the limit."""
    while len(line) >= FOLD_AT:
        cut = line.rfind(" ", value_at, FOLD_AT)
        if cut < 0:
            cut = line.find(" ", FOLD_AT)
        cut = min(cut if cut >= 0 else len(line), LINE_LIMIT - 1)
        yield line[:cut]
        line, value_at = line[cut:].lstrip(" "), 0
    if line:
        yield line


def _trace_word(text: str) -> str:
    """Names and addresses that strangers chose, without what could end a word, a comment or the field."""
    return _NOT_TRACE_WORD.sub("?", text)
