"""Compiled rules are kept on disk; whatever is wrong with them is a reason to compile again, never to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from milter.engine import cache
from milter.engine.cache import load_rules, rule_paths
from milter.engine.ruleset import RuleSet
from milter.errors import ConfigError

RULES = """
rules:
  - id: threat.test
    description: Finds the word gnome
    group: threat
    score: 1
    patterns: {en: [{phrase: [gnome]}, {regex: 'g.ome'}]}
    tests: {en: {match: [a gnome], no_match: [a dwarf]}}
  - {id: wallet.test, description: Is concluded, group: wallet, score: 1, when: {all: [threat, wallet.any]}}
scoring: {caps: {threat: 4}, one_sided_cap: 4, quoted_weight: 0.5, reported_weight: 0.1}
"""


@pytest.fixture
def rules(tmp_path: Path) -> list[Path]:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return [path]


def hits(rules: RuleSet) -> int:
    return len(rules.matcher.hits(" my gnome "))


def test_a_cached_set_is_the_same(rules: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = load_rules(rules, tmp_path / "cache")
    monkeypatch.setattr(cache, "build", None)  # a second compilation would fail
    again = load_rules(rules, tmp_path / "cache")
    assert again.rules == fresh.rules
    assert again.scoring == fresh.scoring
    assert hits(again) == hits(fresh) == 2


def test_changed_rules_are_compiled_anew(rules: list[Path], tmp_path: Path) -> None:
    load_rules(rules, tmp_path / "cache")
    rules[0].write_text(RULES.replace("gnome", "dwarf").replace("a dwarf], no", "a dwarf], no"), encoding="utf-8")
    assert hits(load_rules(rules, tmp_path / "cache")) == 1  # only the regex


@pytest.mark.parametrize("damage", [b"", b"x", b"blackmail-filter rules 1\n" + b"0" * 40])
def test_a_damaged_cache_is_compiled_anew(rules: list[Path], tmp_path: Path, damage: bytes) -> None:
    load_rules(rules, tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert hits(load_rules(rules, tmp_path / "cache")) == 2
    assert file.read_bytes()[:60] == whole[:60]


def test_a_flipped_byte_is_noticed(rules: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_rules(rules, tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    content = bytearray(file.read_bytes())
    content[-10] ^= 1
    file.write_bytes(content)
    assert hits(load_rules(rules, tmp_path / "cache")) == 2
    assert "is damaged; compiling the rules again" in caplog.text


def test_an_unwritable_cache_is_no_fault(rules: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert hits(load_rules(rules, tmp_path / "file" / "cache")) == 2
    assert "compiled rules cannot be kept" in caplog.text


def test_old_sets_are_removed(rules: list[Path], tmp_path: Path) -> None:
    for number in range(cache.KEPT + 3):
        rules[0].write_text(RULES + f"# {number}\n", encoding="utf-8")
        load_rules(rules, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == cache.KEPT


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.yaml: cannot be read \(No such file"):
        load_rules([tmp_path / "missing.yaml"], tmp_path / "cache")


def test_the_shipped_rules_are_found() -> None:
    names = {path.name for path in rule_paths((), shipped=True)}
    assert {"scoring.yaml", "threat.yaml", "en.yaml"} <= names
