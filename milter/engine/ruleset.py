"""A rule set ready for use: the rules' facts, the scoring, and a matcher for the wordings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from milter.content.normalise import fold_word
from milter.engine.matcher import Matcher
from milter.engine.program import compile_program
from milter.engine.rulebook import RuleBook, RuleEntry
from milter.engine.scanners import make_scanner
from milter.engine.schema import Scoring


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What `inspect` needs of the rules; Hit.rule counts through `rules`."""

    rules: tuple[RuleEntry, ...]
    scoring: Scoring
    matcher: Matcher


def build(book: RuleBook, engine: str = "auto") -> RuleSet:
    """Compile a rule book, without any cache."""
    program = compile_program(book, fold_word)
    scanner = make_scanner(program.atoms, [r.regex for r in program.regexes], engine)
    return RuleSet(facts_of(book), book.scoring, Matcher(program, scanner))


def facts_of(book: RuleBook) -> tuple[RuleEntry, ...]:
    """The rules without wordings and examples, which only compiling and testing need."""
    return tuple(replace(rule, wordings=(), examples={}) for rule in book.rules)
