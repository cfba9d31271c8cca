"""One mail that evidence is to be made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from milter.model import Envelope, Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """A mail as it was kept or found, and what is known of it.

    id names its folder and files. received: when our own filter took the mail in (with a time zone); None if it did
    not, as with a mail from a file, whose envelope is empty. language: the recipient's; None: that of the mail.
    """

    id: str
    raw: bytes
    envelope: Envelope
    verdict: Verdict
    received: datetime | None = None
    language: str | None = None
