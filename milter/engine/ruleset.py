"""A rule set ready for use: the rules' facts, the scoring, and a matcher for the wordings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from milter.content.normalise import fold_word
from milter.engine.gate import rules_for_threats
from milter.engine.matcher import Matcher
from milter.engine.program import Program, compile_program, subset
from milter.engine.rulebook import RuleBook, RuleEntry, holds, named
from milter.engine.scanners import Scanner, make_scanner
from milter.engine.schema import Condition, Scoring


class Conclusion(NamedTuple):
    """A rule by `when`, the names that matter to it, and whether it holds where none of them is known."""

    rule: RuleEntry
    when: Condition
    names: frozenset[str]
    otherwise: bool

    def holds(self, facts: set[str]) -> bool:
        """Whether its condition holds; most mails have none of its names."""
        return self.otherwise if self.names.isdisjoint(facts) else holds(self.when, facts)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What `inspect` needs of the rules; Hit.rule counts through `rules`.

    threats holds the wordings alone of which a mail with a threat has one; None: it may have none.
    """

    rules: tuple[RuleEntry, ...]
    scoring: Scoring
    matcher: Matcher
    threats: Matcher | None = None
    conclusions: tuple[Conclusion, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Those rules of `rules` that follow from other facts, in their order."""
        conclusions = tuple(
            Conclusion(rule, rule.when, frozenset(named(rule.when, opposed=True)), holds(rule.when, set()))
            for rule in self.rules
            if rule.when is not None
        )
        object.__setattr__(self, "conclusions", conclusions)

    def may_threaten(self, folded: Iterable[str]) -> bool:
        """Whether a threat may stand in these texts; False is certain."""
        return self.threats is None or any(self.threats.hits(text, every=False) for text in folded)


def build(book: RuleBook, engine: str = "auto") -> RuleSet:
    """Compile a rule book, without any cache."""
    program = compile_program(book, fold_word)
    return rule_set(facts_of(book), book.scoring, program, lambda one: make_scanner(one.atoms, regexes(one), engine))


def rule_set(
    rules: tuple[RuleEntry, ...], scoring: Scoring, program: Program, scan: Callable[[Program], Scanner]
) -> RuleSet:
    """The rule set of a compiled program. scan is asked for the scanner of the whole, then for that of the threats."""
    needed = rules_for_threats(rules)
    whole = Matcher(program, scan(program))
    if needed is None:
        return RuleSet(rules, scoring, whole)
    threats = subset(program, needed)
    return RuleSet(rules, scoring, whole, Matcher(threats, scan(threats)))


def regexes(program: Program) -> list[str]:
    """The sources of its regular expressions."""
    return [pattern.regex for pattern in program.regexes]


def facts_of(book: RuleBook) -> tuple[RuleEntry, ...]:
    """The rules without wordings and examples, which only compiling and testing need."""
    return tuple(replace(rule, wordings=(), examples={}) for rule in book.rules)
