"""`rules new`: a rule to fill in, which is right as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import click

from milter.cli.options import config_option, load_config
from milter.config import Config
from milter.engine.cache import read_book, rule_paths
from milter.engine.rulebook import GROUPS, RuleBook
from milter.errors import ConfigError
from milter.model import Group, Kind, Language

RULE_ID = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")
# Groups that can add so much take rules of the larger score.
MAIN_CAP = 5.0
SKELETON = """\
# A rule of your own; docs/rules.md explains every key. Put your words for those in CAPITALS, then run
#   {test}
rules:
  - id: {id}
    description: SAY in one sentence what the writer does
    # Which sort of evidence: {groups}.
    group: {group}
    # Which sort of extortion it speaks for, if any:
    # {kinds}.
    {kind}
    # The whole group counts {cap}. A mail with a threat and a demand is tagged from 5.
    score: {score}
    patterns:
      {language}:
        # One word of each list, in any order, within so many characters. WORD* finds longer words, too; # is any
        # number; an entry may be several words. Case, accents, disguises and line ends do not matter.
        - near: [[FIRSTWORD*, OTHERWORD], [SECONDWORD, "# SECONDWORDS"]]
          within: 80
          # Does not hold where one of these stands beside them:
          # unless: [[NOT, NEVER]]
        # Any one of these, word for word.
        - phrase: [SOME WORDS IN THIS ORDER, OTHER WORDS IN THIS ORDER]
    tests:
      {language}:
        # Sentences that must be found, at least one for each pattern. No names and addresses of victims.
        match:
          - The FIRSTWORD stands before the SECONDWORD.
          - Here are SOME WORDS, IN THIS ORDER.
        # Innocent sentences with words of the rule, at least as many as patterns.
        no_match:
          - The FIRSTWORD stands alone.
          - Here are SOME other WORDS.
    # In place of patterns and tests, a rule may be concluded from other rules, groups and signals:
    # when: {{all: [threat, wallet.any]}}
"""


@click.command("new")
@click.argument("rule_id", metavar="ID")
@click.option("--group", type=click.Choice(GROUPS), help="Sort of evidence; default: what stands before the dot in ID.")
@click.option("--kind", type=click.Choice(get_args(Kind)), help="Sort of extortion that it speaks for; default: any.")
@click.option("--language", type=click.Choice(get_args(Language)), default="en", show_default=True)
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; default: in the first folder under `rules` in the configuration, else here.",
)
@config_option
def command(
    rule_id: str,
    group: Group | None,
    kind: Kind | None,
    language: Language,
    file: Path | None,
    config_path: Path | None,
) -> None:
    """Write a rule to fill in, with its examples, for instance `rules new threat.parcel`."""
    config = load_config(config_path)
    book = read_book(rule_paths(config.rules, shipped=config.shipped_rules))
    _check(rule_id, book)
    target = file or _folder(config) / f"{rule_id.replace('.', '-')}.yaml"
    read_anyway = any(target.resolve().is_relative_to(path.resolve()) for path in config.rules)
    settings = [f"-c {config_path}"] if config_path else []
    test = " ".join(["blackmail-filter rules test", rule_id, *settings, *([] if read_anyway else [f"--file {target}"])])
    _write(target, skeleton(rule_id, group or _group(rule_id), kind, language, book, test))
    last = "" if read_anyway else "; at last name the file under `rules` in the configuration"
    click.echo(f"{target}: put your words for those in capitals, then run {test}{last}")


def skeleton(rule_id: str, group: Group, kind: Kind | None, language: Language, book: RuleBook, test: str) -> str:
    """The text of the file; test is the command that tests the rule."""
    cap = book.scoring.caps.get(group, MAIN_CAP)
    return SKELETON.format(
        id=rule_id,
        group=group,
        groups=" ".join(GROUPS),
        kind=f"kind: {kind}" if kind else "# kind: other",
        kinds=" ".join(get_args(Kind)),
        score=-2.0 if cap < 0 else 1.5 if cap >= MAIN_CAP else 0.5,
        cap=f"{cap:g} at least" if cap < 0 else f"{cap:g} at most",
        language=language,
        test=test,
    )


def _check(rule_id: str, book: RuleBook) -> None:
    """Raises ConfigError."""
    if not RULE_ID.fullmatch(rule_id):
        raise ConfigError(f"'{rule_id}' is no name of a rule: write it as group.name, for instance threat.parcel")
    if any(rule.id == rule_id for rule in book.rules):
        raise ConfigError(
            f"there is a rule '{rule_id}': see `blackmail-filter rules show {rule_id}`, or choose another name"
        )


def _group(rule_id: str) -> Group:
    """The group that the name begins with. Raises ConfigError."""
    prefix = rule_id.partition(".")[0]
    for group in GROUPS:
        if group == prefix:
            return group
    raise ConfigError(f"'{prefix}' is no group: begin the name with one of {', '.join(GROUPS)}, or give --group")


def _folder(config: Config) -> Path:
    return next((path for path in config.rules if path.is_dir()), Path())


def _write(path: Path, text: str) -> None:
    """Raises ConfigError; what is there stays."""
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} is there already: name another file by --file") from None
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}): check the folder and its permissions"
        ) from None
