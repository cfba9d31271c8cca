"""A mail as its reader sees it: `read` turns raw bytes into headers, texts, attachments and what is odd about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from milter.content import html, mime, quotes, transfer
from milter.content.charset import decode, unix_lines
from milter.content.headers import Headers
from milter.model import Signal, Text, Where

HTML_FACTOR = 2  # markup is this many times longer than the text in it, and limits allow for it
FORWARD_SUBJECT = re.compile(
    r"\s*(?:fwd?|wg|tr|i|rv|enc|doorst|pd|vb|vs|vidarebefordrat|ilt|転送|전달|转发|轉寄)\s*[:：]", re.IGNORECASE
)
NUMERIC_ENTITY = re.compile(r"&#(?:[0-9]{2,7}|[xX][0-9a-fA-F]{2,6});")
FEW_WORDS = 8  # own words beside a citation that say nothing themselves
SUBJECT_LENGTH = 4096  # characters; no program shows more


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not read as text: its kind, name and size in bytes as transferred."""

    content_type: str
    filename: str
    size: int


@dataclass(frozen=True, slots=True)
class Message:
    """One mail. texts begins with the subject; notes are sentences on what could not be read."""

    headers: Headers
    texts: tuple[Text, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    signals: tuple[Signal, ...] = ()
    notes: tuple[str, ...] = ()


def read(raw: bytes, *, head: int = 262144, tail: int = 65536) -> Message:
    """Read a mail. Of a longer text part, only the first head and last tail bytes are read. Never raises."""
    headers, found = mime.walk(raw)
    reading = _Reading(head, tail)
    reading.subject(headers, quoted=False)
    for message in found.messages:
        reading.subject(message.headers, quoted=True)
    for part in found.parts:
        reading.part(part)
    if found.too_deep:
        reading.note("MIME parts are nested too deeply; the innermost were read as plain text.")
    if found.too_many:
        reading.note("The mail has too many MIME parts; the last were read as plain text.")
    return reading.message(headers)


def unfolded(text: str) -> str:
    """Text of a calendar or address file with its long lines and escaped signs restored (RFC 5545 §3.1, §3.3.11)."""
    text = text.replace("\n ", "").replace("\n\t", "")
    return text.replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";")


