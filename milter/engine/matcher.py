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
BLANK = ord(" ")


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
        shortest = [min((len(self._atoms[atom]) for atom in numbers), default=0) for numbers in program.lists]
        # To start from: the list whose shortest word is longest is the rarest in ordinary text.
        self._anchors = [max(pattern.lists, key=shortest.__getitem__) for pattern in program.near]
        self._anchored: dict[int, list[int]] = {}
        for number, anchor in enumerate(self._anchors):
            for atom in self._lists[anchor]:
                self._anchored.setdefault(atom, []).append(number)
        self._compiled: dict[int, regex.Pattern[str]] = {}

    def hits(self, folded: str, *, every: bool = True) -> list[Hit]:
        """The patterns that hold for one folded text, in the order of the program.

        every: all of them; else only the first of each rule in each language, which is all that a verdict needs.
        """
        data = folded.encode()
        present = self.scanner.find(data)
        found = self._near_hits(present, data, every)
        atoms = len(self._atoms)
        for number in sorted(n for n in present if n >= atoms):
            found += self._regex_hits(number - atoms, folded)
        return found

    def _near_hits(self, present: set[int], data: bytes, every: bool) -> list[Hit]:
        candidates: set[int] = set()
        for atom in self._anchored.keys() & present:
            candidates.update(self._anchored[atom])
        words = _Words(data, self._atoms, self._lists, present)
        held: set[tuple[int, str]] = set()
        found = []
        for number in sorted(candidates):
            pattern = self.program.near[number]
            said = (pattern.rule, pattern.language)
            if (said in held and not every) or any(map(present.isdisjoint, self._needed[number])):
                continue
            span = _first_window(pattern, self._anchors[number], words)
            if span:
                held.add(said)
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


class _Words:
    """The words of lists in one text, without the blanks at their borders."""

    def __init__(self, data: bytes, atoms: list[bytes], lists: list[frozenset[int]], present: set[int]) -> None:
        self._data = data
        self._atoms = atoms
        self._lists = lists
        self._present = present
        self._of_list: dict[int, list[tuple[bytes, int, int]]] = {}
        self._everywhere: dict[int, list[Span]] = {}

    def everywhere(self, number: int) -> list[Span]:
        """All words of a list, in order."""
        if number not in self._everywhere:
            self._everywhere[number] = sorted(self.between(number, 0, len(self._data)))
        return self._everywhere[number]

    def between(self, number: int, low: int, high: int) -> list[Span]:
        """Those that stand between two places, borders included."""
        find = self._data.find
        low, high = max(low - 1, 0), high + 1
        found = []
        bordered = self._of_list.get(number)
        for atom, left, right in self._bordered(number) if bordered is None else bordered:
            at = find(atom, low, high)
            while at >= 0:
                found.append((at + left, at + right))
                at = find(atom, at + 1, high)
        return found

    def _bordered(self, number: int) -> list[tuple[bytes, int, int]]:
        """The atoms of a list that the text holds, and where the word begins and ends in each."""
        atoms = map(self._atoms.__getitem__, self._lists[number] & self._present)
        bordered = [(atom, int(atom[0] == BLANK), len(atom) - (atom[-1] == BLANK)) for atom in atoms]
        self._of_list[number] = bordered
        return bordered


def _first_window(pattern: NearPattern, anchor: int, words: _Words) -> Span | None:
    """The first window of at most `within` bytes that holds a word of each list, each word used once.

    Only the surroundings of the words of one list, the anchor, are looked at.
    """
    anchors = words.everywhere(anchor)
    windows = _ordered_windows if pattern.in_order else _windows
    for low, high in _surroundings(anchors, pattern.within):
        for start, end in windows(_marks(pattern, words, low, high), len(pattern.lists)):
            if end - start <= pattern.within and not _barred(pattern, words, start, end):
                return start, end
    return None


def _marks(pattern: NearPattern, words: _Words, low: int, high: int) -> list[tuple[int, int, int]]:
    """Start, end and list of each word of a pattern between two places, in order; none if a list has none there."""
    marks: list[tuple[int, int, int]] = []
    for k, n in enumerate(pattern.lists):
        found = words.between(n, low, high)
        if not found:
            return []
        marks += [(start, end, k) for start, end in found]
    marks.sort()
    return marks


def _surroundings(anchors: list[Span], within: int) -> Iterator[Span]:
    """Stretches of text that hold all windows with an anchor in them; those that touch are one."""
    low, high = anchors[0][0] - within, anchors[0][1] + within
    for start, end in anchors:
        if start - within > high:
            yield low, high
            low = start - within
        high = end + within
    yield low, high


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
        others = (sorted({**latest, other: word}.values()) for other, word in before.items() if other != k)
        yield from sorted(((words[0][0], words[-1][1]) for words in others if _apart(words)), reverse=True)


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


def _barred(pattern: NearPattern, words: _Words, low: int, high: int) -> bool:
    """Whether a word of `unless` stands so near that one window could hold it too."""
    first, last = high - pattern.within, low + pattern.within
    return any(first <= start and end <= last for n in pattern.unless for start, end in words.between(n, first, last))
