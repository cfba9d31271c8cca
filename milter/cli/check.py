"""`check`: is the configuration right, and do the rules find what they say they find?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from milter.cli.options import config_option, load_config
from milter.engine.cache import read_book, rule_paths
from milter.engine.ruleset import build
from milter.engine.selftest import faults


@click.command("check")
@config_option
def command(config_path: Path | None) -> None:
    """Validate configuration and rules, and run every rule's own examples. Exit 1 if an example fails."""
    config = load_config(config_path)
    book = read_book(rule_paths(config.rules, shipped=config.shipped_rules))
    found = list(faults(book, build(book)))
    for fault in found:
        click.echo(fault)
    examples = sum(len(e.match) + len(e.no_match) for rule in book.rules for e in rule.examples.values())
    click.echo(f"configuration fine; {len(book.rules)} rules, {examples} examples, {len(found)} faults")
    sys.exit(1 if found else 0)
