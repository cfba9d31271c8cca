"""Which atoms of a program a text holds, in one pass over it: hyperscan, or Aho-Corasick where it is missing.

Both give the same finds; a property test holds them equal.
"""

from __future__ import annotations

from typing import Protocol

import ahocorasick

from milter.hyperscans import Database, compiled, hyperscan, loaded


class Scanner(Protocol):
    """One pass over the text."""

    def find(self, data: bytes) -> set[int]:
        """The numbers of all atoms that occur, and of regexes, numbered after the atoms, all that may match."""
        ...


class AhoCorasickScanner:
    """Atoms by pyahocorasick; every regex is a candidate, for the regex engine to decide."""

    def __init__(self, atoms: list[str], regexes: list[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        for number, atom in enumerate(atoms):
            # One character a byte: the same bytes that hyperscan sees.
            self._automaton.add_word(atom.encode().decode("latin-1"), number)
        if atoms:
            self._automaton.make_automaton()
        self._candidates = frozenset(range(len(atoms), len(atoms) + len(regexes)))

    def find(self, data: bytes) -> set[int]:
        """See Scanner."""
        if not self._automaton:
            return set(self._candidates)
        found = {number for _, number in self._automaton.iter(data.decode("latin-1"))}
        return found | self._candidates


class HyperscanScanner:
    """Atoms and regexes in one hyperscan database."""

    def __init__(self, atoms: list[str], regexes: list[str], database: bytes | None = None) -> None:
        self._database = loaded(database) if database else _compile(atoms, regexes)

    def find(self, data: bytes) -> set[int]:
        """See Scanner."""
        found: set[int] = set()
        add = found.add

        def on_match(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            add(number)

        self._database.scan(data, on_match)
        return found

    def dump(self) -> bytes:
        """The compiled database, for the cache."""
        return self._database.dump()


def _compile(atoms: list[str], regexes: list[str]) -> Database:
    # Folded text holds letters, digits, "#" and blanks only, so that an atom is its own regular expression.
    expressions = [atom.encode().replace(b"#", rb"\x23") for atom in atoms]
    # A call back into Python costs more than all else: once for each atom is enough.
    flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(atoms)
    for source in regexes:
        expressions.append(source.encode())
        flags.append(_regex_flags(source))
    return compiled(expressions, flags)


def _regex_flags(source: str) -> int:
    """One candidate is enough; PREFILTER takes what hyperscan cannot express, and finds rather too much."""
    flags: int = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_UTF8
    return flags if _compiles(source, flags) else flags | hyperscan.HS_FLAG_PREFILTER


def _compiles(source: str, flags: int) -> bool:
    try:
        compiled([source.encode()], [flags])
    except hyperscan.error:
        return False
    return True


def make_scanner(atoms: list[str], regexes: list[str], engine: str = "auto") -> Scanner:
    """The fastest scanner that is installed, or the one that is named."""
    use_hyperscan = hyperscan is not None if engine == "auto" else engine == "hyperscan"
    use_hyperscan = use_hyperscan and bool(atoms or regexes)  # it compiles no empty set
    return HyperscanScanner(atoms, regexes) if use_hyperscan else AhoCorasickScanner(atoms, regexes)
