"""What the store hands out and is asked for: frozen data, the same for both databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from milter.model import Envelope, Kind, Listing, Verdict

State = Literal["held", "releasing", "released", "deleted", "expired"]
# Of held mail: a copy may have arrived, or its recipient has asked for it.
Waiting = Literal["uncertain", "requested"]
CampaignState = Literal["suspected", "confirmed", "harmless"]


@dataclass(frozen=True, slots=True)
class Copy:
    """One recipient's share of a mail.

    requested_at: the recipient asked for it. uncertain: it was on its way when its sender vanished, so it may have
    arrived. refusal: what the next hop said when it did not take it.
    """

    recipient: str
    released_at: datetime | None = None
    released_by: str = ""
    requested_at: datetime | None = None
    uncertain: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A kept mail without its content; all times are in UTC.

    author: the address in From, lower case, "" if there is none; author_name: the name beside it. sha256 in hex and
    size in bytes are of the mail as it came in. note: what last went wrong with its release. Of a deleted mail only
    envelope, rules' kind, hash, size and times are left; of an expired one not even the envelope.
    """

    id: str
    received: datetime
    state: State
    envelope: Envelope
    verdict: Verdict
    author: str
    author_name: str
    subject: str
    sha256: str
    size: int
    copies: tuple[Copy, ...] = ()
    note: str = ""
    campaign: int | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which mails to list; what is None does not narrow.

    since (inclusive) and until (exclusive) are times of arrival. recipient and sender are an address or a domain;
    sender looks at the envelope's and at the author. rule is an id or its beginning ("threat"). wallet is an address.
    text is looked for in subject, author and what a reader sees of the mail, without regard to case.
    """

    since: datetime | None = None
    until: datetime | None = None
    recipient: str | None = None
    sender: str | None = None
    rule: str | None = None
    wallet: str | None = None
    kind: Kind | None = None
    state: State | Waiting | None = None
    text: str | None = None
    campaign: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to release copies of one mail, held by one process; recipients are those it may send to."""

    token: str = field(repr=False)
    mail: StoredMail
    recipients: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A release whose process vanished, and the mail as it is now.

    by: who wanted it. waiting: the recipients to whom nothing was sent; none where copies may have arrived.
    """

    mail: StoredMail
    by: str
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Letters that were made from one template, or the short ones that name one payment address; all times are in UTC.

    mails and recipients count all that ever came, each recipient once for as long as mail is kept. kind is that of the
    first mail. decided_by: who said what it is, "campaigns" for the filter itself; "" while it is suspected. wallets:
    payment addresses with their currencies. template: what the letters have in common, without numbers, addresses,
    names and passwords; "" if it was wiped with the only letter.
    """

    id: int
    state: CampaignState
    first_seen: datetime
    last_seen: datetime
    mails: int
    recipients: int
    kind: Kind | None
    decided_by: str
    decided_at: datetime | None
    wallets: Mapping[str, str]
    template: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, when; mail_id is None where no single mail is meant."""

    at: datetime
    actor: str
    action: str
    mail_id: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class SenderEntry:
    """A sender (address or domain) that is let through or kept back for a scope: an address, a domain, or "*"."""

    scope: str
    sender: str
    listing: Listing
    by: str
    at: datetime
