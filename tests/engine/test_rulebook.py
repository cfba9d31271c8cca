"""A faulty rule file is refused with one line that names file, line and key."""

from pathlib import Path

import pytest

from milter.engine.rulebook import assemble, holds, rule_files
from milter.engine.schema import Combination
from milter.errors import ConfigError
from milter.yamlfile import YamlFile, read_yaml

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
BASE = """
rules:
  - {id: threat.publish, description: For files that extend it, group: threat, score: 2.0}
scoring: {caps: {threat: 4}, one_sided_cap: 4, quoted_weight: 0.5, reported_weight: 0.1}
"""


def base(tmp_path: Path, text: str = BASE) -> YamlFile:
    path = tmp_path / "base.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
def test_a_broken_file_is_refused_with_its_place_and_remedy(path: Path, tmp_path: Path) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(ConfigError) as caught:
        assemble([base(tmp_path), read_yaml(path)])
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert expected in message
    assert "\n" not in message


def test_there_are_broken_files() -> None:
    assert len(BROKEN) >= 20


def test_words_of_a_language_extend_a_rule(tmp_path: Path) -> None:
    words = tmp_path / "de.yaml"
    words.write_text(
        """
language: de
words: {video: [video*, aufnahme*]}
rules:
  threat.publish:
    patterns: [{near: [[verschicke*], video], within: 50, unless: [[nicht]]}, {phrase: video}]
    tests: {match: [Ich verschicke das Video], no_match: [Ich verschicke den Brief, Guten Tag]}
scores: {threat.publish: 1.5}
""",
        encoding="utf-8",
    )
    book = assemble([base(tmp_path), read_yaml(words)])
    rule = book.rules[0]
    assert rule.score == 1.5
    assert rule.wordings[0].lists == (("verschicke*",), ("video*", "aufnahme*"))
    assert rule.wordings[0].unless == (("nicht",),)
    assert rule.wordings[1].lists == (("video*", "aufnahme*"),)
    assert list(rule.examples) == ["de"]


def test_concluded_rules_follow_what_they_build_on(tmp_path: Path) -> None:
    text = """
rules:
  - {id: wallet.two, description: Builds on the other, group: wallet, score: 1, when: wallet.one}
  - {id: wallet.one, description: Builds on a signal, group: wallet, score: 1, when: wallet.any}
  - {id: threat.publish, description: Stands for itself, group: threat, score: 2.0}
scoring: {caps: {}, one_sided_cap: 4, quoted_weight: 0.5, reported_weight: 0.1}
"""
    assert [r.id for r in assemble([base(tmp_path, text)]).rules] == ["threat.publish", "wallet.one", "wallet.two"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the rule set is empty"),
        ("rules: [{id: threat.a, description: Alone without scoring, group: threat, score: 1}]", "no `scoring`"),
    ],
)
def test_a_set_that_cannot_judge_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        assemble([base(tmp_path, text)])


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no rule files"):
        rule_files([tmp_path])


@pytest.mark.parametrize(
    ("condition", "facts", "expected"),
    [
        ("a", {"a"}, True),
        ("a", {"b"}, False),
        (Combination(all=["a", "b"]), {"a"}, False),
        (Combination(all=["a", "b"]), {"a", "b"}, True),
        (Combination(any=["a", "b"]), {"b"}, True),
        (Combination(none=["a"]), {"b"}, True),
        (Combination(none=["a"], any=["b"]), {"a", "b"}, False),
        (Combination.model_validate({"at_least": {"count": 2, "of": ["a", "b", "c"]}}), {"a", "c"}, True),
        (Combination.model_validate({"at_least": {"count": 2, "of": ["a", "b", "c"]}}), {"c"}, False),
        (Combination.model_validate({"all": ["a", {"none": ["b"]}]}), {"a"}, True),
    ],
)
def test_conditions(condition: str | Combination, facts: set[str], *, expected: bool) -> None:
    assert holds(condition, facts) is expected
