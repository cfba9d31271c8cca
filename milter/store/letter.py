"""What is remembered of one flagged mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from milter.content.message import read
from milter.model import Envelope, Kind, Verdict
from milter.pipeline import letter_texts, letter_wallets, readings_of
from milter.signals import find_wallets
from milter.signals.template import Signature, names_of, signature, template


@dataclass(frozen=True, slots=True)
class Letter:
    """A flagged mail as campaigns know it: seen is when it came, mail_id the id under which it is kept, if it is.

    signature is None for a letter that says too little; wallets are payment addresses with their currencies. proven:
    sender checks have shown who wrote it. The recipients are only counted; texts and their names make the template.
    """

    seen: datetime
    mail_id: str | None
    signature: Signature | None
    wallets: Mapping[str, str]
    recipients: tuple[str, ...]
    kind: Kind | None
    proven: bool
    texts: tuple[str, ...]
    names: frozenset[str]

    def template(self) -> str:
        """The text for people, without what is personal; made only for the first letters of a campaign."""
        return template(self.texts, self.names)


def letter_of(
    raw: bytes, envelope: Envelope, verdict: Verdict, *, seen: datetime, mail_id: str | None = None
) -> Letter:
    """Read a mail again for what letters of one campaign have in common; takes a millisecond or two."""
    message = read(raw)
    readings = readings_of(message)
    texts, names = letter_texts(readings), names_of(envelope, message.headers)
    wallets = letter_wallets(readings, [find_wallets(one.normal.plain, one.text.where) for one in readings])
    return Letter(
        seen=seen,
        mail_id=mail_id,
        signature=signature(texts, names),
        wallets={wallet.address: wallet.currency for wallet in wallets},
        recipients=envelope.rcpt_to,
        kind=verdict.kind,
        proven=bool(verdict.auth.author_proven),
        texts=tuple(texts),
        names=names,
    )
