"""case.json: the facts of a case for programs. docs/case.schema.json describes it; VERSION counts changes to it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from milter import __version__
from milter.evidence.facts import Facts, checksum
from milter.evidence.route import Hop
from milter.reason import sentence
from milter.sender.author import Mailbox

FORMAT = "blackmail-filter case"
VERSION = 1


def case_record(facts: Facts, *, now: datetime) -> dict[str, Any]:
    """The facts as JSON can hold them; times are ISO 8601 in UTC, null where something is not known."""
    case, verdict = facts.case, facts.case.verdict
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": case.id,
        "generator": {"name": "blackmail-filter", "version": __version__},
        "generated": moment(now),
        "received": moment(case.received),
        "original": {"file": "original.eml", "size": len(case.raw), "sha256": facts.sha256},
        "envelope": asdict(case.envelope) | {"rcpt_to": list(case.envelope.rcpt_to)},
        "header": {
            "from": _boxes(facts.author),
            "reply_to": _boxes(facts.reply_to),
            "to": _boxes(facts.to),
            "return_path": facts.return_path,
            "subject": facts.subject,
            "date": moment(facts.sent),
            "message_id": facts.message_id,
        },
        "verdict": {
            "action": verdict.action,
            "score": verdict.score,
            "kind": verdict.kind,
            "language": verdict.language,
            "personal": verdict.personal,
            "sentence": sentence(verdict),
            "reasons": [asdict(reason) for reason in facts.reasons],
        },
        "wallets": [asdict(wallet) | {"checksum": checksum(wallet)} for wallet in facts.wallets],
        "demand": asdict(verdict.demand) | {"deadline": moment(deadline(facts))},
        "authentication": {
            "spf": verdict.auth.spf,
            "dkim": verdict.auth.dkim,
            "dmarc": verdict.auth.dmarc,
            "arc": verdict.auth.arc,
            "spoof": list(verdict.auth.spoof),
            "results": verdict.auth.results,
            "found_in_header": list(facts.results),
        },
        "route": {"witnessed": facts.route.witnessed, "hops": [_hop(hop) for hop in facts.route.hops]},
        "attachments": [asdict(attachment) for attachment in facts.attachments],
        "notes": list(verdict.notes),
    }


def deadline(facts: Facts) -> datetime | None:
    """When the deadline ends if it counts from the arrival; the sender counts from reading, which nobody knows."""
    hours = facts.case.verdict.demand.deadline_hours
    return facts.seen + timedelta(hours=hours) if facts.seen and hours is not None else None


def moment(at: datetime | None) -> str | None:
    """A time in UTC to the second: "2026-11-24T12:00:00Z"."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _boxes(boxes: tuple[Mailbox, ...]) -> list[dict[str, str]]:
    return [asdict(box) for box in boxes]


def _hop(hop: Hop) -> dict[str, Any]:
    delay = None if hop.delay is None else int(hop.delay.total_seconds())
    return asdict(hop) | {"public": hop.public, "at": moment(hop.at), "delay": delay}
