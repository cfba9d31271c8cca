"""`inspect()`: one mail in, one verdict out. Pure: no clock, network, disk or environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from milter.config import Policy
from milter.content.language import guess
from milter.content.message import Message
from milter.content.normalise import excerpt, fold, plain
from milter.engine.ruleset import RuleSet
from milter.engine.score import Evidence, Found, Judgement, judge
from milter.model import Action, Authentication, Demand, Envelope, RuleMatch, Signal, Text, Verdict, Wallet
from milter.sender.verify import offline
from milter.signals import find_context, find_demand, find_wallets, mask_secrets

# Groups whose presence makes it worth looking for a sum and a deadline.
ASKING = {"demand", "deadline"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One text of the mail: as its reader sees it, free of disguise, and folded for the rules."""

    text: Text
    plain: str
    folded: str
    evasions: frozenset[str]


def inspect(
    message: Message,
    envelope: Envelope,
    *,
    rules: RuleSet,
    policy: Policy,
    authentication: Authentication | None = None,
    own_domains: tuple[str, ...] = (),
    explain: bool = True,
) -> Verdict:
    """Judge one mail.

    authentication is what the sender checks found; without it only the signs in the headers count. explain: give
    reasons also for mail that is not flagged.
    """
    sender = authentication or offline(envelope, message.headers, own_domains=own_domains)
    readings = [_reading(text) for text in message.texts]
    found = [
        Found(hit, number, reading.text.quoted)
        for number, reading in enumerate(readings)
        for hit in rules.matcher.hits(reading.folded)
    ]
    wallets, disguises = _wallets(readings)
    demand = _demand(readings) if ASKING & {rules.rules[f.hit.rule].group for f in found} else Demand()
    signals = [
        *message.signals,
        *find_context(message.headers, message.texts),
        *(Signal(name, r.text.where) for r in readings for name in sorted(r.evasions)),
        *(Signal(name, "text") for name in sorted(disguises)),
        *(Signal(f"spoof.{name}", "header") for name in sender.spoof),
        *_facts(wallets, demand),
    ]
    judgement = judge(rules, found, (signal.name for signal in signals))
    action = _action(judgement.score, policy)
    return Verdict(
        action=action,
        score=judgement.score,
        kind=_kind(judgement, action),
        language=judgement.language or next(filter(None, (guess(r.folded) for r in reversed(readings))), None),
        reasons=_reasons(judgement.evidence, readings, signals) if explain or action != "accept" else (),
        wallets=wallets,
        demand=demand,
        auth=sender,
        notes=message.notes,
    )


def _reading(text: Text) -> Reading:
    undisguised = plain(text.content)
    folded, evasions = fold_and_evasions(undisguised.text)
    return Reading(text, undisguised.text, folded, undisguised.evasions | evasions)


def fold_and_evasions(text: str) -> tuple[str, frozenset[str]]:
    return fold(text), frozenset()


def _wallets(readings: list[Reading]) -> tuple[tuple[Wallet, ...], set[str]]:
    """Payment addresses of all texts, each once, and the disguises they were found in."""
    unique: dict[str, Wallet] = {}
    disguises: set[str] = set()
    for reading in readings:
        found = find_wallets(reading.plain, reading.text.where)
        disguises |= found.evasions
        for wallet in found.wallets:
            unique.setdefault(wallet.address, wallet)
    return tuple(unique.values()), disguises


def _demand(readings: list[Reading]) -> Demand:
    return find_demand("\n".join(r.plain for r in readings if not r.text.quoted) or "\n".join(r.plain for r in readings))


def _facts(wallets: Iterable[Wallet], demand: Demand) -> Iterable[Signal]:
    """Wallets and demand as signals that rules can name."""
    for wallet in wallets:
        if wallet.valid:
            yield Signal("wallet.any", wallet.where, wallet.address)
            yield Signal(f"wallet.{wallet.currency.lower()}", wallet.where, wallet.address)
        else:
            yield Signal("wallet.invalid", wallet.where, wallet.address)
    if demand.amount is not None:
        yield Signal("demand.amount", "text", f"{demand.amount} {demand.currency or ''}".strip())
    if demand.deadline_hours is not None:
        yield Signal("deadline.time", "text", f"{demand.deadline_hours} h")


def _action(score: float, policy: Policy) -> Action:
    if score >= policy.quarantine_at and policy.quarantine:
        return "quarantine"
    return "tag" if score >= policy.tag_at else "accept"


def _kind(judgement: Judgement, action: Action):  # type: ignore[no-untyped-def]
    return (judgement.kind or "other") if action != "accept" else judgement.kind


def _reasons(evidence: Iterable[Evidence], readings: list[Reading], signals: list[Signal]) -> tuple[RuleMatch, ...]:
    by_name = {signal.name: signal for signal in reversed(signals)}
    return tuple(_reason(one, readings, by_name) for one in evidence)


def _reason(one: Evidence, readings: list[Reading], signals: dict[str, Signal]) -> RuleMatch:
    rule = one.rule
    if one.found is None:
        signal = _signal_behind(rule.when, signals)
        return RuleMatch(rule.id, rule.group, round(one.score, 2), signal.where if signal else "text", signal.excerpt if signal else "")
    reading = readings[one.found.text]
    start, end = (_characters(reading.folded, offset) for offset in one.found.hit.span)
    words = mask_secrets(excerpt(reading.plain, start, end))
    return RuleMatch(rule.id, rule.group, round(one.score, 2), reading.text.where, words)


def _characters(folded: str, offset: int) -> int:
    """Byte offset → character offset."""
    return offset if folded.isascii() else len(folded.encode()[:offset].decode())
