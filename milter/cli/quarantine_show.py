"""`quarantine show`: what one mail is, why it was kept back, and what was done with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from milter.cli.moments import age, local
from milter.cli.quarantine_options import Desk, desk, desk_options
from milter.cli.stored_json import shown
from milter.reason import sentence
from milter.store.records import AuditEntry, Copy, StoredMail

if TYPE_CHECKING:
    from milter.evidence.facts import Facts

# Entries of the audit log that are shown with a mail.
HISTORY = 50
PERSONAL = "It speaks of this reader: take it for meant, not for a bluff that went to thousands."


@click.command("show")
@click.argument("mail_id", metavar="ID")
@desk_options
@click.option("--json", "as_json", is_flag=True, help="As one object.")
@click.option("--original", is_flag=True, help="Write the mail itself, byte for byte and with all that it says.")
def command(mail_id: str, config_path: Path | None, actor: str | None, as_json: bool, original: bool) -> None:
    """Show one mail, and why it was kept back.

    Passwords in it are masked. That you looked is written to the audit log.
    """
    if as_json and original:
        raise click.UsageError("--json and --original exclude each other")
    with desk(config_path, actor) as at:
        mail = at.store.quarantine.get(mail_id)
        if original:
            raw = at.store.quarantine.raw(mail.id)
            at.store.audit.record(at.actor, "export", mail.id, "original", at=at.now)
            click.echo(raw, nl=False)
            return
        facts = _facts(at, mail)
        at.store.audit.record(at.actor, "show", mail.id, "", at=at.now)
        history = [entry for _, entry in at.store.audit.entries(mail_id=mail.id, limit=HISTORY)]
        mail = replace(mail, verdict=replace(mail.verdict, reasons=facts.reasons)) if facts else mail
        if as_json:
            click.echo(json.dumps(shown(mail, facts, history)))
            return
        for line in lines(at, mail, facts, history):
            click.echo(line)


def _facts(at: Desk, mail: StoredMail) -> Facts | None:
    """What the mail tells; None when its content is gone."""
    from milter.evidence import Case
    from milter.evidence.facts import examine

    if mail.state in {"deleted", "expired"}:
        return None
    raw = at.store.quarantine.raw(mail.id)
    return examine(Case(mail.id, raw, mail.envelope, mail.verdict, mail.received), trusted=at.config.trusted_clients)


def lines(at: Desk, mail: StoredMail, facts: Facts | None, history: list[AuditEntry]) -> Iterator[str]:
    """The page for people."""
    from milter.cli.explain import signs
    from milter.evidence.masking import visible

    yield f"{mail.id}: {mail.state}, arrived {local(mail.received)} ({age(mail.received, at.now)} ago)"
    if facts:
        yield ""
        yield sentence(mail.verdict)
        if mail.verdict.personal:
            yield PERSONAL
    yield ""
    yield from _labelled(mail, facts)
    yield ""
    yield from (f"{visible(copy.recipient)}: {_fate(copy, gone=facts is None)}" for copy in mail.copies)
    if facts:
        yield ""
        yield f"Score {mail.verdict.score:g}, because of"
        yield from (f"  {line}" for line in signs(mail.verdict))
    yield ""
    yield "History"
    yield from (f"  {local(entry.at)}  {entry.actor}  {entry.action}  {entry.detail}".rstrip() for entry in history)


def _labelled(mail: StoredMail, facts: Facts | None) -> Iterator[str]:
    client = " ".join(word for word in (mail.envelope.client_addr, mail.envelope.client_name) if word)
    auth = mail.verdict.auth
    known = {
        "kind": mail.verdict.kind,
        "subject": facts and facts.subject,
        "from": facts and ", ".join(f"{box.name} <{box.address}>".strip() for box in facts.author),
        "sent by": f"<{mail.envelope.mail_from}>" if mail.state != "expired" else "",
        "client": client,
        "checks": facts and f"SPF {auth.spf}, DKIM {auth.dkim}, DMARC {auth.dmarc}, ARC {auth.arc}",
        "forged": ", ".join(auth.spoof),
        "attached": facts and ", ".join(one.filename or one.content_type for one in facts.attachments),
        "size": f"{mail.size:,} bytes",
        "sha256": mail.sha256,
        "campaign": mail.campaign and str(mail.campaign),
        "note": mail.note,
    }
    yield from (f"{label:9} {text}" for label, text in known.items() if text)


def _fate(copy: Copy, *, gone: bool) -> str:
    """What became of a copy, in a sentence."""
    if copy.released_at:
        return f"released by {copy.released_by} at {local(copy.released_at)}"
    if gone:
        return "was not released"
    asked = f", requested at {local(copy.requested_at)}" if copy.requested_at else ""
    if copy.uncertain:
        return f"may have arrived: a release was interrupted (release --again sends it again){asked}"
    if copy.refusal:
        return f"not taken by the next hop: {copy.refusal}{asked}"
    return f"waits{asked}"
