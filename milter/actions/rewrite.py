"""Changes inside a flagged mail, where the policy asks for them: subject tag, notice, and links made harmless."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from milter.actions.defang import defanged
from milter.actions.entity import (
    Entity,
    Mail,
    change_fields,
    is_content_field,
    joined,
    take_apart,
    text_part,
)
from milter.actions.headers import field
from milter.actions.notice import Notice, Reader, notice, same_notice
from milter.actions.subject import tagged
from milter.config import Config, Policy
from milter.content.headers import split_headers
from milter.content.mime import split
from milter.i18n import supported
from milter.model import Envelope, Verdict
from milter.policies import notice_for
from milter.reporting import country_of

# More fields about the content make no honest mail; such a mail is treated like a closed one.
MAX_CONTENT_FIELDS = 20
SUBJECT = re.compile(rb"^subject[ \t]*:", re.IGNORECASE | re.MULTILINE)
MIME_VERSION = re.compile(rb"^mime-version[ \t]*:", re.IGNORECASE | re.MULTILINE)
MARK = "X-Blackmail-Notice"


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A changed mail: fields to be put on top of it, and the rest; and how an MTA that keeps the mail gets there.

    change: what each field of the header, line end included, becomes, b"" if it goes; body: None if it stays.
    """

    top: bytes
    mail: bytes
    change: Callable[[bytes], bytes]
    body: bytes | None


def rewrite(raw: bytes, verdict: Verdict, policy: Policy, reader: Reader) -> Rewriting | None:
    """A flagged mail as the policy wants it delivered; None if it stays as it is. Raises ConfigError (reporting)."""
    mail = take_apart(raw)
    content = _changed_content(raw, mail, verdict, policy, reader)
    moved = content is not mail.content
    language = reader.language if policy.subject_tag else None

    def change(line: bytes) -> bytes:
        if moved and is_content_field(line):
            return b""
        return tagged(line, language) if language and SUBJECT.match(line) else line

    header = change_fields(mail.header, change)
    top = _top(mail, content if moved else None, language)
    if header == mail.header and not top:
        return None
    body = content.body if moved else None
    return Rewriting(top, header + mail.line_end + content.body, change, body)


def reader_of(verdict: Verdict, policy: Policy, envelope: Envelope, config: Config) -> Reader:
    """Whom a notice has to speak to: the first recipient stands for all who share the mail."""
    language = supported(policy.language or verdict.language)
    recipient = envelope.rcpt_to[0] if envelope.rcpt_to else ""
    country = country_of(recipient, language, configured=config.country, path=config.reporting)
    return Reader(language, country, config.reporting)


def must_stay(content: Entity) -> bool:
    """Whether a mail with this content can have a notice only around it."""
    return content.is_closed or content.fields.count(b"\n") > MAX_CONTENT_FIELDS


def _changed_content(raw: bytes, mail: Mail, verdict: Verdict, policy: Policy, reader: Reader) -> Entity:
    content, mode = mail.content, notice_for(policy, verdict)
    if must_stay(content):
        wrapped = mode == "wrap" and not _has_notice(content, verdict, reader)
        return _wrapped(raw, notice(verdict, reader, attached=True), mail.line_end) if wrapped else content
    noticed = mode == "off" or _has_notice(content, verdict, reader)
    if policy.defang:
        content = defanged(content, (wallet.address for wallet in verdict.wallets), mail.line_end)
    return content if noticed else _with_notice(content, notice(verdict, reader), mail.line_end)


def _with_notice(content: Entity, words: Notice, line_end: bytes) -> Entity:
    """The notice first, then the content as it was: mail programs show both, one below the other."""
    original = content.fields + line_end + content.body
    return joined("mixed", [_notice_part(words, line_end), original], line_end)


def _wrapped(raw: bytes, words: Notice, line_end: bytes) -> Entity:
    """The notice, and the mail as a file."""
    fields = [b"Content-Type: message/rfc822", b'Content-Disposition: attachment; filename="mail.eml"']
    if not raw.isascii():
        fields.append(b"Content-Transfer-Encoding: 8bit")
    return joined("mixed", [_notice_part(words, line_end), line_end.join([*fields, b"", raw])], line_end)


def _notice_part(words: Notice, line_end: bytes) -> bytes:
    texts = [text_part("text/plain", words.text, line_end), text_part("text/html", words.html, line_end)]
    both = joined("alternative", texts, line_end)
    named = field(MARK, words.origin).replace(b"\r\n", line_end)
    return both.fields + b"Content-Language: " + words.language.encode() + line_end + named + line_end + both.body


def _has_notice(content: Entity, verdict: Verdict, reader: Reader) -> bool:
    """Whether a notice of ours stands first already; a part that only claims to be one does not count."""
    part = content.part
    spans = split(part) if part.content_type == "multipart/mixed" and part.boundary else []
    if not spans:
        return False
    first = content.body[slice(*spans[0])]
    headers, _ = split_headers(first, 0, len(first))
    words = same_notice(headers.get(MARK), verdict, reader)
    return words is not None and first == _notice_part(words, b"\r\n" if b"\r\n" in first else b"\n")


def _top(mail: Mail, content: Entity | None, language: str | None) -> bytes:
    """Fields that the mail has not, or not any more."""
    top = b""
    if language and not SUBJECT.search(mail.header):
        top += tagged(b"Subject:" + mail.line_end, language)
    if content is not None and not MIME_VERSION.search(mail.header):
        top += b"MIME-Version: 1.0" + mail.line_end
    return top + content.fields if content is not None else top
