"""The parts of a mail, found on its bytes without copying them (RFC 2045, 2046)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from milter.content import transfer
from milter.content.headers import Headers, parameters, split_headers

MAX_DEPTH = 32
MAX_PARTS = 1000
MAX_MESSAGE = 4 * 1024 * 1024  # bytes that an encoded attached mail is decoded to at most
MESSAGE_TYPES = {"message/rfc822", "message/global", "message/news"}
UNTOLD_TYPES = {"application/octet-stream", "application/unknown", "application/x-unknown", "unknown/unknown"}
TEXT_SUFFIXES = (".txt", ".text", ".asc", ".md", ".log")
HTML_SUFFIXES = (".html", ".htm", ".xhtml", ".shtml")
HTML_TYPES = {"text/html", "application/xhtml+xml"}
CALENDAR_TYPES = {"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "application/ics"}
NOT_READ = {"text/rtf", "text/richtext"}


class Part(NamedTuple):
    """A leaf of the MIME tree: source[start:end] is its body as transferred.

    joined: a blank at the end of a line goes with the line end (RFC 3676 §4.5). inner: part of an attached mail.
    """

    headers: Headers
    source: bytes
    start: int
    end: int
    content_type: str = "text/plain"
    charset: str = ""
    encoding: str = ""
    filename: str = ""
    boundary: str = ""
    joined: bool = False
    inner: bool = False

    @classmethod
    def declared(
        cls, headers: Headers, source: bytes, start: int, end: int, *, inner: bool = False, default: str = "text/plain"
    ) -> Part:
        """The entity in source[start:end] as its headers declare it; default is the type of one that declares none."""
        content_type, options = parameters(headers.get("content-type"))
        if content_type.count("/") != 1:
            content_type = "text/plain" if "content-type" in headers else default  # RFC 2045 §5.2
        _disposition, more = parameters(headers.get("content-disposition"))
        return cls(
            headers,
            source,
            start,
            end,
            content_type,
            charset=options.get("charset", ""),
            encoding=headers.get("content-transfer-encoding").strip().lower(),
            filename=more.get("filename") or options.get("name", ""),
            boundary=options.get("boundary", ""),
            joined=options.get("delsp", "").lower() == "yes",
            inner=inner,
        )

    @property
    def is_html(self) -> bool:
        return self.content_type in HTML_TYPES or (
            self.content_type in UNTOLD_TYPES and self.filename.lower().endswith(HTML_SUFFIXES)
        )

    @property
    def is_text(self) -> bool:
        if self.content_type in UNTOLD_TYPES:
            return self.filename.lower().endswith(TEXT_SUFFIXES + HTML_SUFFIXES)
        return self.is_html or self.is_calendar or (
            self.content_type.startswith(("text/", "message/")) and self.content_type not in NOT_READ
        )

    @property
    def is_calendar(self) -> bool:
        return self.content_type in CALENDAR_TYPES

    @property
    def is_message(self) -> bool:
        return self.content_type in MESSAGE_TYPES or (
            self.content_type in UNTOLD_TYPES and self.filename.lower().endswith(".eml")
        )


@dataclass(slots=True)
class Walk:
    """The leaves of a mail in order, the headers of mails attached to it, and what could not be followed."""

    parts: list[Part] = field(default_factory=list)
    messages: list[Part] = field(default_factory=list)
    too_deep: bool = False
    too_many: bool = False

    def entity(self, part: Part, depth: int) -> None:
        """Add the leaves of one entity (RFC 2045 §2.4)."""
        multipart = part.content_type.startswith("multipart/")
        spans = split(part) if multipart and part.boundary else []
        if depth >= MAX_DEPTH and (spans or part.is_message):
            self.too_deep = True
            self.parts.append(part._replace(content_type="text/plain"))
        elif part.is_message:
            self.message(part, depth + 1)
        elif spans:
            self.multipart(part, spans, depth + 1)
        else:
            # A multipart without its boundary is shown as text, and so is it read.
            self.parts.append(part._replace(content_type="text/plain") if multipart else part)

    def multipart(self, part: Part, spans: list[tuple[int, int]], depth: int) -> None:
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        for start, end in spans:
            if len(self.parts) >= MAX_PARTS:
                self.too_many = True
                rest = part._replace(content_type="text/plain", encoding="", start=start)
                self.parts.append(rest)
                return
            headers, body = split_headers(part.source, start, end)
            self.entity(Part.declared(headers, part.source, body, end, inner=part.inner, default=default), depth)

    def message(self, part: Part, depth: int) -> None:
        """An attached mail (RFC 2046 §5.2.1); some senders encode it against the rule."""
        if part.encoding in transfer.DECODERS:
            data, _cut = transfer.decode(part.source, part.start, part.end, part.encoding, MAX_MESSAGE, 0)
            part = part._replace(source=data, start=0, end=len(data), encoding="")
        headers, body = split_headers(part.source, part.start, part.end)
        self.messages.append(part._replace(headers=headers))
        self.entity(Part.declared(headers, part.source, body, part.end, inner=True), depth)


def walk(raw: bytes) -> tuple[Headers, Walk]:
    """The headers of a mail and its leaves. Never raises."""
    headers, body = split_headers(raw, 0, len(raw))
    found = Walk()
    found.entity(Part.declared(headers, raw, body, len(raw)), depth=0)
    return headers, found


TRAILER = re.compile(rb"(--)?[ \t]*\r?(?:\n|$)")


def split(part: Part) -> list[tuple[int, int]]:
    """Where the parts of a multipart lie (RFC 2046 §5.1.1); the last one may lack its closing line."""
    raw, end = part.source, part.end
    delimiter = b"--" + part.boundary.encode("latin-1", "replace")
    spans: list[tuple[int, int]] = []
    begun = -1
    at = raw.find(delimiter, part.start, end)
    while at >= 0 and len(spans) <= MAX_PARTS:
        after = at + len(delimiter)
        if at == part.start or raw[at - 1] in b"\r\n":
            trailer = TRAILER.match(raw, after, end)
            if trailer:
                if begun >= 0:
                    spans.append((begun, max(begun, _before_line_end(raw, at))))
                if trailer[1]:
                    return spans
                begun = after = trailer.end()
        at = raw.find(delimiter, after, end)
    if begun >= 0:
        spans.append((begun, end))
    return spans


def _before_line_end(raw: bytes, at: int) -> int:
    """The line end before a boundary belongs to the boundary."""
    if raw[at - 2 : at] == b"\r\n":
        return at - 2
    return at - 1 if at else at
