"""A rule author begins a rule, fills it in, and has it at work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from milter.cli.rules_new import skeleton
from milter.config import Config
from milter.engine.cache import read_book, rule_paths
from milter.engine.rulebook import GROUPS, RuleBook, assemble
from milter.engine.ruleset import build
from milter.engine.selftest import faults
from milter.model import Kind, Language
from milter.yamlfile import read_yaml

SHIPPED = read_book(rule_paths(Config().rules, shipped=True))
# What an author puts for the words in capitals.
FILLED = {
    "SAY in one sentence what the writer does": "Threatens to have parcels of earth sent to the reader's door",
    "[[FIRSTWORD*, OTHERWORD], [SECONDWORD, \"# SECONDWORDS\"]]": "[[parcel*, crate], [earth, \"# sacks\"]]",
    "[SOME WORDS IN THIS ORDER, OTHER WORDS IN THIS ORDER]": "[nobody will clear your doorstep]",
    "The FIRSTWORD stands before the SECONDWORD.": "You will get parcels with 30 sacks in them.",
    "Here are SOME WORDS, IN THIS ORDER.": "Nobody will clear your doorstep!",
    "The FIRSTWORD stands alone.": "Your parcel has arrived.",
    "Here are SOME other WORDS.": "Please clear the doorstep.",
    "score: 1.5": "score: 4",
}  # fmt: skip


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "milter", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=120)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("language", get_args(Language))
def test_the_skeleton_is_right_as_it_stands(tmp_path: Path, language: Language) -> None:
    files = []
    for number, group in enumerate(GROUPS):
        kind = get_args(Kind)[number]
        file = tmp_path / f"{group}.yaml"
        file.write_text(skeleton(f"{group}.new", group, kind, language, SHIPPED, "test it"), encoding="utf-8")
        files.append(read_yaml(file))
    scoring = tmp_path / "scoring.yaml"
    scoring.write_text(yaml.safe_dump({"scoring": SHIPPED.scoring.model_dump()}), encoding="utf-8")
    book = assemble([*files, read_yaml(scoring)])
    assert [(rule.group, rule.kind) for rule in book.rules] == list(zip(GROUPS, get_args(Kind), strict=True))
    assert [rule.score < 0 for rule in book.rules] == [SHIPPED.scoring.caps[group] < 0 for group in GROUPS]
    assert list(faults(book, build(RuleBook(book.rules, book.scoring)))) == []


def test_from_nothing_to_a_rule_at_work(tmp_path: Path) -> None:
    done = run("rules", "new", "threat.parcels", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (said,) = done.stdout.splitlines()
    file = tmp_path / "threat-parcels.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in FILLED.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    command = said.partition("then run blackmail-filter ")[2].partition(";")[0]
    tested = run(*command.split(), cwd=tmp_path)
    assert (tested.returncode, tested.stdout) == (0, "1 rules, 4 examples, 0 faults\n")
    (tmp_path / "config.yaml").write_text("rules: [threat-parcels.yaml]\n")
    (tmp_path / "a.txt").write_text("You will get 40 parcels, 30 sacks in each. Pay me 900 dollars in bitcoin.\n")
    scanned = run("scan", "-c", "config.yaml", "--offline", "--format", "jsonl", "a.txt", cwd=tmp_path)
    assert "threat.parcels" in {reason["rule"] for reason in json.loads(scanned.stdout)["reasons"]}


def test_a_folder_of_rules_takes_it_and_knows_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "first.yaml").write_text("scores: {threat.publish: 2.9}\n")
    (tmp_path / "config.yaml").write_text("rules: [own]\n")
    done = run("rules", "new", "house.parcels", "--group", "claim", "-c", "config.yaml", cwd=tmp_path)
    assert done.stdout == (
        "own/house-parcels.yaml: put your words for those in capitals, then run"
        " blackmail-filter rules test house.parcels -c config.yaml\n"
    )
    assert run("rules", "test", "house.parcels", "-c", "config.yaml", cwd=tmp_path).returncode == 0
    shown = run("rules", "show", "house.parcels", "-c", "config.yaml", cwd=tmp_path).stdout
    assert "group claim, kind any, score 1.5" in shown
    again = run("rules", "new", "house.parcels", "--group", "claim", "-c", "config.yaml", "--file", "x", cwd=tmp_path)
    assert (again.returncode, (tmp_path / "x").exists()) == (2, False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["threat.publish"], "there is a rule 'threat.publish': see `blackmail-filter rules show threat.publish`"),
        (["parcels"], "'parcels' is no name of a rule: write it as group.name"),
        (["Threat.Parcels"], "'Threat.Parcels' is no name of a rule"),
        (["threat.parcels\n"], "'threat.parcels\n' is no name of a rule"),
        (["house.parcels"], "'house' is no group: begin the name with one of threat, demand,"),
        (["threat.parcels", "--file", "there.yaml"], "there.yaml is there already: name another file by --file"),
        (["threat.parcels", "--file", "no/where.yaml"], "no/where.yaml: cannot be written (No such file or directory)"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: list[str], expected: str) -> None:
    (tmp_path / "there.yaml").write_text("mine")
    done = run("rules", "new", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"blackmail-filter: {expected}")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_one_rule_is_tested_without_those_that_it_builds_on(tmp_path: Path) -> None:
    done = run("rules", "test", "demand.sum", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1 rules, 0 examples, 0 faults\n")
