#!/usr/bin/env python3
"""Fit the scores of the rules on labelled mail and write them into rules/*.yaml.

usage: tools/fit_scores.py CORPUS [--write]

CORPUS holds extortion/, ham/ and otherspam/ with .eml and .txt files; the odd-numbered samples of tests/samples join
them (the even ones are held out, and reported on). The model is a logistic regression on "this rule holds", whose prior
are the scores that stand in the YAML (a MAP estimate): a rule that the mails say nothing about keeps its score. Every
score keeps its sign and stays below the tag threshold, so that no rule decides alone. Cross-validation leaves whole
campaigns out: mails whose word five-grams overlap belong to one campaign. Needs: pip install '.[fit]'.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import GroupKFold

from milter.config import Policy
from milter.content.message import read
from milter.content.normalise import fold, plain
from milter.engine.cache import read_book, rule_paths, shipped_rules
from milter.engine.ruleset import RuleSet, build
from milter.frontends.scan import bare_body
from milter.model import Authentication, Envelope
from milter.pipeline import inspect

TAG_AT = 5.0
HIGHEST = 4.5
# How much one point of score turns the odds, and how strongly the prior holds: both chosen by cross-validation.
STEEPNESS = 1.5
PRIOR_STRENGTH = 2.0
SAMPLES = Path(__file__).parents[1] / "tests" / "samples"


@dataclass(frozen=True)
class Mails:
    """features[i, j]: how much of rule j's score counts in mail i (0, 1, or the quoted weight)."""

    names: list[str]
    features: np.ndarray
    extortion: np.ndarray
    campaigns: np.ndarray


def unit_rules(rules: RuleSet) -> RuleSet:
    """The same rules, each with score 1, so that a reason's score is the rule's weight in this mail."""
    return replace(rules, rules=tuple(replace(rule, score=1.0) for rule in rules.rules))


def labelled(corpus: Path, *, held_out: bool) -> list[tuple[Path, bool]]:
    """Files and whether they are extortion. held_out: only the even samples; else the corpus and the odd ones."""
    samples = [
        (path, folder == "extortion")
        for folder in ("extortion", "innocent")
        for path in sorted(SAMPLES.glob(f"*/{folder}/*"))
        if (int(path.name[:2]) % 2 == 0) == held_out
    ]
    if held_out:
        return samples
    mails = [
        (path, folder == "extortion")
        for folder in ("extortion", "ham", "otherspam")
        for path in sorted((corpus / folder).rglob("*"))
        if path.suffix in (".eml", ".txt")
    ]
    return mails + samples


def measured(files: list[tuple[Path, bool]], rules: RuleSet) -> Mails:
    """Read and match all files."""
    numbers = {rule.id: n for n, rule in enumerate(rules.rules)}
    features = np.zeros((len(files), len(numbers)))
    shingles: list[set[int]] = []
    for row, (path, is_extortion) in enumerate(files):
        raw = path.read_bytes()
        message = read(bare_body(raw) if path.suffix == ".txt" else raw)
        sender = Authentication() if path.suffix == ".txt" else None
        verdict = inspect(message, Envelope(), rules=rules, policy=Policy(), authentication=sender)
        for reason in verdict.reasons:
            features[row, numbers[reason.rule]] = reason.score
        words = "".join(fold(plain(text.content).text) for text in message.texts).split()
        shingles.append({hash(tuple(words[i : i + 5])) for i in range(len(words) - 4)} if is_extortion else set())
    return Mails([str(path) for path, _ in files], features, np.array([e for _, e in files]), campaigns_of(shingles))


def campaigns_of(shingles: list[set[int]]) -> np.ndarray:
    """A number for each mail; mails that share a fifth of their five-grams share it (single linkage)."""
    group = list(range(len(shingles)))
    extortion = [i for i, s in enumerate(shingles) if s]
    for a in extortion:
        for b in extortion:
            if a < b and len(shingles[a] & shingles[b]) >= 0.2 * min(len(shingles[a]), len(shingles[b])):
                old, new = group[b], group[a]
                group = [new if g == old else g for g in group]
    return np.array(group)


