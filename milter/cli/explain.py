"""Why one mail got its verdict, and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.markup import escape

from milter.config import Policy
from milter.engine.ruleset import RuleSet
from milter.frontends.scan import Record
from milter.model import Group, RuleMatch, Verdict
from milter.reason import sentence


def print_explanation(record: Record, rules: RuleSet, policy: Policy) -> None:
    """Each sign by group, where it stood, and how far the mail was from another verdict."""
    console = Console(highlight=False, soft_wrap=True)
    name = escape(record.path) + (f" #{record.index}" if record.index else "")
    if record.verdict is None:
        console.print(f"[bold]{name}[/]: {escape(record.error or '')}")
        return
    verdict = record.verdict
    kind, language = verdict.kind or "no kind", verdict.language or "?"
    console.print(f"[bold]{name}[/]: {verdict.action}, score {verdict.score:g}, {kind}, {language}")
    console.print(f"  {escape(sentence(verdict))}")
    for line in signs(verdict, rules.scoring.caps):
        console.print(f"  {escape(line)}")
    for line in (*verdict.notes, *changes(verdict, rules, policy)):
        console.print(f"  {escape(line)}")


def signs(verdict: Verdict, caps: Mapping[Group, float] | None = None) -> Iterator[str]:
    """The reasons by group, with the words that they stand on, and the payment addresses; caps: of the groups."""
    for group, reasons in _by_group(verdict.reasons):
        total = sum(reason.score for reason in reasons)
        cap = (caps or {}).get(group)  # type: ignore[call-overload]
        capped = f", counts {cap:g} at most" if cap is not None and abs(total) > abs(cap) else ""
        yield f"{group} {total:+.2f}{capped}"
        for reason in reasons:
            yield f"  {reason.score:+.2f}  {reason.rule} in {reason.where}: {reason.excerpt or '(by its signs)'}"
    for wallet in verdict.wallets:
        yield f"{wallet.currency} address {wallet.address} ({'checksum holds' if wallet.valid else 'checksum fails'})"


def _by_group(reasons: tuple[RuleMatch, ...]) -> Iterator[tuple[str, list[RuleMatch]]]:
    for group in dict.fromkeys(reason.group for reason in reasons):
        yield group, [reason for reason in reasons if reason.group == group]


def changes(verdict: Verdict, rules: RuleSet, policy: Policy) -> Iterator[str]:
    """What would have led to another verdict, in sentences; nothing where a list of senders decides."""
    if any(reason.group == "policy" for reason in verdict.reasons):
        return
    groups = {reason.group for reason in verdict.reasons if reason.score > 0}
    missing = " and a ".join(side for side in ("threat", "demand") if side not in groups)
    if missing and groups & {"threat", "demand", "claim"}:
        yield f"Without a {missing} it can score {rules.scoring.one_sided_cap:g} at most."
    if verdict.score < policy.tag_at:
        yield f"It would be tagged with {policy.tag_at - verdict.score:.2f} more."
        return
    surplus = verdict.score - policy.tag_at + 0.01
    yield f"It would pass with {surplus:.2f} less, for instance without {_heaviest(verdict)}."
    if not policy.quarantine:
        yield f"Quarantine is off in the policy; with it on, mail from {policy.quarantine_at:g} is kept back."
    elif verdict.score < policy.quarantine_at:
        yield f"It would be quarantined with {policy.quarantine_at - verdict.score:.2f} more."


def _heaviest(verdict: Verdict) -> str:
    return max(verdict.reasons, key=lambda reason: reason.score).rule
