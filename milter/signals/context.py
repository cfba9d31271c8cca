"""Circumstances of a mail that speak for or against a private threat: facts only, rules weigh them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from milter.model import Signal, Text

# Characters of the author's own words beyond which a mail is rather a newsletter or a report than a threat.
LONG = 12_000
# Characters inside one pair of quotation marks that make it a citation.
CITATION = 200

REPLY_SUBJECT = re.compile(
    r"^\s*(?:re|aw|antw|antwort|sv|vs|odp|ynt|yan[ıi]t|ref|r|rif|回复|回覆|答复|答覆|返信|회신|답장|отв|ответ)\s*(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)
BULK_HEADERS = (
    "List-Unsubscribe",
    "Feedback-ID",
    "X-CSA-Complaints",
    "X-Campaign-ID",
    "X-Mailer-RecptId",
    "X-SG-EID",
    "X-MC-User",
)
LIST_HEADERS = ("List-Id", "List-Post", "List-Archive")
AUTO_REPLY = frozenset({"auto-replied", "auto-generated", "auto-notified"})
REPORT_TYPES = ("multipart/report", "message/feedback-report", "message/rfc822")
CITED = re.compile(
    rf"„[^„“”]{{{CITATION},}}+[“”]|“[^“”]{{{CITATION},}}+”|«[^«»]{{{CITATION},}}+»|»[^«»]{{{CITATION},}}+«"
    rf"|「[^「」]{{{CITATION},}}+」|『[^『』]{{{CITATION},}}+』"
)
# Straight marks look alike, so an opening one stands at the start of a word and a closing one at an end.
STRAIGHT_CITED = re.compile(rf"\"(?<!\S\")(?=\S)[^\"]{{{CITATION},}}+\"(?<=\S\")(?!\w)")


class Headers(Protocol):
    """What is needed of a mail's headers; names in any case."""

    def get(self, name: str) -> str:
        """The first header of that name, decoded; "" without one."""

    def all(self, name: str) -> list[str]:
        """All headers of that name, decoded."""


def find_context(headers: Headers, texts: tuple[Text, ...]) -> tuple[Signal, ...]:
    """`context.*` signals of a mail."""
    return (*_from_headers(headers), *_from_texts(texts))


def _from_headers(headers: Headers) -> Iterator[Signal]:
    precedence = headers.get("Precedence").strip().lower()
    if precedence == "list" or any(headers.get(name) for name in LIST_HEADERS):
        yield Signal("context.list", "header", headers.get("List-Id")[:200])
    if precedence in ("bulk", "junk") or any(headers.get(name) for name in BULK_HEADERS):
        yield Signal("context.bulk", "header")
    if _is_automatic(headers):
        yield Signal("context.auto", "header")
    if headers.get("Content-Type").strip().lower().startswith(REPORT_TYPES):
        yield Signal("context.report_attached", "header")
    if REPLY_SUBJECT.match(headers.get("Subject")):
        threaded = headers.get("In-Reply-To") or headers.get("References")
        yield Signal("context.reply" if threaded else "context.fake_reply", "subject", headers.get("Subject")[:200])


def _is_automatic(headers: Headers) -> bool:
    """RFC 3834 §5, and what vacation programs and monitors say besides."""
    submitted = headers.get("Auto-Submitted").split(";")[0].strip().lower()
    return submitted in AUTO_REPLY or any(headers.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Cron-Env"))


def _from_texts(texts: tuple[Text, ...]) -> Iterator[Signal]:
    attached = next((text for text in texts if text.quoted and text.where == "subject"), None)
    if attached:  # only a mail inside the mail has a second subject
        yield Signal("context.report_attached", "subject", attached.content[:200])
    own = [text for text in texts if not text.quoted and text.where in ("text", "html")]
    if max((len(text.content) for text in own), default=0) > LONG:
        yield Signal("context.long", "text")
    for text in own:
        cited = STRAIGHT_CITED.search(text.content)
        if not cited and not text.content.isascii():
            cited = CITED.search(text.content)
        if cited:
            yield Signal("context.quotation_marks", text.where, cited[0][:80])
            return
