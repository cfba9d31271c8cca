"""Which rules are asked first: without a threat no mail scores, and most mail has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from milter.engine.rulebook import GROUPS, RuleEntry
from milter.engine.schema import Combination, Condition

SIDE = "threat"
Rules = Mapping[str, tuple[int, RuleEntry]]


def rules_for_threats(rules: Sequence[RuleEntry]) -> frozenset[int] | None:
    """Numbers of worded rules of which a mail with a threat holds one; None if a threat can come of signals alone."""
    by_name = {rule.id: (number, rule) for number, rule in enumerate(rules)}
    found = _any_of((SIDE,), by_name)
    return None if found is None else frozenset(by_name[name][0] for name in found)


def _any_of(conditions: Iterable[Condition], rules: Rules) -> frozenset[str] | None:
    """Worded rules of which one holds where any of the conditions holds; None if none need to."""
    found: frozenset[str] = frozenset()
    for condition in conditions:
        needed = _needed(condition, rules)
        if needed is None:
            return None
        found |= needed
    return found


def _needed(condition: Condition, rules: Rules) -> frozenset[str] | None:
    """Worded rules of which one holds where the condition does; None if none need to."""
    if isinstance(condition, Combination):
        return _least(_parts(condition, rules))
    if condition in GROUPS:
        return _any_of((rule.id for _, rule in rules.values() if rule.group == condition), rules)
    if condition not in rules:
        return None  # a signal
    rule = rules[condition][1]
    return frozenset({condition}) if rule.when is None else _needed(rule.when, rules)


def _parts(condition: Combination, rules: Rules) -> Iterator[frozenset[str] | None]:
    """Each of these must have a rule that holds."""
    for part in condition.all or ():
        yield _needed(part, rules)
    if condition.any is not None:
        yield _any_of(condition.any, rules)
    if condition.at_least is not None:
        yield _any_of(condition.at_least.of, rules)


def _least(parts: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    return min((part for part in parts if part is not None), key=len, default=None)
