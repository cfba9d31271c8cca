"""`rules`: list, show and test the rules, and begin a new one."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from milter.cli import rules_new
from milter.cli.options import config_option, load_config
from milter.engine.cache import read_book, rule_paths
from milter.engine.rulebook import RuleBook, RuleEntry, Wording
from milter.engine.ruleset import build
from milter.engine.selftest import count_examples, faults
from milter.errors import ConfigError


@click.group("rules")
def command() -> None:
    """Look at the rules, test them, and write new ones."""


command.add_command(rules_new.command)


def _book(config_path: Path | None, *more: Path) -> RuleBook:
    config = load_config(config_path)
    return read_book(rule_paths([*config.rules, *more], shipped=config.shipped_rules))


def _entry(book: RuleBook, rule_id: str) -> RuleEntry:
    for rule in book.rules:
        if rule.id == rule_id:
            return rule
    near = difflib.get_close_matches(rule_id, [rule.id for rule in book.rules], n=1)
    raise ConfigError(f"there is no rule '{rule_id}'" + (f"; did you mean '{near[0]}'?" if near else ""))


@command.command("list")
@config_option
def list_rules(config_path: Path | None) -> None:
    """One line for each rule: score, id, languages, description."""
    for rule in sorted(_book(config_path).rules, key=lambda r: (r.group, r.id)):
        languages = ",".join(rule.examples) or "signals"
        click.echo(f"{rule.score:5.2f}  {rule.id:26} {rule.description}  [{languages}]")


@command.command("show")
@click.argument("rule_id")
@config_option
def show_rule(rule_id: str, config_path: Path | None) -> None:
    """One rule in all its languages."""
    rule = _entry(_book(config_path), rule_id)
    click.echo(f"{rule.id}: {rule.description}")
    click.echo(f"group {rule.group}, kind {rule.kind or 'any'}, score {rule.score}")
    for reference in rule.references:
        click.echo(f"see {reference}")
    if rule.when is not None:
        shown = rule.when if isinstance(rule.when, str) else rule.when.model_dump(exclude_none=True)
        click.echo(f"holds when {shown}")
    for language, examples in rule.examples.items():
        click.echo(f"\n{language}")
        for wording in rule.wordings:
            if wording.language == language:
                click.echo(f"  {_shown(wording)}")
        for text in examples.match:
            click.echo(f"    finds      {text}")
        for text in examples.no_match:
            click.echo(f"    passes by  {text}")


def _shown(wording: Wording) -> str:
    if wording.regex is not None:
        return f"regex {wording.regex}"
    lists = ("  …  " if not wording.in_order else "  →  ").join("|".join(words) for words in wording.lists)
    unless = f"  unless {' or '.join('|'.join(words) for words in wording.unless)}" if wording.unless else ""
    window = f"within {wording.within}: " if len(wording.lists) > 1 else ""
    return window + lists + unless


@command.command("test")
@click.argument("rule_id", required=False)
@click.option(
    "--file", "files", type=click.Path(path_type=Path), multiple=True, help="A file or folder with more rules."
)
@config_option
def test_rules(rule_id: str | None, files: tuple[Path, ...], config_path: Path | None) -> None:
    """Run the examples of all rules or of one. Exit 1 if one fails."""
    book = _book(config_path, *files)
    if rule_id:
        book = RuleBook((_entry(book, rule_id),), book.scoring)  # one rule is compiled in no time
    found = list(faults(book, build(book)))
    for fault in found:
        click.echo(fault)
    click.echo(f"{len(book.rules)} rules, {count_examples(book.rules)} examples, {len(found)} faults")
    sys.exit(1 if found else 0)
