"""`check`: is the configuration right, and do the rules find what they say they find?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from milter.cli.extras import check_extras
from milter.cli.options import config_option, load_config
from milter.config import Config
from milter.engine.cache import read_book, rule_paths
from milter.engine.ruleset import build
from milter.engine.selftest import count_examples, faults
from milter.errors import ConfigError
from milter.postfix.domains import read_postconf
from milter.reporting import load_directory


@click.command("check")
@config_option
@click.option("--postfix", is_flag=True, help="Also ask Postfix for its domains and compare them with own_domains.")
def command(config_path: Path | None, postfix: bool) -> None:
    """Validate configuration and rules, and run every rule's own examples. Exit 1 if an example fails."""
    config = load_config(config_path)
    load_directory(config.reporting)
    check_extras(config)
    if postfix:
        _compare_domains(config)
    book = read_book(rule_paths(config.rules, shipped=config.shipped_rules))
    found = list(faults(book, build(book)))
    for fault in found:
        click.echo(fault)
    click.echo(
        f"configuration fine; {len(book.rules)} rules, {count_examples(book.rules)} examples, {len(found)} faults"
    )
    sys.exit(1 if found else 0)


def _compare_domains(config: Config) -> None:
    """Print the domains that Postfix takes mail for, ready to be set. Raises ConfigError without Postfix."""
    try:
        found = read_postconf(_output)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(f"postconf cannot be run ({error}): is Postfix installed here?") from error
    missing = [domain for domain in found.domains if domain not in config.own_domains]
    if missing:
        click.echo("Postfix takes mail for more domains than own_domains names; set")
        click.echo(f"own_domains: [{', '.join(found.domains)}]")
    else:
        click.echo("own_domains names every domain that Postfix names outright")
    for table in found.tables:
        click.echo(f"domains in {table} are not read; add them to own_domains by hand")


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
