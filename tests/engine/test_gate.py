"""Which wordings a mail with a threat must have one of, and that nothing is lost by asking for these first."""

from __future__ import annotations

from pathlib import Path

import pytest

from milter.config import Policy
from milter.content.message import read
from milter.engine.cache import read_book, rule_paths
from milter.engine.gate import rules_for_threats
from milter.engine.rulebook import RuleEntry
from milter.engine.ruleset import RuleSet, build
from milter.engine.schema import AtLeast, Combination, Condition
from milter.frontends.scan import bare_body
from milter.model import Envelope, Group
from milter.pipeline import inspect

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*/*/*"))
BOOK = read_book(rule_paths((), shipped=True))


def rule(rule_id: str, when: Condition | None = None) -> RuleEntry:
    group: Group = rule_id.partition(".")[0]  # type: ignore[assignment]
    return RuleEntry(rule_id, "for this test", group, None, 1.0, when=when)


WORDED = [rule("threat.publish"), rule("claim.a"), rule("claim.b"), rule("demand.pay")]
FIRST = {"threat.publish"}


@pytest.mark.parametrize(
    ("when", "needed"),
    [
        ("claim.a", {"claim.a"}),
        ("claim", {"claim.a", "claim.b"}),
        (Combination(all=["claim", "demand.pay"]), {"demand.pay"}),
        (Combination(any=["claim.a", "demand.pay"]), {"claim.a", "demand.pay"}),
        (Combination(at_least=AtLeast(count=2, of=["claim.a", "claim.b"])), {"claim.a", "claim.b"}),
        (Combination(all=["wallet.any", "claim.b"], none=["claim.a"]), {"claim.b"}),
        (Combination(all=["claim"], any=["demand.pay", "wallet.any"]), {"claim.a", "claim.b"}),
        (Combination(any=["claim.a", "wallet.any"]), None),
        (Combination(none=["claim.a"]), None),
        ("wallet.any", None),
    ],
)
def test_a_threat_by_signs_hangs_on_the_fewest_wordings(when: Condition, needed: set[str] | None) -> None:
    rules = [*WORDED, rule("threat.implied", when)]
    found = rules_for_threats(rules)
    assert (found if found is None else {rules[n].id for n in found}) == (needed if needed is None else FIRST | needed)


def test_a_rule_concluded_from_another_one_that_is_concluded() -> None:
    rules = [*WORDED, rule("claim.c", "demand.pay"), rule("threat.implied", "claim.c")]
    found = rules_for_threats(rules)
    assert found is not None
    assert {rules[n].id for n in found} == {"threat.publish", "demand.pay"}


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    return build(BOOK)


def judged(path: Path, rules: RuleSet, *, explain: bool) -> tuple[str, float]:
    raw = path.read_bytes()
    message = read(bare_body(raw) if path.suffix == ".txt" else raw)
    verdict = inspect(message, Envelope(), rules=rules, policy=Policy(), explain=explain)
    return verdict.action, verdict.score


def test_asking_for_a_threat_first_changes_no_verdict(shipped: RuleSet) -> None:
    assert shipped.threats is not None
    quick = {path: judged(path, shipped, explain=False) for path in SAMPLES}
    assert quick == {path: judged(path, shipped, explain=True) for path in SAMPLES}
    assert {action for action, _ in quick.values()} == {"accept", "tag"}


def test_the_first_look_is_at_fewer_words(shipped: RuleSet) -> None:
    assert shipped.threats is not None
    assert len(shipped.threats.program.atoms) * 2 < len(shipped.matcher.program.atoms)
    groups = {shipped.rules[pattern.rule].group for pattern in shipped.threats.program.near}
    assert groups == {"threat", "claim"}
