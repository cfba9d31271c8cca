"""Two sides are needed, groups are capped, quoted words count less."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from milter.engine.matcher import Hit
from milter.engine.rulebook import RuleEntry
from milter.engine.ruleset import RuleSet
from milter.engine.schema import Combination, Scoring
from milter.engine.score import Found, Judgement, judge
from milter.model import Group, Kind

SCORING = Scoring(caps={"claim": 4.0, "context": -2.0}, one_sided_cap=4.0, quoted_weight=0.5, reported_weight=0.1)


def rule(rule_id: str, score: float, kind: Kind | None = None, when: Combination | str | None = None) -> RuleEntry:
    group: Group = rule_id.split(".", maxsplit=1)[0]  # type: ignore[assignment]
    return RuleEntry(rule_id, "for this test", group, kind, score, when=when)


RULES = RuleSet(
    (
        rule("threat.publish", 3.0, "sextortion"),
        rule("demand.pay", 2.5),
        rule("claim.recorded", 3.0, "sextortion"),
        rule("claim.hacked", 3.0, "hacked-device"),
        rule("context.advice", -3.0),
        rule("wallet.address", 1.5, when="wallet.any"),
        rule("wallet.demanded", 1.0, when=Combination(all=["wallet.address", "demand"])),
    ),
    SCORING,
    None,  # type: ignore[arg-type]  # hits are given here
)
NUMBERS = {r.id: n for n, r in enumerate(RULES.rules)}


def judged(
    *ids: str, quoted: Iterable[str] = (), signals: Iterable[str] = (), languages: dict[str, str] | None = None
) -> Judgement:
    found = [Found(Hit(NUMBERS[i], (languages or {}).get(i, "en"), 0, (0, 1)), 0, quoted=False) for i in ids]
    found += [Found(Hit(NUMBERS[i], "en", 0, (0, 1)), 1, quoted=True) for i in quoted]
    return judge(RULES, found, signals)


@pytest.mark.parametrize(
    ("ids", "score"),
    [
        (["threat.publish", "demand.pay"], 5.5),
        (["threat.publish", "claim.recorded"], 4.0),
        (["demand.pay", "claim.recorded"], 0.0),
        (["claim.recorded", "claim.hacked"], 0.0),
        (["threat.publish", "demand.pay", "claim.recorded", "claim.hacked"], 9.5),
        (["threat.publish", "demand.pay", "context.advice"], 3.5),
        (["context.advice"], 0.0),
        ([], 0.0),
    ],
)
def test_score(ids: list[str], score: float) -> None:
    assert judged(*ids).score == score


def test_quoted_words_count_less_unless_the_author_says_them_too() -> None:
    assert judged(quoted=["threat.publish", "demand.pay"]).score == 2.75
    assert judged("threat.publish", "demand.pay", quoted=["threat.publish"]).score == 5.5


def test_quoted_words_count_hardly_at_all_where_the_author_reports_them() -> None:
    scores = {e.rule.id: e.score for e in judged("context.advice", quoted=["threat.publish"]).evidence}
    assert scores == {"context.advice": -3.0, "threat.publish": pytest.approx(0.3)}
    assert judged(quoted=["threat.publish", "demand.pay", "context.advice"]).score == pytest.approx(1.25)


def test_a_mail_that_reports_or_advises_stays_under_a_cap() -> None:
    capped = replace(RULES, scoring=SCORING.model_copy(update={"reported_cap": 4.5}))
    strong = ["threat.publish", "demand.pay", "claim.recorded"]
    found = [Found(Hit(NUMBERS[i], "en", 0, (0, 1)), 0, quoted=False) for i in strong]
    advice = Found(Hit(NUMBERS["context.advice"], "en", 0, (0, 1)), 0, quoted=False)
    assert judge(capped, found, ()).score == 8.5
    assert judge(capped, [*found, advice], ()).score == 4.5


def test_concluded_rules_build_on_signals_and_groups() -> None:
    ids = {e.rule.id for e in judged("demand.pay", signals=["wallet.any"]).evidence}
    assert ids == {"demand.pay", "wallet.address", "wallet.demanded"}
    assert {e.rule.id for e in judged("demand.pay").evidence} == {"demand.pay"}


def test_kind_is_what_most_of_the_score_speaks_for() -> None:
    assert judged("threat.publish", "claim.recorded", "claim.hacked").kind == "sextortion"
    assert judged("claim.hacked").kind == "hacked-device"
    assert judged("demand.pay").kind is None


def test_language_is_that_of_most_rules() -> None:
    languages = {"threat.publish": "de", "demand.pay": "de", "claim.hacked": "en"}
    assert judged("threat.publish", "demand.pay", "claim.hacked", languages=languages).language == "de"


def test_heaviest_evidence_comes_first() -> None:
    assert [e.rule.id for e in judged("demand.pay", "threat.publish").evidence] == ["threat.publish", "demand.pay"]
