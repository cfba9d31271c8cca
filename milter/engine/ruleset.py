"""A rule set ready for use: the rules' facts, the scoring, and a matcher for the wordings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from milter.content.normalise import fold_word
from milter.engine.matcher import Matcher
from milter.engine.program import compile_program
from milter.engine.rulebook import RuleBook, RuleEntry, holds, named
from milter.engine.scanners import make_scanner
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
    """What `inspect` needs of the rules; Hit.rule counts through `rules`."""

    rules: tuple[RuleEntry, ...]
    scoring: Scoring
    matcher: Matcher
    conclusions: tuple[Conclusion, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Those rules of `rules` that follow from other facts, in their order."""
        conclusions = tuple(
            Conclusion(rule, rule.when, frozenset(named(rule.when, opposed=True)), holds(rule.when, set()))
            for rule in self.rules
            if rule.when is not None
        )
        object.__setattr__(self, "conclusions", conclusions)


def build(book: RuleBook, engine: str = "auto") -> RuleSet:
    """Compile a rule book, without any cache."""
    program = compile_program(book, fold_word)
    scanner = make_scanner(program.atoms, [r.regex for r in program.regexes], engine)
    return RuleSet(facts_of(book), book.scoring, Matcher(program, scanner))


def facts_of(book: RuleBook) -> tuple[RuleEntry, ...]:
    """The rules without wordings and examples, which only compiling and testing need."""
    return tuple(replace(rule, wordings=(), examples={}) for rule in book.rules)