def fitted(features: np.ndarray, extortion: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Scores that maximise the likelihood (both classes weighing the same) times the prior."""
    weight = np.where(extortion, 0.5 / max(extortion.sum(), 1), 0.5 / max((~extortion).sum(), 1)) * len(extortion)

    def loss(scores: np.ndarray) -> tuple[float, np.ndarray]:
        logit = STEEPNESS * (features @ scores - TAG_AT)
        truth = extortion.astype(float)
        error = expit(logit) - truth
        value = np.sum(weight * (np.logaddexp(0, logit) - truth * logit)) + PRIOR_STRENGTH * np.sum(
            (scores - prior) ** 2
        )
        gradient = STEEPNESS * features.T @ (weight * error) + 2 * PRIOR_STRENGTH * (scores - prior)
        return value, gradient

    bounds = [(0.1, HIGHEST) if p > 0 else (-HIGHEST, -0.1) if p < 0 else (0.0, 0.0) for p in prior]
    return minimize(loss, prior, jac=True, bounds=bounds, method="L-BFGS-B").x


def two_sided(rules: RuleSet, features: np.ndarray) -> np.ndarray:
    """Which mails show both a threat and a demand: only for these do scores decide anything."""
    sides = [[rule.group == side for rule in rules.rules] for side in ("threat", "demand")]
    both: np.ndarray = features[:, sides[0]].any(axis=1) & features[:, sides[1]].any(axis=1)
    return both


def outcome(rules: RuleSet, mails: Mails, scores: np.ndarray) -> np.ndarray:
    """Whether each mail is tagged: groups capped and two sides needed, as the product does."""
    groups = [rule.group for rule in rules.rules]
    parts = {g: mails.features[:, [x == g for x in groups]] @ scores[[x == g for x in groups]] for g in set(groups)}
    capped = {
        g: np.maximum(p, rules.scoring.caps.get(g, -99))
        if g == "context"
        else np.minimum(p, rules.scoring.caps.get(g, 99))
        for g, p in parts.items()
    }
    total = sum(capped.values())
    return np.where(two_sided(rules, mails.features), total, np.minimum(total, rules.scoring.one_sided_cap)) >= TAG_AT


def report(name: str, tagged: np.ndarray, extortion: np.ndarray) -> None:
    """One line: recall and false alarms."""
    found, false = tagged[extortion].sum(), tagged[~extortion].sum()
    print(f"{name:34} finds {found} of {extortion.sum()}, false alarms {false} of {(~extortion).sum()}")


def cross_validated(rules: RuleSet, mails: Mails, prior: np.ndarray) -> np.ndarray:
    """For each mail the outcome of scores fitted without its campaign."""
    tagged = np.zeros(len(mails.names), dtype=bool)
    for train, test in GroupKFold(5).split(mails.features, mails.extortion, mails.campaigns):
        used = train[two_sided(rules, mails.features[train])]
        scores = fitted(mails.features[used], mails.extortion[used], prior)
        part = Mails([], mails.features[test], mails.extortion[test], mails.campaigns[test])
        tagged[test] = outcome(rules, part, scores)
    return tagged


def write_scores(scores: dict[str, float]) -> None:
    """Replace the `score:` of each rule in the shipped files, leaving all else as it stands."""
    for path in shipped_rules().glob("*.yaml"):
        lines, current = path.read_text(encoding="utf-8").splitlines(), None
        for number, line in enumerate(lines):
            if found := re.match(r"\s+- id: (\S+)", line):
                current = found[1]
            elif current in scores and re.match(r"\s+score:", line):
                lines[number] = re.sub(r"score:.*", f"score: {scores[current]:g}", line)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="Fit the scores of the shipped rules.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--write", action="store_true", help="write the scores into rules/*.yaml")
    options = parser.parse_args()
    rules = build(read_book(rule_paths((), shipped=True)))
    prior = np.array([rule.score for rule in rules.rules])
    mails = measured(labelled(options.corpus, held_out=False), unit_rules(rules))
    held_out = measured(labelled(options.corpus, held_out=True), unit_rules(rules))
    campaigns = len(set(mails.campaigns[mails.extortion]))
    print(f"{len(mails.names)} mails, {mails.extortion.sum()} extortion in {campaigns} campaigns")
    open_to_scores = two_sided(rules, mails.features)
    scores = np.round(fitted(mails.features[open_to_scores], mails.extortion[open_to_scores], prior), 1)
    report("scores as they stand", outcome(rules, mails, prior), mails.extortion)
    report("cross-validated by campaign", cross_validated(rules, mails, prior), mails.extortion)
    report("fitted on all", outcome(rules, mails, scores), mails.extortion)
    report("held-out samples, as they stand", outcome(rules, held_out, prior), held_out.extortion)
    report("held-out samples, fitted", outcome(rules, held_out, scores), held_out.extortion)
    for rule, old, new in sorted(zip(rules.rules, prior, scores, strict=True), key=lambda r: -abs(r[2] - r[1])):
        if old != new:
            print(f"  {rule.id:28} {old:5.1f} -> {new:5.1f}")
    if options.write:
        write_scores({rule.id: float(score) for rule, score in zip(rules.rules, scores, strict=True)})


if __name__ == "__main__":
    main()
