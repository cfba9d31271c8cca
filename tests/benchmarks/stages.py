#!/usr/bin/env python3
"""What one mail costs inside one process: by stage, by number of rules, by engine, by size.

usage: tests/benchmarks/stages.py [--quick]

No network and no DNS. Stages are medians over many runs with the least beside them. What is compared with each other
is run by turns, and is the least of all runs: neighbours on a shared machine only ever add.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mails import blackmail, german, ham, newsletter, with_attachment
from report import Table

from milter.config import Policy
from milter.content.message import Message, read
from milter.engine.cache import load_rules, read_book, rule_paths
from milter.engine.rulebook import RuleBook, RuleEntry
from milter.engine.ruleset import RuleSet, build
from milter.engine.score import Found, judge
from milter.model import Envelope
from milter.pipeline import Reading, inspect, readings_of
from milter.sender.verify import offline
from milter.signals import find_context, find_wallets

ENVELOPE = Envelope("paul@example.net", ("anna@example.org",), client_addr="192.0.2.1", helo_name="mx.example.net")
MAILS = {
    "4 KB plain": ham(4096),
    "4 KB German": german(4096),
    "4 KB blackmail": blackmail(4096),
    "50 KB HTML": newsletter(51_200),
}
SMALLEST, DOUBLINGS = 25 * 2**20 >> 14, 14


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one piece of work."""

    median: float
    least: float


def timed(pieces: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Cost]:
    """Each piece of work run by turns, so that trouble on the machine hits all of them alike."""
    spent: dict[str, list[float]] = {name: [] for name in pieces}
    for _ in range(runs):
        for name, work in pieces.items():
            began = time.perf_counter()
            work()
            spent[name].append(time.perf_counter() - began)
    return {name: Cost(statistics.median(seconds), min(seconds)) for name, seconds in spent.items()}


def judged(message: Message, rules: RuleSet) -> object:
    """The verdict as a server asks for it."""
    return inspect(message, ENVELOPE, rules=rules, policy=Policy(), explain=False)


def stages(raw: bytes, rules: RuleSet, runs: int) -> dict[str, Cost]:
    """The stages of one mail, in the order in which it passes them."""
    message = read(raw)
    readings = readings_of(message)
    found = [
        Found(hit, number, not reading.own)
        for number, reading in enumerate(readings)
        for hit in rules.matcher.hits(reading.normal.folded)
    ]
    pieces: dict[str, Callable[[], object]] = {
        "read": lambda: read(raw),
        "normalise": lambda: readings_of(message),
        "look for a threat": lambda: rules.may_threaten(reading.normal.folded for reading in readings),
        "match all rules": lambda: matched(readings, rules),
        "wallets": lambda: [find_wallets(reading.normal.plain, reading.text.where) for reading in readings],
        "context": lambda: find_context(message.headers, message.texts),
        "sender (offline)": lambda: offline(ENVELOPE, message.headers, own_domains=()),
        "judge": lambda: judge(rules, found, ()),
        "`inspect`": lambda: judged(message, rules),
        "read and `inspect`": lambda: judged(read(raw), rules),
    }
    return timed(pieces, runs)


def matched(readings: list[Reading], rules: RuleSet) -> None:
    """Hold the rules against all texts of a mail."""
    for reading in readings:
        rules.matcher.hits(reading.normal.folded, every=False)


def stage_table(costs: dict[str, dict[str, Cost]]) -> Table:
    """Mails across, stages down."""
    rows = [
        [stage, *(f"{costs[mail][stage].median * 1e6:,.0f} ({costs[mail][stage].least * 1e6:,.0f})" for mail in costs)]
        for stage in next(iter(costs.values()))
    ]
    return Table(["µs: median (least)", *costs], rows)


# --- rules -----------------------------------------------------------------------------------------------------


def sample(book: RuleBook, count: int, generator: random.Random) -> RuleBook:
    """A book with so many of the wordings, drawn from all rules and languages; a smaller draw is part of a larger."""
    every = [(n, w) for n, rule in enumerate(book.rules) for w in rule.wordings]
    order = sorted(range(len(every)), key=lambda _: generator.random())
    kept = set(order[:count])
    chosen: dict[int, list[object]] = {}
    for index, (number, wording) in enumerate(every):
        if index in kept:
            chosen.setdefault(number, []).append(wording)
    rules = tuple(replace(rule, wordings=tuple(chosen.get(n, ()))) for n, rule in enumerate(book.rules))
    return RuleBook(rules, book.scoring)


def multiplied(book: RuleBook, count: int) -> RuleBook:
    """The book with altered copies of its wordings, as if for other languages, until it has so many in all."""
    rules: list[RuleEntry] = list(book.rules)
    have, turn = wordings(book), 0
    while have < count:
        turn += 1
        for rule in book.rules:
            copies = tuple(
                replace(w, lists=altered(w.lists, turn), unless=altered(w.unless, turn))
                for w in rule.wordings
                if w.regex is None
            )[: count - have]
            have += len(copies)
            rules.append(replace(rule, id=f"{rule.id}-{turn}", wordings=copies))
    return RuleBook(tuple(rules), book.scoring)


def wordings(book: RuleBook) -> int:
    """How many patterns a book has."""
    return sum(len(rule.wordings) for rule in book.rules)


