"""A kept mail as JSON, without anything that it says; and with what is known of it, for those who look at one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milter.model import Verdict
from milter.reason import sentence
from milter.store.records import AuditEntry, Copy, StoredMail

if TYPE_CHECKING:
    from milter.evidence.facts import Facts


def listed(mail: StoredMail) -> dict[str, Any]:
    """The object that `quarantine list --json` prints: no subject, no text, no excerpt."""
    verdict = mail.verdict
    return {
        "id": mail.id,
        "received": mail.received.isoformat(),
        "state": mail.state,
        "mail_from": mail.envelope.mail_from,
        "author": mail.author,
        "client": mail.envelope.client_addr,
        "recipients": [_copy(copy) for copy in mail.copies],
        "kind": verdict.kind,
        "score": verdict.score,
        "language": verdict.language,
        "rules": list(dict.fromkeys(reason.rule for reason in verdict.reasons)),
        "wallets": [asdict(wallet) for wallet in verdict.wallets],
        "demand": asdict(verdict.demand),
        "sha256": mail.sha256,
        "size": mail.size,
        "campaign": mail.campaign,
        "note": mail.note,
    }


def shown(mail: StoredMail, facts: Facts | None, history: list[AuditEntry]) -> dict[str, Any]:
    """The object that `quarantine show --json` prints; facts, without passwords, are None when its content is gone."""
    return {
        **listed(mail),
        "reason": sentence(mail.verdict),
        "personal": mail.verdict.personal,
        "subject": facts and facts.subject,
        "from": facts and [asdict(box) for box in facts.author],
        "attachments": facts and [asdict(one) for one in facts.attachments],
        "client_name": mail.envelope.client_name,
        "helo_name": mail.envelope.helo_name,
        "queue_id": mail.envelope.queue_id,
        "reasons": facts and [asdict(reason) for reason in facts.reasons],
        "auth": _authentication(mail.verdict),
        "notes": list(mail.verdict.notes),
        "history": [logged(entry) for entry in history],
    }


def logged(entry: AuditEntry) -> dict[str, Any]:
    """An entry of the audit log."""
    return {**asdict(entry), "at": entry.at.isoformat()}


def _copy(copy: Copy) -> dict[str, Any]:
    return {
        "address": copy.recipient,
        "released_at": _time(copy.released_at),
        "released_by": copy.released_by,
        "requested_at": _time(copy.requested_at),
        "uncertain": copy.uncertain,
        "refusal": copy.refusal,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _authentication(verdict: Verdict) -> dict[str, Any]:
    auth = verdict.auth
    return {"spf": auth.spf, "dkim": auth.dkim, "dmarc": auth.dmarc, "arc": auth.arc, "spoof": list(auth.spoof)}
