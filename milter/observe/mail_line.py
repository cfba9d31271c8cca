"""One line in the log for each mail: what came from where to whom, what became of it, and how long that took."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from milter.model import Envelope, Fate, Verdict
from milter.observe import meter
from milter.observe.addresses import in_text
from milter.observe.escaping import enclosed, plain
from milter.observe.stages import Stages

# Of a mail with many recipients, so many stand in the log.
LOGGED_RECIPIENTS = 10

log = logging.getLogger("milter.mail")


class Reply(Protocol):
    """An SMTP reply, whose text is code and lines."""

    @property
    def code(self) -> int:
        """Three digits (RFC 5321 §4.2.1)."""


class Outcome(Protocol):
    """What became of a mail: see milter.actions.deliver."""

    @property
    def fate(self) -> Fate:
        """What was done."""

    @property
    def would(self) -> Fate | None:
        """What would have been done, in monitor mode."""

    @property
    def reply(self) -> Reply:
        """What the client was told."""

    @property
    def verdict(self) -> Verdict | None:
        """None where nobody has judged."""

    @property
    def kept_as(self) -> str | None:
        """The id in quarantine."""


class MailLine:
    """The message of a log record: as text it is the line for people, and fields() are for programs.

    No text of the mail stands in it, nothing that could forge another line or field, and addresses as shown says.
    """

    # Set once for the process, with the settings of the log.
    shown: Callable[[str], str] = str
    __slots__ = ("_envelope", "_milliseconds", "_outcome", "_peer", "_size", "_stages")

    def __init__(
        self, envelope: Envelope, size: int, outcome: Outcome, milliseconds: float, stages: Stages, peer: str = ""
    ) -> None:
        self._envelope = envelope
        self._size = size
        self._outcome = outcome
        self._milliseconds = milliseconds
        self._stages = stages
        self._peer = peer

    def __str__(self) -> str:
        envelope, outcome, shown = self._envelope, self._outcome, MailLine.shown
        verdict = outcome.verdict or Verdict()
        recipients = [f"<{enclosed(shown(recipient))}>" for recipient in envelope.rcpt_to[:LOGGED_RECIPIENTS]]
        if len(envelope.rcpt_to) > LOGGED_RECIPIENTS:
            recipients.append(f"+{len(envelope.rcpt_to) - LOGGED_RECIPIENTS}")
        rules = dict.fromkeys(reason.rule for reason in verdict.reasons)
        return plain(
            f"{envelope.queue_id}: client={envelope.client_addr or self._peer}"
            f" from=<{enclosed(shown(envelope.mail_from))}> to={','.join(recipients)} size={self._size}"
            f" action={outcome.fate}{f' would={outcome.would}' if outcome.would else ''}"
            f" score={verdict.score:.1f} kind={verdict.kind or '-'} rules={','.join(rules) or '-'}"
            f"{f' kept_as={outcome.kept_as}' if outcome.kept_as else ''}"
            f' reply="{enclosed(in_text(str(outcome.reply), shown))}" ms={self._milliseconds:.1f}'
            + "".join([f" {stage}_ms={seconds * 1000:.1f}" for stage, seconds in self._stages.items()])
        )

    def fields(self) -> dict[str, object]:
        """The same by name; what does not apply is left out."""
        envelope, outcome, shown = self._envelope, self._outcome, MailLine.shown
        verdict = outcome.verdict or Verdict()
        fields: dict[str, object] = {
            "queue_id": envelope.queue_id,
            "client": envelope.client_addr or self._peer,
            "from": shown(envelope.mail_from),
            "to": [shown(recipient) for recipient in envelope.rcpt_to[:LOGGED_RECIPIENTS]],
            "recipients": len(envelope.rcpt_to),
            "size": self._size,
            "action": outcome.fate,
            "would": outcome.would,
            "score": round(verdict.score, 2),
            "kind": verdict.kind,
            "rules": list(dict.fromkeys(reason.rule for reason in verdict.reasons)),
            "kept_as": outcome.kept_as,
            "reply": in_text(str(outcome.reply), shown),
            "ms": round(self._milliseconds, 1),
        }
        fields |= {f"{stage}_ms": round(seconds * 1000, 1) for stage, seconds in self._stages.items()}
        return {name: value for name, value in fields.items() if value is not None}


def mail_done(envelope: Envelope, size: int, outcome: Outcome, started: float, stages: Stages, peer: str = "") -> None:
    """Log and count a mail that is through.

    started is on the clock of time.perf_counter; peer stands for a client that the envelope does not name.
    """
    seconds = perf_counter() - started
    if meter.counts:
        meter.counts.mail(size, outcome, seconds, stages)
    if log.isEnabledFor(logging.INFO):
        log.info(MailLine(envelope, size, outcome, seconds * 1000, stages, peer))
