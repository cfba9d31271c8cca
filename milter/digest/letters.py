"""What recipients and the administrator read of the quarantine: facts chosen here, layout in milter/data/digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from milter.addresses import normal_address
from milter.advice import Advice, advice
from milter.config import Config
from milter.digest.texts import defanged
from milter.digest.tokens import Order, Purpose, Tokens
from milter.i18n import Translator, msgid, supported
from milter.policies import Policies
from milter.reason import heading, is_test, sentence
from milter.reporting import ReportingPoint, country_of, emergency_number, reporting
from milter.store.records import StoredMail

VIEW = msgid("View it and decide")
LABELS: dict[Purpose, str] = {
    "release": msgid("Deliver this mail to me"),
    "request": msgid("Ask for this mail"),
    "false-alarm": msgid("Report a false alarm"),
}


@dataclass(frozen=True, slots=True)
class Command:
    """Something to press: a link to our page, a mail that is already filled in, or a button of our page."""

    purpose: Purpose
    label: str
    target: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One kept mail for its recipient."""

    id: str
    sender: str
    subject: str
    arrived: str
    kind: str
    reason: str
    headline: str
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Counsel:
    """What to do about one mail, and where to report it."""

    advice: Advice
    points: Sequence[ReportingPoint]


class Desk:
    """What all letters and pages of one moment rest on: settings, tokens, and whose policy is which."""

    def __init__(self, config: Config, tokens: Tokens, policies: Policies, now: datetime) -> None:
        self.config = config
        self.now = now
        self._tokens = tokens
        self._policies = policies

    def language(self, recipient: str, mails: Sequence[StoredMail] = ()) -> str:
        """By policy, else that of the newest mail."""
        return supported(self._policies.of(recipient).language or next((m.verdict.language for m in mails), None))

    def may_release(self, recipient: str) -> bool:
        """Whether the recipient's policy lets him release mail himself."""
        return self._policies.of(recipient).self_release == "yes"

    def tells_at_once(self, mail: StoredMail, recipient: str) -> bool:
        """Whether a mail has a notice of its own for this recipient."""
        meant = mail.verdict.personal and self._policies.of(recipient).personal_case == "notify"
        return meant or self.config.digest.notice_at_once

    def entry(self, mail: StoredMail, recipient: str, words: Translator) -> Entry:
        """A mail as its recipient is told of it."""
        name, address = defanged(mail.author_name), defanged(mail.author)
        return Entry(
            mail.id,
            f"{name} <{address}>" if name and address else name or address or words.gettext("(no sender)"),
            defanged(mail.subject) or words.gettext("(no subject)"),
            words.datetime(mail.received.astimezone(self.now.tzinfo)),
            heading(mail.verdict, words.language),
            sentence(mail.verdict, words.language),
            advice(mail.verdict, words.language, personal=mail.verdict.personal).headline,
            self._commands(mail, recipient, words),
        )

    def counsel(self, mail: StoredMail, recipient: str, language: str) -> Counsel:
        """Advice and reporting points for one mail. Raises ConfigError for an own file of points that is wrong."""
        path = self.config.reporting
        country = country_of(recipient, language, configured=self.config.country, path=path)
        number = emergency_number(country, path=path)
        return Counsel(
            advice(mail.verdict, language, personal=mail.verdict.personal, emergency=number),
            () if is_test(mail.verdict) else reporting(country, language, kind=mail.verdict.kind, path=path),
        )

    def buttons(self, mail: StoredMail, recipient: str, words: Translator) -> tuple[Command, ...]:
        """What the page offers: each target is the token alone."""
        return tuple(
            Command(purpose, words.gettext(LABELS[purpose]), self.token(purpose, mail, recipient))
            for purpose in self._offered(mail, recipient)
        )

    def token(self, purpose: Purpose, mail: StoredMail, recipient: str) -> str:
        """The right of a recipient to one thing."""
        return self._tokens.make(Order(purpose, mail.id, position_of(mail, recipient)), now=self.now)

    def _commands(self, mail: StoredMail, recipient: str, words: Translator) -> tuple[Command, ...]:
        settings = self.config.digest
        if settings.public_url:
            link = f"{settings.public_url}/m/{self.token('view', mail, recipient)}"
            return (Command("view", words.gettext(VIEW), link),)
        if not settings.command_address:
            return ()
        address = quote(settings.command_address, safe="@")
        return tuple(
            Command(button.purpose, button.label, f"mailto:{address}?subject={button.purpose}%20{button.target}")
            for button in self.buttons(mail, recipient, words)
        )

    def _offered(self, mail: StoredMail, recipient: str) -> list[Purpose]:
        copy = mail.copies[position_of(mail, recipient)]
        if mail.state not in ("held", "releasing") or copy.released_at:
            return ["false-alarm"]
        return ["release" if self.may_release(recipient) else "request", "false-alarm"]


def position_of(mail: StoredMail, recipient: str) -> int:
    """Which copy is the recipient's. Raises ValueError if none is."""
    return [normal_address(copy.recipient) for copy in mail.copies].index(normal_address(recipient))
