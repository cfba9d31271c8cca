"""Signs in the headers that the sender is not who he seems to be. Each supports a verdict, none decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from milter.addresses import normal_address, to_ascii
from milter.content.headers import Headers
from milter.content.normalise import plain
from milter.model import Envelope
from milter.sender.author import Mailbox, parse_mailboxes
from milter.sender.domains import is_within, organisational
from milter.sender.lookalike import resembled

ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:@]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# "Re:" in the languages of mail programs, with their counters: Re[2]:, AW (3):
REPLY = re.compile(r"\s*(?:re|aw|antw|sv|vs|odp|ynt|rif|res|回复|回覆|答复|返信)\s*(?:[\[(^]\d+[\])]?)?\s*[:：]", re.I)
BOUNCE_AUTHORS = ("mailer-daemon",)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who the mail says it is from and to.

    addressed: those in To and Cc; recipients: those and the envelope's. authenticated: whether the author's domain is
    proven; None if unknown.
    """

    headers: Headers
    authors: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    addressed: frozenset[str]
    recipients: frozenset[str]
    return_path: str
    own_domains: tuple[str, ...]
    authenticated: bool | None

    @property
    def author_domains(self) -> frozenset[str]:
        """The domains in From that are one."""
        return frozenset(author.domain for author in self.authors if author.domain)


def find_spoofs(
    envelope: Envelope, headers: Headers, *, own_domains: tuple[str, ...], authenticated: bool | None = None
) -> tuple[str, ...]:
    """The names of the spoof signals, without their prefix."""
    letterhead = read_letterhead(envelope, headers, own_domains, authenticated)
    return tuple(name for name, holds in SIGNS.items() if holds(letterhead))


def read_letterhead(
    envelope: Envelope, headers: Headers, own_domains: tuple[str, ...], authenticated: bool | None
) -> Letterhead:
    """What the headers and the envelope say about sender and recipients."""
    boxes = mailboxes(headers, "from", "reply-to", "to", "cc")
    addressed = frozenset(box.address for box in (*boxes["to"], *boxes["cc"]) if box.address)
    return Letterhead(
        headers=headers,
        authors=boxes["from"],
        reply_to=boxes["reply-to"],
        addressed=addressed,
        recipients=addressed | frozenset(filter(None, map(normal_address, envelope.rcpt_to))),
        return_path=normal_address(envelope.mail_from or headers.get("return-path").strip(" <>")),
        own_domains=_in_ascii(own_domains),
        authenticated=authenticated,
    )


@lru_cache(maxsize=8)
def _in_ascii(domains: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(to_ascii(domain) or domain for domain in domains)


def mailboxes(headers: Headers, *names: str) -> dict[str, tuple[Mailbox, ...]]:
    """The mailboxes in all fields of each of these lower-case names."""
    values: dict[str, list[bytes]] = {name: [] for name in names}
    for field, value in headers.raw:
        if (name := field.lower()) in values:
            values[name].append(value)
    return {name: parse_mailboxes(found) for name, found in values.items()}


def _from_equals_to(mail: Letterhead) -> bool:
    """The reader's own address as author, and nobody else addressed: who copies himself in writes to others.

    "Alice via List" is a list that puts its own address into From for the sake of DMARC.
    """
    authors = {author.address for author in mail.authors}
    relayed = "list-post" in mail.headers and any(" via " in author.name for author in mail.authors)
    return bool(authors & mail.recipients) and mail.addressed <= authors and not relayed


def _own_domain_unauthenticated(mail: Letterhead) -> bool:
    return mail.authenticated is False and any(
        is_within(domain, own) for domain in mail.author_domains for own in mail.own_domains
    )


def _display_name_address(mail: Letterhead) -> bool:
    """An address of another organisation where the name should be."""
    return any(
        not _same_organisation(normal_address(shown).rpartition("@")[2], author.domain)
        for author in mail.authors
        for shown in ADDRESS.findall(plain(author.name).text)
    )


def _display_name_recipient(mail: Letterhead) -> bool:
    return any(
        recipient in name and recipient != author.address
        for author in mail.authors
        if "@" in (name := plain(author.name).text.lower())
        for recipient in mail.recipients
    )


def _lookalike_domain(mail: Letterhead) -> bool:
    domains = mail.author_domains | {box.domain for box in mail.reply_to}
    return any(resembled(domain, mail.own_domains) for domain in domains)


def _reply_to_elsewhere(mail: Letterhead) -> bool:
    answers = {box.domain for box in mail.reply_to if box.domain}
    return bool(answers and mail.author_domains) and not any(
        _same_organisation(answer, author) for answer in answers for author in mail.author_domains
    )


def _from_missing(mail: Letterhead) -> bool:
    return not mail.author_domains


def _from_multiple(mail: Letterhead) -> bool:
    return len(mail.authors) > 1 or len(mail.headers.all("from")) > 1


def _return_path_unrelated(mail: Letterhead) -> bool:
    domain = mail.return_path.rpartition("@")[2]
    return bool(domain and mail.author_domains) and not any(
        _same_organisation(domain, author) for author in mail.author_domains
    )


def _fake_bounce(mail: Letterhead) -> bool:
    """Claims to be a bounce, but carries no report (RFC 3464 §2) and is no automatic answer (RFC 3834)."""
    headers = mail.headers
    claims = (
        headers.get("return-path").replace(" ", "") == "<>"
        or "x-failed-recipients" in headers
        or any(author.address.rpartition("@")[0] in BOUNCE_AUTHORS for author in mail.authors)
    )
    reports = headers.get("content-type").lower().startswith("multipart/report")
    return claims and not reports and headers.get("auto-submitted").lower() in ("", "no")


def _fake_reply(mail: Letterhead) -> bool:
    """Claims to answer a mail that it does not name; lists and digests lose that name on the way."""
    honest = ("in-reply-to", "references", "list-id", "list-post")
    return not any(name in mail.headers for name in honest) and REPLY.match(mail.headers.get("subject")) is not None


def _same_organisation(one: str, other: str) -> bool:
    return one == other or organisational(one) == organisational(other)


SIGNS: dict[str, Callable[[Letterhead], bool]] = {
    "from_equals_to": _from_equals_to,
    "own_domain_unauthenticated": _own_domain_unauthenticated,
    "display_name_address": _display_name_address,
    "display_name_recipient": _display_name_recipient,
    "lookalike_domain": _lookalike_domain,
    "reply_to_elsewhere": _reply_to_elsewhere,
    "from_missing": _from_missing,
    "from_multiple": _from_multiple,
    "return_path_unrelated": _return_path_unrelated,
    "fake_bounce": _fake_bounce,
    "fake_reply": _fake_reply,
}
