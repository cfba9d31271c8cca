"""What is remembered of one flagged mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milter.content.message import read
from milter.model import Envelope, Kind, Verdict
from milter.pipeline import letter_texts, letter_wallets, readings_of
from milter.signals import find_wallets
from milter.signals.template import Signature, names_of, signature, template


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without what is personal in it, but for the recipients, who are only counted.

    signature is None for a letter that says too little; wallets are payment addresses with their currencies. proven:
    sender checks have shown who wrote it.
    """

    signature: Signature | None
    template: str
    wallets: Mapping[str, str]
    recipients: tuple[str, ...]
    kind: Kind | None
    proven: bool


def letter_of(raw: bytes, envelope: Envelope, verdict: Verdict) -> Letter:
    """Read a mail again for what letters of one campaign have in common; takes a few milliseconds."""
    message = read(raw)
    readings = readings_of(message)
    texts, names = letter_texts(readings), names_of(envelope, message.headers)
    wallets = letter_wallets(readings, [find_wallets(one.normal.plain, one.text.where) for one in readings])
    return Letter(
        signature=signature(texts, names),
        template=template(texts, names),
        wallets={wallet.address: wallet.currency for wallet in wallets},
        recipients=envelope.rcpt_to,
        kind=verdict.kind,
        proven=bool(verdict.auth.author_proven),
    )
