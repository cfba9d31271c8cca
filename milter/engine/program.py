"""A rule book made ready for matching: words become atoms, shared by all rules, found in one pass.

Everything here works on bytes of folded text (milter.content.normalise.fold): " word word # word ".
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from milter.engine.rulebook import RuleBook, Wording

# Windows are written in characters and matched in bytes of UTF-8.
BYTES_PER_CHARACTER = {"ru": 2, "ja": 3, "ko": 3, "zh": 3}
Fold = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NearPattern:
    """Word lists (indices into Program.lists) of which each must give a word within a window of bytes."""

    rule: int
    language: str
    lists: list[int]
    within: int
    in_order: bool
    unless: list[int]


@dataclass(frozen=True, slots=True)
class RegexPattern:
    """A regular expression on the folded text."""

    rule: int
    language: str
    regex: str


@dataclass(frozen=True, slots=True)
class Program:
    """All patterns of a rule book. Pattern numbers run through near, then regexes."""

    atoms: list[str]
    lists: list[list[int]]
    near: list[NearPattern]
    regexes: list[RegexPattern]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Program:
        """The inverse of dataclasses.asdict. Raises KeyError or TypeError on anything else."""
        return cls(
            data["atoms"],
            data["lists"],
            [NearPattern(**p) for p in data["near"]],
            [RegexPattern(**p) for p in data["regexes"]],
        )


def subset(program: Program, rules: Container[int]) -> Program:
    """The patterns of these rules alone, with the words that they need."""
    near = [pattern for pattern in program.near if pattern.rule in rules]
    lists = {number: at for at, number in enumerate({n: None for p in near for n in (*p.lists, *p.unless)})}
    atoms = {number: at for at, number in enumerate({a: None for n in lists for a in program.lists[n]})}
    return Program(
        [program.atoms[a] for a in atoms],
        [[atoms[a] for a in program.lists[n]] for n in lists],
        [replace(p, lists=[lists[n] for n in p.lists], unless=[lists[n] for n in p.unless]) for p in near],
        [pattern for pattern in program.regexes if pattern.rule in rules],
    )


def atoms_of(word: str, fold_word: Fold) -> set[str]:
    """The byte strings to look for, for one word of a rule: blanks stand for word borders, `*` for none."""
    starts_inside, ends_inside = word.startswith("*"), word.endswith("*")
    found = set()
    for folded in fold_word(word.strip("*").replace("#", "7")):
        core = folded.strip(" ")
        if not core:
            continue
        # Scripts without word spaces are matched wherever they stand.
        left = "" if starts_inside or not _spaced(core[0]) else " "
        right = "" if ends_inside or not _spaced(core[-1]) else " "
        found.add(left + core + right)
    return found


def _spaced(character: str) -> bool:
    """Whether a character belongs to a script that puts spaces between words (not CJK, kana, Hangul)."""
    return character < "\u1100" or not (
        character <= "\u11ff"
        or "\u2e80" <= character <= "\ua4cf"
        or "\ua960" <= character <= "\ua97f"
        or character >= "\uac00"
    )


class _Builder:
    def __init__(self, fold_word: Fold) -> None:
        self.fold_word = fold_word
        self.atoms: dict[str, int] = {}
        self.lists: dict[tuple[int, ...], int] = {}
        self.folded: dict[str, set[str]] = {}

    def list_number(self, words: Iterable[str]) -> int:
        numbers = set()
        for word in words:
            if word not in self.folded:
                self.folded[word] = atoms_of(word, self.fold_word)
            numbers |= {self.atoms.setdefault(atom, len(self.atoms)) for atom in self.folded[word]}
        return self.lists.setdefault(tuple(sorted(numbers)), len(self.lists))

    def near(self, rule: int, wording: Wording) -> NearPattern:
        return NearPattern(
            rule,
            wording.language,
            [self.list_number(words) for words in wording.lists],
            wording.within * BYTES_PER_CHARACTER.get(wording.language, 1),
            wording.in_order,
            [self.list_number(words) for words in wording.unless],
        )


def compile_program(book: RuleBook, fold_word: Fold) -> Program:
    """Number the words and lists of a rule book. fold_word gives a word's spellings in folded form."""
    builder = _Builder(fold_word)
    near, regexes = [], []
    for number, rule in enumerate(book.rules):
        for wording in rule.wordings:
            if wording.regex is None:
                near.append(builder.near(number, wording))
            else:
                regexes.append(RegexPattern(number, wording.language, wording.regex))
    return Program(list(builder.atoms), [list(numbers) for numbers in builder.lists], near, regexes)