def altered(lists: tuple[tuple[str, ...], ...], turn: int) -> tuple[tuple[str, ...], ...]:
    """Words of the same lengths and letters that are no words of this text: letters of each word in other order."""
    return tuple(tuple(_shuffled(word, turn) for word in words) for words in lists)


def _shuffled(word: str, turn: int) -> str:
    parts = []
    for part in word.split(" "):
        core = part.strip("*#")
        letters = list(core)
        random.Random(f"{turn}{core}").shuffle(letters)
        parts.append(part.replace(core, "".join(letters)) if core else part)
    return " ".join(parts)


def by_rules(runs: int) -> tuple[Table, dict[str, float]]:
    """Matching and inspecting the same mails with 30, 300 and 3,000 patterns; seconds to inspect 4 KB plain."""
    book = read_book(rule_paths([], shipped=True))
    thirty, hundreds = sample(book, 30, random.Random(1)), sample(book, 300, random.Random(1))
    books = {
        "30": thirty,
        "300": hundreds,
        "3,000, the others of other words": multiplied(hundreds, 3000),
        f"{wordings(book):,} (all shipped)": book,
    }
    sets = {name: build(one) for name, one in books.items()}
    return _rules_table(sets, runs)


def _rules_table(sets: dict[str, RuleSet], runs: int) -> tuple[Table, dict[str, float]]:
    mails = {name: read(MAILS[name]) for name in ("4 KB plain", "4 KB blackmail", "50 KB HTML")}
    matching: dict[str, dict[str, float]] = {}
    whole: dict[str, dict[str, float]] = {}
    for name, message in mails.items():
        matching[name] = _least({n: _matching(readings_of(message), rules) for n, rules in sets.items()}, runs)
        whole[name] = _least({n: _inspecting(message, rules) for n, rules in sets.items()}, runs)
    rows = [
        [name]
        + [f"{costs[mail][name] * 1e6:,.0f}" for costs in (matching, whole) for mail in mails]
        + [f"{costs[mail][name] / costs[mail]['300']:.2f}" for costs in (matching, whole) for mail in mails]
        for name in sets
    ]
    header = ["patterns"] + [
        f"{what} {mail}{unit}" for unit in (", µs", ", to 300") for what in ("matching", "`inspect`") for mail in mails
    ]
    return Table(header, rows), {name: whole["4 KB plain"][name] for name in sets}


def _least(pieces: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    return {name: cost.least for name, cost in timed(pieces, runs).items()}


def _inspecting(message: Message, rules: RuleSet) -> Callable[[], object]:
    return lambda: judged(message, rules)


def _matching(readings: list[Reading], rules: RuleSet) -> Callable[[], None]:
    return lambda: matched(readings, rules)


def engines(runs: int) -> Table:
    """hyperscan and Aho-Corasick with all shipped rules on the same texts."""
    book = read_book(rule_paths([], shipped=True))
    sets = {engine: build(book, engine) for engine in ("hyperscan", "ahocorasick")}
    rows = []
    for name, raw in MAILS.items():
        readings = readings_of(read(raw))
        costs = timed({engine: _matching(readings, rules) for engine, rules in sets.items()}, runs)
        quick, slow = costs["hyperscan"].least, costs["ahocorasick"].least
        rows.append([name, f"{quick * 1e6:,.0f}", f"{slow * 1e6:,.0f}", f"{slow / quick:.2f}"])
    return Table(["matching, µs", "hyperscan", "Aho-Corasick", "ratio"], rows)


# --- sizes -----------------------------------------------------------------------------------------------------


def by_size(rules: RuleSet, runs: int, doublings: int) -> tuple[Table, dict[str, dict[int, float]]]:
    """Reading and judging of mails of growing size, as text and with an attachment; seconds by bytes."""
    costs: dict[str, dict[int, float]] = {"text": {}, "attachment": {}}
    rows = []
    for size in (SMALLEST << n for n in range(doublings + 1)):
        mails = {"text": ham(size), "attachment": with_attachment(size)}
        found = timed({kind: _judging(raw, rules) for kind, raw in mails.items()}, runs)
        row = [human(size)]
        for kind, cost in found.items():
            before = costs[kind].get(size // 2)
            costs[kind][size] = cost.least
            row += [f"{cost.least * 1e3:,.2f}", f"{cost.least / before:.2f}" if before else ""]
        rows.append(row)
    return Table(["size", "text, ms", "to half the size", "attachment, ms", "to half the size"], rows), costs


def _judging(raw: bytes, rules: RuleSet) -> Callable[[], object]:
    return lambda: judged(read(raw), rules)


def human(size: int) -> str:
    """Bytes in words."""
    return f"{size / 2**20:.3g} MB" if size >= 2**20 else f"{size / 2**10:.3g} KB"


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description="The cost of a mail by stage, rules, engine and size.")
    parser.add_argument("--quick", action="store_true", help="few runs")
    quick = parser.parse_args().quick
    runs = 30 if quick else 400
    rules = load_rules(rule_paths([], shipped=True))
    print(stage_table({name: stages(raw, rules, runs) for name, raw in MAILS.items()}), end="\n\n")
    print(by_rules(runs)[0], end="\n\n")
    print(engines(runs), end="\n\n")
    print(by_size(rules, 3 if quick else 15, 8 if quick else DOUBLINGS)[0])


if __name__ == "__main__":
    main()
