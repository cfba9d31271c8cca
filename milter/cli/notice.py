"""`scan --notice`: what the recipient of a flagged mail would see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import click

from milter.actions.entity import take_apart
from milter.actions.notice import Notice, Reader, notice
from milter.actions.rewrite import must_stay, rewrite
from milter.config import Config, Policy
from milter.content.message import read
from milter.frontends.scan import Record
from milter.i18n import translator
from milter.model import Language, Text, Verdict
from milter.policies import changes_mail
from milter.reporting import country_of
from milter.templates import page


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail as its reader sees it: the subject, the notice, and the text below it, "" if the mail is attached."""

    subject: str
    notice: Notice
    text: str

    @property
    def block(self) -> str:
        """The notice as it stands in an HTML page."""
        return self.notice.block


def print_notices(
    records: Iterable[Record], config: Config, *, language: str, country: str | None, recipient: str | None, html: bool
) -> None:
    """Print flagged mails as their reader sees them, in text or as one page; say of the others that they stay."""
    policy = config.policy.model_copy(update={"language": cast(Language, language)})
    if policy.notice == "off":
        policy = policy.model_copy(update={"notice": "add"})
    country = country or country_of(recipient or "", language, configured=config.country, path=config.reporting)
    mails = _seen(records, policy, Reader(language, country, config.reporting))
    if html:
        click.echo(page("notice/preview.html", translator(language), mails=list(mails)), nl=False)
        return
    for mail in mails:
        click.echo(f"{mail.subject}\n\n{mail.notice.text}\n{mail.text}\n")


def _seen(records: Iterable[Record], policy: Policy, reader: Reader) -> Iterator[Seen]:
    for record in records:
        name = f"{record.path} #{record.index}" if record.index else record.path
        if record.verdict is None:
            click.echo(f"{name}: {record.error}", err=True)
        elif not record.verdict.flagged:
            click.echo(f"{name} is not flagged and stays as it is", err=True)
        elif not changes_mail(policy, record.verdict):
            click.echo(f"{name} is flagged by a list of senders alone and stays as it is", err=True)
        elif must_stay(take_apart(record.raw).content) and policy.notice != "wrap":
            click.echo(f"{name} is signed or encrypted: it has a notice only with notice: wrap", err=True)
        else:
            yield _mail(record.raw, record.verdict, policy, reader)


def _mail(raw: bytes, verdict: Verdict, policy: Policy, reader: Reader) -> Seen:
    attached = must_stay(take_apart(raw).content)
    bare = policy.model_copy(update={"notice": "off"})
    done = rewrite(raw, replace(verdict, personal=False), bare, reader)
    texts = read(done.top + done.mail if done else raw).texts
    words = notice(verdict, reader, attached=attached)
    return Seen(_joined(texts, body=False), words, "" if attached else _joined(texts, body=True))


def _joined(texts: Iterable[Text], *, body: bool) -> str:
    """Bodies one below the other, or the subject of the mail itself."""
    found = [text.content.strip() for text in texts if (text.where != "subject") == body]
    return "\n\n".join(found) if body else next(iter(found), "")
