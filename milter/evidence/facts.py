"""What a case tells, read once for all who write it down; nothing in it holds a password."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

from milter.content.headers import Headers
from milter.content.message import Attachment, read
from milter.evidence.case import Case
from milter.evidence.masking import Masker, visible
from milter.evidence.route import LOOPBACK, Hop, Route, read_date, trace
from milter.model import Envelope, RuleMatch, Wallet
from milter.sender.author import Mailbox, parse_mailboxes
from milter.sender.client import Network
from milter.signals.checksums import currency_of

Checksum = Literal["holds", "none", "fails"]


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one case. Texts are as a reader sees them, passwords masked; times are in UTC.

    sent is the Date field, which the sender chose; seen is when the recipient's side saw the mail, as far as anyone
    knows. results: Authentication-Results fields found in the mail, whose writers are not checked.
    """

    case: Case
    sha256: str
    subject: str
    author: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    return_path: str
    message_id: str
    sent: datetime | None
    seen: datetime | None
    content_type: str
    route: Route
    results: tuple[str, ...]
    reasons: tuple[RuleMatch, ...]
    attachments: tuple[Attachment, ...]

    @property
    def wallets(self) -> tuple[Wallet, ...]:
        """The payment addresses, each once."""
        return self.case.verdict.wallets

    @property
    def recipients(self) -> frozenset[str]:
        """Addresses of those who got the mail, in lower case."""
        named = (box.address for box in self.to)
        return frozenset(address.lower() for address in (*self.case.envelope.rcpt_to, *named))

    @property
    def source(self) -> Hop | None:
        """The host that handed the mail over, if its address means anything outside."""
        handover = self.route.handover
        return handover if handover and handover.public else None


def examine(case: Case, *, trusted: Iterable[Network] = LOOPBACK) -> Facts:
    """Read the facts of a case. trusted: networks of relays on the recipient's side."""
    case = replace(case, id=visible(case.id), envelope=_visible_envelope(case.envelope))
    message = read(case.raw)
    headers = message.headers
    mask = Masker(message)
    route = trace([mask(line) for line in headers.all("Received")], case.envelope, case.received, trusted=trusted)
    return Facts(
        case,
        sha256(case.raw).hexdigest(),
        mask.subject(headers.get("Subject")),
        _mailboxes(headers, "From", mask),
        _mailboxes(headers, "Reply-To", mask),
        (*_mailboxes(headers, "To", mask), *_mailboxes(headers, "Cc", mask)),
        visible(case.envelope.mail_from or headers.get("Return-Path").strip(" <>")),
        mask(headers.get("Message-ID")),
        read_date(headers.get("Date")),
        _seen(case, route),
        visible(headers.get("Content-Type").partition(";")[0]).strip().lower() or "text/plain",
        route,
        tuple(mask(field) for field in headers.all("Authentication-Results")),
        tuple(replace(reason, excerpt=mask(reason.excerpt)) for reason in case.verdict.reasons),
        tuple(
            replace(one, content_type=visible(one.content_type), filename=mask(one.filename))
            for one in message.attachments
        ),
    )


def _visible_envelope(envelope: Envelope) -> Envelope:
    """An envelope of strangers without signs that cannot be seen, as the mail's own texts are."""
    return replace(
        envelope,
        mail_from=visible(envelope.mail_from),
        rcpt_to=tuple(visible(one) for one in envelope.rcpt_to),
        client_name=visible(envelope.client_name),
        helo_name=visible(envelope.helo_name),
        queue_id=visible(envelope.queue_id),
    )


def _mailboxes(headers: Headers, name: str, mask: Masker) -> tuple[Mailbox, ...]:
    values = [value for key, value in headers.raw if key.lower() == name.lower()]
    return tuple(Mailbox(mask(box.name), visible(box.address)) for box in parse_mailboxes(values))


def _seen(case: Case, route: Route) -> datetime | None:
    handover = route.handover
    if case.received is not None:
        return case.received
    return handover.at if handover else None


def checksum(wallet: Wallet) -> Checksum:
    """The state of an address: an Ethereum address in one case has no checksum (EIP-55)."""
    if not wallet.valid:
        return "fails"
    return "holds" if currency_of(wallet.address) else "none"
