"""Which patterns of a program hold for a text, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import regex

from milter.engine.program import NearPattern, Program
from milter.engine.scanners import Scanner

Span = tuple[int, int]  # start and end, in bytes of the folded text
# A pattern that needs longer is hostile input; bounded repeats make it a matter of microseconds.
REGEX_TIMEOUT = 0.25


@dataclass(frozen=True, slots=True)
class Hit:
    """One pattern that holds: its rule (number in the rule book), its language and the span it stands on."""

    rule: int
    language: str
    pattern: int
    span: Span


class Matcher:
    """Holds a program against folded texts."""

    def __init__(self, program: Program, scanner: Scanner) -> None:
        self.program = program
        self.scanner = scanner
        self._lists = [frozenset(numbers) for numbers in program.lists]
        self._atoms = [atom.encode() for atom in program.atoms]
        self._needed = [[self._lists[n] for n in pattern.lists] for pattern in program.near]
        self._anchored: dict[int, list[int]] = {}
        for number, pattern in enumerate(program.near):
            for atom in self._lists[self._anchor(pattern)]:
                self._anchored.setdefault(atom, []).append(number)
        self._compiled: dict[int, regex.Pattern[str]] = {}

    def _anchor(self, pattern: NearPattern) -> int:
        """The list to start from: the one whose shortest word is longest is the rarest in ordinary text."""
        return max(pattern.lists, key=lambda n: min(len(self._atoms[a]) for a in self._lists[n]))

    def hits(self, folded: str) -> list[Hit]:
        """All patterns that hold for one folded text, in the order of the program."""
        data = folded.encode()
        present = self.scanner.find(data)
        found = self._near_hits(present, data)
        atoms = len(self._atoms)
        for number in sorted(n for n in present if n >= atoms):
            found += self._regex_hits(number - atoms, folded)
        return found

    def _near_hits(self, present: set[int], data: bytes) -> list[Hit]:
        candidates: set[int] = set()
        for atom in self._anchored.keys() & present:
            candidates.update(self._anchored[atom])
        places = _Places(data, self._atoms)
        spans: dict[int, list[Span]] = {}
        found = []
        for number in sorted(candidates):
            if any(map(present.isdisjoint, self._needed[number])):
                continue
            pattern = self.program.near[number]
            for n in (*pattern.lists, *pattern.unless):
                if n not in spans:
                    spans[n] = sorted(span for atom in self._lists[n] & present for span in places[atom])
            span = _window(pattern, spans)
            if span:
                found.append(Hit(pattern.rule, pattern.language, number, span))
        return found

    def _regex_hits(self, number: int, folded: str) -> list[Hit]:
        pattern = self.program.regexes[number]
        if number not in self._compiled:
            self._compiled[number] = regex.compile(pattern.regex, regex.ASCII | regex.DOTALL)
        match = self._compiled[number].search(folded, timeout=REGEX_TIMEOUT)
        if not match:
            return []
        start = len(folded[: match.start()].encode())
        span = (start, start + len(match[0].encode()))
        return [Hit(pattern.rule, pattern.language, len(self.program.near) + number, span)]


class _Places(dict[int, list[Span]]):
    """Where each atom stands in a text, without the blanks at its borders; looked up when first asked for."""

    def __init__(self, data: bytes, atoms: list[bytes]) -> None:
        super().__init__()
        self._data = data
        self._atoms = atoms

    def __missing__(self, number: int) -> list[Span]:
        atom, data = self._atoms[number], self._data
        left, right = atom.startswith(b" "), len(atom) - atom.endswith(b" ")
        spans = self[number] = []
        at = data.find(atom)
        while at >= 0:
            spans.append((at + left, at + right))
            at = data.find(atom, at + 1)
        return spans


def _window(pattern: NearPattern, spans: dict[int, list[Span]]) -> Span | None:
    """The first window of at most `within` bytes that holds a word of each list, each word used once."""
    marks = sorted((start, end, k) for k, n in enumerate(pattern.lists) for start, end in spans[n])
    windows = _ordered_windows(marks, len(pattern.lists)) if pattern.in_order else _windows(marks, len(pattern.lists))
    for low, high in windows:
        if high - low <= pattern.within and not _barred(pattern, spans, low, high):
            return low, high
    return None


def _windows(marks: list[tuple[int, int, int]], count: int) -> Iterator[Span]:
    """For each word that completes the lists: the shortest window that ends with it.

    The last two words of each list are kept, since the last may overlap a word of another list.
    """
    latest: dict[int, Span] = {}
    before: dict[int, Span] = {}
    for start, end, k in marks:
        if k in latest:
            before[k] = latest[k]
        latest[k] = (start, end)
        if len(latest) < count:
            continue
        words = sorted(latest.values())
        if _apart(words):
            yield words[0][0], words[-1][1]
            continue
        for other, word in before.items():
            words = sorted({**latest, other: word}.values())
            if other != k and _apart(words):
                yield words[0][0], words[-1][1]


def _apart(words: list[Span]) -> bool:
    return all(a[1] <= b[0] for a, b in pairwise(words))


def _ordered_windows(marks: list[tuple[int, int, int]], count: int) -> Iterator[Span]:
    """The same, for words in the order of their lists: chains[k] is the latest chain through lists 0…k."""
    chains: list[Span | None] = [None] * count
    for start, end, k in marks:
        before = chains[k - 1] if k else (start, start)
        if before and before[1] <= start:
            chains[k] = (before[0], end)
            if k == count - 1:
                yield before[0], end


def _barred(pattern: NearPattern, spans: dict[int, list[Span]], low: int, high: int) -> bool:
    """Whether a word of `unless` stands so near that one window could hold it too."""
    first, last = high - pattern.within, low + pattern.within
    return any(first <= start and end <= last for n in pattern.unless for start, end in spans[n])