class _Reading:
    """What has been read of one mail so far."""

    def __init__(self, head: int, tail: int) -> None:
        self.head = head
        self.tail = tail
        self.budget = (head + tail) * 2 * HTML_FACTOR
        self.texts: list[Text] = []
        self.attachments: list[Attachment] = []
        self.signals: dict[str, Signal] = {}
        self.notes: list[str] = []

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def signal(self, name: str, where: Where) -> None:
        self.signals.setdefault(name, Signal(name, where))

    def subject(self, headers: Headers, quoted: bool) -> None:
        subject = headers.get("subject")
        if subject:
            self.texts.append(Text("subject", subject[:SUBJECT_LENGTH], quoted))
        if quoted or FORWARD_SUBJECT.match(subject):
            self.signal("context.forwarded", "subject")

    def part(self, part: mime.Part) -> None:
        if part.filename or not part.is_text:
            self.attachments.append(Attachment(part.content_type, part.filename, part.end - part.start))
        if not part.is_text or part.end <= part.start:
            return
        head, tail = self.limits(part.is_html)
        data, cut = transfer.decode(part.source, part.start, part.end, part.encoding, head, tail)
        self.budget -= len(data)
        text = decode(data, part.charset)
        if part.is_html:
            self.page(text, part.inner, cut)
            return
        text = unix_lines(text)
        if part.joined:
            text = text.replace(" \n", "")
        if part.is_calendar:
            text = unfolded(text)
        if text[:200].lstrip().lower().startswith(("<!doctype html", "<html")):
            self.page(text, part.inner, cut)
        else:
            self.plain(text, part.inner, cut)

    def limits(self, is_html: bool) -> tuple[int, int]:
        """How many bytes of the next part are read: of a mail with ever more parts, only their beginnings."""
        if self.budget <= 0:
            return min(self.head, 4096), min(self.tail, 1024)
        factor = HTML_FACTOR if is_html else 1
        return self.head * factor, self.tail * factor

    def plain(self, text: str, inner: bool, cut: bool) -> None:
        if "&#" in text and len(entities := NUMERIC_ENTITY.findall(text)) >= 3:
            text = unescape(text)
            # Sloppy programs leave &#8217; in plain text; letters that need no entity are hidden on purpose.
            if sum(unescape(entity).isascii() and unescape(entity).isalnum() for entity in entities) >= 3:
                self.signal("evasion.entities", "text")
        self.add("text", text, inner, cut)

    def page(self, source: str, inner: bool, cut: bool) -> None:
        page = html.read(source)
        if page.tangled:
            self.note("HTML too tangled to parse was read without its tags.")
        self.add("html", page.text, inner, cut)
        if page.quoted:
            self.quoted("html", page.quoted)
        if page.hidden:
            self.texts.append(Text("html", page.hidden, inner))
        self.texts += [Text("html", link, inner) for link in page.links]
        if page.filler:
            self.signal("evasion.hidden_text", "html")

    def add(self, where: Where, text: str, inner: bool, cut: bool) -> None:
        if len(text) > self.head + self.tail + 1:
            text, cut = f"{text[: self.head]}\n{text[-self.tail :] if self.tail else ''}", True
        if cut:
            self.note("Text beyond the size limit was not scanned.")
        if inner:
            self.quoted(where, text)
            return
        parts = quotes.separate(text)
        if parts.own.strip():
            self.texts.append(Text(where, parts.own))
        if parts.quoted:
            self.quoted(where, parts.quoted)
        if parts.forwarded:
            self.signal("context.forwarded", where)

    def quoted(self, where: Where, text: str) -> None:
        if text.strip():
            self.texts.append(Text(where, text, quoted=True))
            self.signal("context.quoted", where)

    def message(self, headers: Headers) -> Message:
        texts = tuple(without_repeats(self.texts))
        body = [text for text in texts if text.where != "subject"]
        if sum(_words(text.content) for text in body if not text.quoted) < FEW_WORDS and any(
            text.quoted for text in body
        ):
            self.signal("context.only_quoted", "text")
        return Message(headers, texts, tuple(self.attachments), tuple(self.signals.values()), tuple(self.notes))


def without_repeats(texts: list[Text]) -> list[Text]:
    """Drop each text that another one holds completely, as plain text and HTML of one mail say the same."""
    bodies = [text for text in texts if text.where != "subject"][:COMPARED]
    if len(bodies) < 2:
        return texts
    said = [(essence(text.content), text) for text in bodies]
    repeated = {
        id(text)
        for place, (words, text) in enumerate(said)
        for other, (more, by) in enumerate(said)
        if place != other and by.quoted <= text.quoted and words in more and (words != more or other < place)
    }
    return [text for text in texts if id(text) not in repeated]


def _words(text: str) -> int:
    """About how many words a text has, as far as FEW_WORDS; scripts without blanks have one for two characters."""
    start = text[: 8 * FEW_WORDS]
    unspaced = 0 if start.isascii() else len(UNSPACED.findall(start))
    return max(len(text.split(None, FEW_WORDS)), unspaced // 2)


UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
COMPARED = 8  # texts; more parts than these are no alternatives of each other
NOT_ESSENTIAL = bytes(code for code in range(128) if not chr(code).isalnum())
URL = re.compile(r"https?://[^\s>]+")


def essence(text: str) -> bytes:
    """Letters and digits of a text, without addresses of links."""
    words = URL.sub("", text) if "://" in text else text
    return words.replace("\xa0", "").encode("utf-8", "replace").translate(None, NOT_ESSENTIAL)
