"""Our own blackmail letters, as mails of many shapes, and the judgement on them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from milter.config import Config, Policy
from milter.content.message import read
from milter.engine.schema import Language
from milter.inspector import configured_rules
from milter.model import Envelope, Verdict
from milter.pipeline import inspect

SAMPLES = Path(__file__).parent / "samples"
ENOUGH = 5
LANGUAGES = Language.__args__  # type: ignore[attr-defined]
ADDRESS = re.compile(r"\b(?:bc1[0-9a-z]{20,}|[13][0-9A-Za-z]{25,34})\b")


@dataclass(frozen=True, slots=True)
class Letter:
    """A blackmail letter as its author thought of it."""

    language: str
    subject: str
    body: str

    @property
    def address(self) -> str | None:
        found = ADDRESS.search(self.body)
        return found[0] if found else None


def mail(letter: Letter, content: bytes, content_type: str = "text/plain; charset=utf-8", headers: str = "") -> bytes:
    """A mail around some content. headers: further ones, each with its line end."""
    subject = base64.b64encode(letter.subject.encode()).decode()
    head = "" if "From:" in headers else "From: Writer <writer@mailer.example>\n"
    head += "To: reader@example.org\n" if "To:" not in headers else ""
    head += f"Subject: =?utf-8?b?{subject}?=\n" if "Subject:" not in headers else ""
    return f"{head}{headers}MIME-Version: 1.0\nContent-Type: {content_type}\n\n".encode() + content


def plain(letter: Letter) -> bytes:
    return mail(letter, letter.body.encode())


def page(letter: Letter, body: str) -> bytes:
    """An HTML mail; body is markup but for its line ends."""
    lines = "<br>\n".join(body.split("\n"))
    return mail(letter, f"<html><body>{lines}</body></html>".encode(), "text/html; charset=utf-8")


def cited(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.split("\n"))


RULES = configured_rules(Config())


def judged(raw: bytes) -> Verdict:
    return inspect(read(raw), Envelope(), rules=RULES, policy=Policy(quarantine=True))


@cache
def plain_letters(language: str) -> list[tuple[str, Letter, Verdict]]:
    """The plain letters among our samples: flagged, without a disguise of their own."""
    found = []
    for path in sorted((SAMPLES / language / "extortion").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        subject, body = text.removeprefix("Subject: ").split("\n", 1) if text.startswith("Subject: ") else ("", text)
        letter = Letter(language, subject, body)
        verdict = judged(plain(letter))
        if verdict.flagged and not any(reason.group == "evasion" for reason in verdict.reasons):
            found.append((path.stem, letter, verdict))
    return found[:ENOUGH]
