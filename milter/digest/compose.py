"""The mails that go out: digest, notice, answer and the administrator's digest, as bytes ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from milter.digest.letters import Desk
from milter.digest.own import mark
from milter.digest.texts import printable
from milter.i18n import Translator, translator
from milter.model import Kind
from milter.reason import kind_name
from milter.store.records import Campaign, StoredMail
from milter.templates import page

# Long addresses and links stay in one line each; quoted-printable breaks them for the way.
POLICY = SMTP.clone(max_line_length=998)


@dataclass(frozen=True, slots=True)
class Overview:
    """The quarantine as an administrator sees it: counts, and mails (with their recipients) that wait for somebody.

    kinds counts the mails that came in since the last digest. alarms are ids of mails that were reported;
    campaigns are the largest of those that were seen since.
    """

    held: int
    kinds: Mapping[Kind, int]
    requests: Sequence[tuple[StoredMail, str]]
    uncertain: Sequence[tuple[StoredMail, str]]
    alarms: Sequence[str]
    campaigns: Sequence[Campaign] = ()


class Composer:
    """Composes for one moment; key signs the field by which the filter knows its own mail."""

    def __init__(self, desk: Desk, key: bytes) -> None:
        self._desk = desk
        self._key = key

    def digest(self, recipient: str, mails: Sequence[StoredMail], more: int = 0) -> bytes:
        """All mails of which a recipient was not told yet; more: how many are not listed."""
        words = translator(self._desk.language(recipient, mails))
        count = len(mails) + more
        title = words.ngettext(
            "{count} mail to you was kept back", "{count} mails to you were kept back", count
        ).format(count=words.number(count))  # fmt: skip
        entries = [self._desk.entry(mail, recipient, words) for mail in mails]
        return self._mail(recipient, title, words, "digest", entries=entries, more=more, counsel=None)

    def notice(self, recipient: str, mail: StoredMail) -> bytes:
        """One mail, with advice."""
        words = translator(self._desk.language(recipient, [mail]))
        return self._mail(
            recipient,
            words.gettext("A mail to you was kept back"),
            words,
            "digest",
            entries=[self._desk.entry(mail, recipient, words)],
            more=0,
            counsel=self._desk.counsel(mail, recipient, words.language),
        )

    def answer(self, recipient: str, text: str, language: str, mail_id: str = "") -> bytes:
        """A short confirmation; text is one of ours."""
        words = translator(language)
        title = words.gettext("Your message to the mail filter")
        return self._mail(recipient, title, words, "answer", text=words.gettext(text), mail_id=mail_id)

    def overview(self, recipient: str, overview: Overview) -> bytes:
        """What an administrator has to know."""
        words = translator(self._desk.language(recipient))
        host = self._desk.config.hostname
        title = words.gettext("Quarantine of {host}").format(host=host)
        kinds = {kind_name(kind, words.language): count for kind, count in overview.kinds.items()}
        waves = {f"{one.id} ({kind_name(one.kind, words.language)})": one.mails for one in overview.campaigns}
        return self._mail(recipient, title, words, "overview", overview=overview, kinds=kinds, waves=waves)

    def _mail(self, recipient: str, title: str, words: Translator, template: str, **values: object) -> bytes:
        config = self._desk.config
        author = config.digest.author or f"blackmail-filter@{config.hostname}"
        values |= {
            "title": title,
            "host": config.hostname,
            "retention": config.store.retention_days,
            "by_mail": bool(config.digest.command_address and not config.digest.public_url),
            "expires": words.date((self._desk.now + timedelta(days=config.digest.valid_days)).date()),
        }
        mail = EmailMessage(policy=POLICY if recipient.isascii() and author.isascii() else POLICY.clone(utf8=True))
        mail["From"] = Address(words.gettext("Mail filter"), addr_spec=author) if author.isascii() else author
        mail["To"] = printable(recipient)
        mail["Subject"] = title
        mail["Date"] = format_datetime(self._desk.now)
        mail["Message-ID"] = make_msgid(domain=author.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        # Exchange and Outlook do not look at Auto-Submitted.
        mail["X-Auto-Response-Suppress"] = "All"
        mail.set_content(page(f"digest/{template}.txt.j2", words, **values), cte="quoted-printable")
        mail.add_alternative(page(f"digest/{template}.html", words, **values), subtype="html", cte="quoted-printable")
        # Set earlier, it would become a field of the first part.
        mail["Content-Language"] = words.language
        return mark(mail.as_bytes(), self._key)
