"""The words that all parts share: frozen data, no behaviour beyond reading itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

Action = Literal["accept", "tag", "quarantine", "reject"]
# What becomes of a mail: an action, or what happens to mail that nobody has judged.
Fate = Literal["accept", "tag", "quarantine", "reject", "unchecked", "relay", "defer", "own", "command"]
Language = Literal["en", "de", "fr", "es", "it", "nl", "pt", "pl", "cs", "sv", "da", "ru", "tr", "ja", "ko", "zh"]
# What a recipient or an administrator says of a sender.
Listing = Literal["allow", "block"]
Where = Literal["text", "html", "subject", "header", "image", "pdf", "qr"]
Group = Literal[
    "threat", "demand", "claim", "deadline", "secrecy", "spoof", "evasion", "wallet", "campaign", "context"
]  # fmt: skip
Kind = Literal[
    "sextortion",
    "hacked-device",
    "leaked-password",
    "bomb",
    "violence",
    "ddos",
    "data-leak",
    "fake-authority",
    "reputation",
    "other",
]
# Every fact that the parts before the rules can find; `when` in a rule may name these.
SIGNALS: frozenset[str] = frozenset(
    f"{group}.{name}"
    for group, names in {
        "wallet": "any invalid btc bch ltc doge dash zec eth trx xmr xrp",
        "demand": "amount",
        "deadline": "time",
        "campaign": "known wallet harmless",
        "evasion": "lookalike invisible combining leet split_letters masked hidden_text entities"
        " split_wallet encoded_wallet",
        "context": "quoted forwarded only_quoted list bulk long auto reply report_attached fake_reply quotation_marks"
        " known_thread photos minor",
        "spoof": "from_equals_to own_domain_unauthenticated display_name_address display_name_recipient"
        " lookalike_domain reply_to_elsewhere from_missing from_multiple return_path_unrelated fake_bounce fake_reply",
    }.items()
    for name in names.split()
)
AuthResult = Literal["none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror"]


class Refusal(Enum):
    """Why a session may not begin."""

    NOT_TRUSTED = "not in trusted_clients"
    STOPPING = "we are stopping"
    FULL = "max_connections is reached"
    ONE_CLIENT = "max_connections_per_client is reached"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The SMTP envelope (RFC 5321 §2.3.1) and who handed it over.

    mail_from is "" for the null reverse-path; client_addr is the real client (XFORWARD, XCLIENT), "" if unknown;
    authenticated: it logged in (RFC 4954), so that it is one of our own users wherever it is.
    """

    mail_from: str = ""
    rcpt_to: tuple[str, ...] = ()
    client_addr: str = ""
    client_name: str = ""
    helo_name: str = ""
    queue_id: str = ""
    authenticated: bool = False


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who really sent the mail, in the result words of RFC 8601, and the spoof signals found.

    results is the text of an Authentication-Results header after the authserv_id ("spf=pass …; dkim=none").
    author_proven: whether the author's domain is, by DMARC or by an aligned SPF or DKIM pass; None if that is unknown.
    """

    spf: AuthResult = "none"
    dkim: AuthResult = "none"
    dmarc: AuthResult = "none"
    arc: AuthResult = "none"
    spoof: tuple[str, ...] = ()
    results: str = "none"
    author_proven: bool | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One stretch of text as a reader sees it: entities, HTML and transfer encodings are gone.

    quoted marks what the author cites (reply quotes, forwarded mails), not what the author says.
    """

    where: Where
    content: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """A fact found in a mail, named by a dotted id that rules can use, for instance `evasion.lookalike`."""

    name: str
    where: Where
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Wallet:
    """A payment address; valid says that its checksum holds."""

    currency: str
    address: str
    valid: bool
    where: Where


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for: amount is a plain decimal ("1450", "0.15"), deadline_hours counts from reading."""

    amount: str | None = None
    currency: str | None = None
    deadline_hours: int | None = None


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """One rule that holds for a mail: where, and the words that it stands on (secrets masked).

    Of the group "policy" are `policy.allow` and `policy.block`: the author, in the excerpt, stands on a list.
    """

    rule: str
    group: Group | Literal["policy"]
    score: float
    where: Where
    excerpt: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one mail, with everything that it rests on.

    personal: signs show that the reader is meant, as opposed to a bluff that went to thousands.
    """

    action: Action = "accept"
    score: float = 0.0
    kind: Kind | None = None
    language: str | None = None
    reasons: tuple[RuleMatch, ...] = ()
    wallets: tuple[Wallet, ...] = ()
    demand: Demand = field(default_factory=Demand)
    auth: Authentication = field(default_factory=Authentication)
    notes: tuple[str, ...] = ()
    personal: bool = False

    @property
    def flagged(self) -> bool:
        """Whether the mail is treated as extortion in any way."""
        return self.action != "accept"


# What front ends ask: raw mail and envelope → verdict.
Inspector = Callable[[bytes, Envelope], Awaitable[Verdict]]
