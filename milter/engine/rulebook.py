"""Rule files → one checked rule book. A faulty file refuses the whole set; nothing half-loads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn, get_args

import regex

from milter.engine.schema import Combination, Condition, Examples, Pattern, Phrases, Rule, RuleFile, Scoring, WordLists
from milter.errors import ConfigError
from milter.model import SIGNALS, Group, Kind
from milter.yamlfile import YamlFile, validate

GROUPS: tuple[Group, ...] = get_args(Group)
UNBOUNDED = regex.compile(r"(?<!\\)(?:\.|\]|\\[wWsSdD])(?:[*+]|\{\d+,\})")


@dataclass(frozen=True, slots=True)
class Wording:
    """One pattern with its word lists filled in; regex and lists exclude each other."""

    language: str
    lists: tuple[tuple[str, ...], ...] = ()
    unless: tuple[tuple[str, ...], ...] = ()
    regex: str | None = None
    within: int = 80
    in_order: bool = False


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule with all its wordings and examples, from whatever files they came."""

    id: str
    description: str
    group: Group
    kind: Kind | None
    score: float
    references: tuple[str, ...] = ()
    when: Condition | None = None
    wordings: tuple[Wording, ...] = ()
    examples: dict[str, Examples] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules of one set, in the order of their declaration, `when` rules after what they refer to."""

    rules: tuple[RuleEntry, ...]
    scoring: Scoring


def rule_files(paths: Iterable[Path]) -> list[Path]:
    """The YAML files that these files and folders hold, in a stable order. Raises ConfigError if there are none."""
    files: list[Path] = []
    for path in paths:
        found = sorted(p for p in path.rglob("*.y*ml") if p.suffix in (".yaml", ".yml")) if path.is_dir() else [path]
        if not found:
            raise ConfigError(f"{path}: holds no rule files (*.yaml): name a folder with rules")
        files += found
    return files


def assemble(files: Iterable[YamlFile]) -> RuleBook:
    """Check and join parsed rule files. Raises ConfigError that names file, line and key."""
    parsed = [(file, validate(RuleFile, file)) for file in files]
    entries: dict[str, RuleEntry] = {}
    origin: dict[str, YamlFile] = {}
    scoring = None
    for file, content in parsed:
        scoring = content.scoring or scoring
        if isinstance(content.rules, list):
            for number, rule in enumerate(content.rules):
                if rule.id in entries:
                    _fail(file, ("rules", number), f"rule '{rule.id}' is declared already in {origin[rule.id].path}")
                entries[rule.id] = _entry(file, content, number, rule)
                origin[rule.id] = file
    for file, content in parsed:
        if isinstance(content.rules, dict):
            for rule_id, phrases in content.rules.items():
                _known(file, ("rules", rule_id), rule_id, entries)
                entries[rule_id] = _extended(file, content, entries[rule_id], phrases)
        for rule_id, score in content.scores.items():
            _known(file, ("scores", rule_id), rule_id, entries)
            entries[rule_id] = replace(entries[rule_id], score=score)
    if not entries:
        raise ConfigError("the rule set is empty: switch shipped_rules on or name a folder in `rules`")
    _check_names(parsed, {*entries, *GROUPS, *SIGNALS})
    if scoring is None:
        raise ConfigError(
            "the rule set has no `scoring`: switch shipped_rules on or add a scoring section to a rule file"
        )
    return RuleBook(tuple(_in_order(entries, origin)), scoring)


def _fail(file: YamlFile, location: tuple[str | int, ...], message: str) -> NoReturn:
    raise ConfigError(f"{file.path}:{file.line(location)}: {'.'.join(map(str, location))}: {message}")


def _known(file: YamlFile, location: tuple[str | int, ...], name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        _fail(file, location, f"there is no '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))


def _check_names(parsed: list[tuple[YamlFile, RuleFile]], known: set[str]) -> None:
    """Every name in a `when` must be a rule, a group or a signal."""
    for file, content in parsed:
        for number, rule in enumerate(content.rules if isinstance(content.rules, list) else ()):
            for name in sorted(_names(rule.when)):
                _known(file, ("rules", number, "when"), name, known)


def _entry(file: YamlFile, content: RuleFile, number: int, rule: Rule) -> RuleEntry:
    wordings = tuple(
        _wording(file, content, ("rules", number, "patterns", language, i), language, pattern)
        for language, patterns in rule.patterns.items()
        for i, pattern in enumerate(patterns)
    )
    return RuleEntry(
        rule.id, rule.description, rule.group, rule.kind, rule.score, tuple(rule.references), rule.when,
        wordings, {str(language): examples for language, examples in rule.tests.items()},
    )  # fmt: skip


def _extended(file: YamlFile, content: RuleFile, entry: RuleEntry, phrases: Phrases) -> RuleEntry:
    language = content.language
    assert language is not None  # the schema refuses such a file
    if language in entry.examples:
        _fail(file, ("rules", entry.id), f"rule '{entry.id}' has {language} patterns already in another file")
    if entry.when is not None:
        _fail(file, ("rules", entry.id), f"rule '{entry.id}' is concluded by `when` and takes no patterns")
    added = tuple(
        _wording(file, content, ("rules", entry.id, "patterns", i), language, pattern)
        for i, pattern in enumerate(phrases.patterns)
    )
    return replace(entry, wordings=entry.wordings + added, examples={**entry.examples, language: phrases.tests})


def _wording(
    file: YamlFile, content: RuleFile, location: tuple[str | int, ...], language: str, pattern: Pattern
) -> Wording:
    def filled(lists: WordLists, key: str) -> tuple[tuple[str, ...], ...]:
        out = []
        for number, entry in enumerate(lists):
            if isinstance(entry, str):
                _known(file, (*location, key, number), entry, content.words)
            words = content.words[entry] if isinstance(entry, str) else entry
            for word in words:
                _check_word(file, (*location, key, number), word)
            out.append(tuple(words))
        return tuple(out)

    if pattern.regex is not None:
        _check_regex(file, (*location, "regex"), pattern.regex)
        return Wording(language, regex=pattern.regex)
    lists = filled(pattern.near, "near") if pattern.near is not None else filled(pattern.phrase or [], "phrase")
    return Wording(language, lists, filled(pattern.unless, "unless"), None, pattern.within, pattern.in_order)


def _check_word(file: YamlFile, location: tuple[str | int, ...], word: str) -> None:
    if "*" in word.strip("*") or not word.strip("* "):
        _fail(file, location, f"'{word}': a * may stand only at the beginning or end of a word or phrase")
    if word.isdigit():
        _fail(file, location, f"'{word}': write # for a number; digits stand for any number")


def _check_regex(file: YamlFile, location: tuple[str | int, ...], source: str) -> None:
    try:
        compiled = regex.compile(source, regex.ASCII | regex.DOTALL)
    except regex.error as error:
        _fail(file, location, f"not a regular expression: {error}")
    if UNBOUNDED.search(source):
        _fail(file, location, "has an unbounded repeat of a wide class; write a bound, for instance .{0,60}")
    if compiled.search("") is not None:
        _fail(file, location, "matches the empty text")


def _in_order(entries: dict[str, RuleEntry], origin: dict[str, YamlFile]) -> Iterator[RuleEntry]:
    """Rules by patterns first, then `when` rules after all rules that they name.."""
    done: set[str] = set()
    waiting = []
    for entry in entries.values():
        if entry.when is None:
            done.add(entry.id)
            yield entry
        else:
            waiting.append(entry)
    while waiting:
        ready = [e for e in waiting if not (_names(e.when) & {w.id for w in waiting})]
        if not ready:
            file = origin[waiting[0].id]
            raise ConfigError(f"{file.path}: rules refer to each other in a circle: {', '.join(e.id for e in waiting)}")
        yield from ready
        waiting = [e for e in waiting if e not in ready]


def named(condition: Condition, *, opposed: bool = False) -> Iterator[str]:
    """The names that speak for a condition, in the order given; opposed: also those under `none`."""
    if isinstance(condition, str):
        yield condition
        return
    parts = [*(condition.all or []), *(condition.any or []), *(condition.at_least.of if condition.at_least else [])]
    for part in [*parts, *(condition.none or [])] if opposed else parts:
        yield from named(part, opposed=opposed)


def _names(rule_when: Condition | None) -> set[str]:
    """All names that a rule's condition mentions."""
    return set() if rule_when is None else set(named(rule_when, opposed=True))


def holds(condition: Condition, facts: set[str]) -> bool:
    """Whether a condition holds for a set of names (signals, rules and groups)."""
    if isinstance(condition, str):
        return condition in facts
    return _combination_holds(condition, facts)


def _combination_holds(condition: Combination, facts: set[str]) -> bool:
    if condition.all is not None and not all(holds(c, facts) for c in condition.all):
        return False
    if condition.any is not None and not any(holds(c, facts) for c in condition.any):
        return False
    if condition.none is not None and any(holds(c, facts) for c in condition.none):
        return False
    wanted = condition.at_least
    return wanted is None or sum(holds(c, facts) for c in wanted.of) >= wanted.count
