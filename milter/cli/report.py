"""`scan --format html`: one page that needs nothing else, with the passages behind each verdict marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from milter.config import Policy
from milter.content.message import read
from milter.content.normalise import Excerpts
from milter.engine.rulebook import GROUPS
from milter.engine.ruleset import RuleSet
from milter.frontends.scan import Record
from milter.model import Group, Verdict
from milter.pipeline import Reading, characters, readings_of
from milter.reason import sentence

STYLE = (Path(__file__).parent.parent / "data" / "report.css").read_text(encoding="utf-8")
# Text of one mail that is shown; marks beyond it are left out.
SHOWN = 20_000
LEGEND = ("threat", "demand", "claim", "deadline", "secrecy", "context")
Mark = tuple[int, int, Group, str]  # start, end, group, rule id


def html_report(records: Iterable[Record], rules: RuleSet, policy: Policy) -> Iterator[str]:
    """The page, piece by piece: flagged mails in full, the others as a count."""
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    yield f"<title>Scan report</title><style>{STYLE}</style><main><h1>Scan report</h1>"
    yield "<p>Marked: " + " ".join(f'<mark class="{group}">{group}</mark>' for group in LEGEND) + "</p>"
    total, flagged, unreadable = 0, 0, 0
    for record in records:
        total += 1
        if record.verdict is None:
            unreadable += 1
            yield f"<section><h2>{_name(record)}</h2><p>{escape(record.error or '')}</p></section>"
        elif record.verdict.flagged:
            flagged += 1
            yield from _mail(record, record.verdict, rules)
    yield f"<p>{total:,} {'mail' if total == 1 else 'mails'} read, {flagged:,} flagged, {unreadable:,} unreadable. "
    yield f"Tagged from a score of {policy.tag_at:g}, quarantined from {policy.quarantine_at:g}"
    yield f"{'' if policy.quarantine else ' (off)'}.</p></main></html>\n"


def _name(record: Record) -> str:
    return escape(record.path) + (f" #{record.index}" if record.index else "")


def _mail(record: Record, verdict: Verdict, rules: RuleSet) -> Iterator[str]:
    yield f"<section><h2>{_name(record)}</h2>"
    yield f'<p class="verdict"><b>{verdict.action}</b> {escape(verdict.kind or "")}, score {verdict.score:g}</p>'
    yield f"<p>{escape(sentence(verdict))}</p>"
    yield "<details><summary>Why</summary><table>"
    for reason in verdict.reasons:
        cells = (
            f"{reason.score:+.1f}",
            f'<i class="{reason.group}">{reason.group}</i>',
            reason.rule,
            escape(reason.excerpt),
        )
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table></details>"
    for reading in readings_of(read(record.raw)):
        yield f"<h3>{reading.text.where}{'' if reading.own else ', quoted'}</h3><pre>{_marked(reading, rules)}</pre>"
    yield "</section>"


def _marked(reading: Reading, rules: RuleSet) -> str:
    text, out, position = reading.normal.plain[:SHOWN], [], 0
    for start, end, group, rule in _marks(reading, rules):
        if start >= position and end <= len(text):
            out += [
                escape(text[position:start]),
                f'<mark class="{group}" title="{rule}">{escape(text[start:end])}</mark>',
            ]
            position = end
    return "".join(out) + escape(text[position:])


def _marks(reading: Reading, rules: RuleSet) -> list[Mark]:
    """Where rules hold, in reading order; where two begin together, the one of the weightier group."""
    excerpts = Excerpts(reading.normal.plain)
    marks = set()
    for hit in rules.matcher.hits(reading.normal.folded):
        rule = rules.rules[hit.rule]
        marks.add((*excerpts.span(*characters(reading.normal.folded, hit.span)), rule.group, rule.id))
    return sorted(marks, key=lambda mark: (mark[0], GROUPS.index(mark[2]), mark[1]))
