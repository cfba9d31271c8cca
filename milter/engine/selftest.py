"""Every rule's own examples, held against the rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from milter.content.normalise import fold, plain
from milter.engine.rulebook import RuleBook, RuleEntry
from milter.engine.ruleset import RuleSet


def faults(book: RuleBook, rules: RuleSet) -> Iterator[str]:
    """One sentence for each example that a rule misses or wrongly finds, and each pattern that no example shows."""
    numbers = _pattern_numbers(book)
    for number, rule in enumerate(book.rules):
        yield from _rule_faults(number, rule, rules, numbers[number])


def count_examples(rules: Iterable[RuleEntry]) -> int:
    """How many sentences the rules bring to show what they find and what they pass by."""
    return sum(len(e.match) + len(e.no_match) for rule in rules for e in rule.examples.values())


def _pattern_numbers(book: RuleBook) -> list[dict[str, list[int]]]:
    """For each rule and language: the numbers of its patterns as in Hit.pattern (near ones first, then regexes)."""
    near_count = sum(wording.regex is None for rule in book.rules for wording in rule.wordings)
    near, regexes = count(), count(near_count)
    out = []
    for rule in book.rules:
        by_language: dict[str, list[int]] = {}
        for wording in rule.wordings:
            by_language.setdefault(wording.language, []).append(next(near if wording.regex is None else regexes))
        out.append(by_language)
    return out


def _rule_faults(number: int, rule: RuleEntry, rules: RuleSet, patterns: dict[str, list[int]]) -> Iterator[str]:
    for language, examples in rule.examples.items():
        shown: set[int] = set()
        for text in examples.match:
            hits = _patterns_hit(rules, number, language, text)
            shown |= hits
            if not hits:
                yield f"{rule.id} ({language}) does not find: {text}"
        for text in examples.no_match:
            hits = _patterns_hit(rules, number, language, text)
            if hits:
                places = ", ".join(str(patterns[language].index(n) + 1) for n in sorted(hits))
                yield f"{rule.id} ({language}) pattern {places} wrongly finds: {text}"
        for place, pattern in enumerate(patterns[language], 1):
            if pattern not in shown:
                yield f"{rule.id} ({language}) pattern {place} is shown by no example"
        if len(examples.no_match) < len(patterns[language]):
            counts = f"{len(patterns[language])} patterns but {len(examples.no_match)} near misses"
            yield f"{rule.id} ({language}) has {counts}"


def _patterns_hit(rules: RuleSet, rule: int, language: str, text: str) -> set[int]:
    hits = rules.matcher.hits(fold(plain(text).text))
    return {hit.pattern for hit in hits if hit.rule == rule and hit.language == language}
