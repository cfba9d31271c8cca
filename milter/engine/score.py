"""From hits and signals to a score: rules by groups, two sides needed, caps on every group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from milter.engine.matcher import Hit
from milter.engine.rulebook import RuleEntry
from milter.engine.ruleset import RuleSet
from milter.engine.schema import Scoring
from milter.model import Group, Kind


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern's hit in one of the mail's texts (numbered as read)."""

    hit: Hit
    text: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """One rule that holds: what it adds, and the hit it stands on (none for rules concluded by `when`)."""

    rule: RuleEntry
    score: float
    found: Found | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The rules that hold, heaviest first, and what follows from them."""

    evidence: tuple[Evidence, ...]
    score: float
    kind: Kind | None
    language: str | None


def judge(rules: RuleSet, found: Iterable[Found], signals: Iterable[str]) -> Judgement:
    """Weigh one mail."""
    hits = list(found)
    evidence = _worded(rules, hits)
    evidence += _concluded(rules, evidence, set(signals))
    evidence.sort(key=lambda e: -abs(e.score))
    return Judgement(tuple(evidence), _total(rules.scoring, evidence), _kind(evidence), _language(rules, hits))


def _worded(rules: RuleSet, hits: list[Found]) -> list[Evidence]:
    """The first hit of each rule, one in the author's own words before one in quoted text."""
    best: dict[int, Found] = {}
    for one in hits:
        known = best.get(one.hit.rule)
        if known is None or (known.quoted and not one.quoted):
            best[one.hit.rule] = one
    # Who cites a letter to warn of it or to ask for help says so; who hides a letter in quotes does not.
    reported = any(not one.quoted and rules.rules[n].group == "context" for n, one in best.items())
    weight = rules.scoring.reported_weight if reported else rules.scoring.quoted_weight
    return [
        Evidence(rules.rules[n], rules.rules[n].score * (weight if one.quoted else 1.0), one) for n, one in best.items()
    ]


def _concluded(rules: RuleSet, evidence: list[Evidence], signals: set[str]) -> list[Evidence]:
    """Rules by `when`, in the order in which they build on each other."""
    facts = signals | {e.rule.id for e in evidence} | {e.rule.group for e in evidence}
    concluded = []
    for conclusion in rules.conclusions:
        if conclusion.holds(facts):
            rule = conclusion.rule
            concluded.append(Evidence(rule, rule.score, None))
            facts |= {rule.id, rule.group}
    return concluded


def group_scores(scoring: Scoring, evidence: Iterable[Evidence]) -> dict[Group, float]:
    """The sum of each group, within its cap."""
    sums: Counter[Group] = Counter()
    for one in evidence:
        sums[one.rule.group] += one.score  # type: ignore[assignment]
    return {group: _capped(total, scoring.caps, group) for group, total in sums.items()}


def _capped(total: float, caps: Mapping[Group, float], group: Group) -> float:
    cap = caps.get(group, total)
    return max(total, cap) if cap < 0 else min(total, cap)


def _total(scoring: Scoring, evidence: list[Evidence]) -> float:
    groups = group_scores(scoring, evidence)
    total = sum(groups.values())
    if groups.get("threat", 0) <= 0:
        return 0.0
    if groups.get("demand", 0) <= 0:
        total = min(total, scoring.one_sided_cap)
    if groups.get("context", 0) < 0:
        total = min(total, scoring.reported_cap)
    return round(max(total, 0.0), 2)


def _kind(evidence: list[Evidence]) -> Kind | None:
    """The kind that most of the score speaks for."""
    votes: Counter[Kind] = Counter()
    for one in evidence:
        if one.rule.kind is not None and one.score > 0:
            votes[one.rule.kind] += one.score  # type: ignore[assignment]
    return votes.most_common(1)[0][0] if votes else None


def _language(rules: RuleSet, hits: list[Found]) -> str | None:
    """The language in which most rules are worded."""
    votes = Counter(language for _, language in {(one.hit.rule, one.hit.language) for one in hits})
    return votes.most_common(1)[0][0] if votes else None
