"""`check`: is the configuration right, and do the rules find what they say they find?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from milter.actions.hop_access import load_access
from milter.cli.extras import check_extras
from milter.cli.options import config_option, load_config
from milter.config import Config
from milter.engine.cache import read_book, rule_paths
from milter.engine.ruleset import build
from milter.engine.selftest import count_examples, faults
from milter.errors import ConfigError
from milter.frontends.tls import server_context
from milter.postfix.domains import read_postconf
from milter.postfix.findings import findings, in_use
from milter.postfix.settings import read_settings
from milter.reporting import load_directory


@click.command("check")
@config_option
@click.option(
    "--postfix",
    is_flag=True,
    help="Also read Postfix's settings by postconf, and say what does not fit; another Postfix: MAIL_CONFIG=DIR.",
)
def command(config_path: Path | None, postfix: bool) -> None:
    """Validate configuration and rules, and run every rule's own examples. Exit 1 if something is wrong."""
    config = load_config(config_path)
    load_directory(config.reporting)
    check_extras(config)
    load_access(config)
    if config.tls:
        server_context(config.tls)
    wrong = _check_postfix(config) if postfix else 0
    book = read_book(rule_paths(config.rules, shipped=config.shipped_rules))
    found = list(faults(book, build(book)))
    for fault in found:
        click.echo(fault)
    click.echo(
        f"configuration fine; {len(book.rules)} rules, {count_examples(book.rules)} examples, {len(found)} faults"
    )
    sys.exit(1 if found or wrong else 0)


def _check_postfix(config: Config) -> int:
    """Print what does not fit between Postfix and us; how much. Raises ConfigError without Postfix."""
    try:
        _compare_domains(config)
        postfix = read_settings(_output)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(
            f"postconf cannot be run ({_reason(error)}): is Postfix here, postconf in PATH, MAIL_CONFIG its folder?"
        ) from error
    found = findings(postfix, config)
    for finding in found:
        click.echo(finding)
    if not found:
        click.echo(f"Postfix fits: {', '.join(in_use(postfix, config))}")
    return len(found)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError) and error.stderr:
        return str(error.stderr.strip().splitlines()[-1])
    return str(getattr(error, "strerror", None) or error)


def _compare_domains(config: Config) -> None:
    """Print the domains that Postfix takes mail for, ready to be set."""
    found = read_postconf(_output)
    missing = [domain for domain in found.domains if domain not in config.own_domains]
    if missing:
        click.echo("Postfix takes mail for more domains than own_domains names; set")
        click.echo(f"own_domains: [{', '.join(found.domains)}]")
    elif found.domains:
        click.echo("own_domains names every domain that Postfix names outright")
    for table in found.tables:
        click.echo(f"domains in {table} are not read; add them to own_domains by hand")


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
