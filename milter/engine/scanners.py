"""Which atoms of a program a text holds, in one pass over it: hyperscan, or Aho-Corasick where it is missing.

Both give the same finds; a property test holds them equal.
"""

from __future__ import annotations

import threading
from typing import Protocol

import ahocorasick

try:
    import hyperscan
except ImportError:  # no wheel for this platform
    hyperscan = None  # type: ignore[assignment]


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
    """Atoms and regexes in one hyperscan database, with a scratch space for each thread."""

    def __init__(self, atoms: list[str], regexes: list[str], database: bytes | None = None) -> None:
        self._database = hyperscan.loadb(database, hyperscan.HS_MODE_BLOCK) if database else _compile(atoms, regexes)
        self._local = threading.local()

    def find(self, data: bytes) -> set[int]:
        """See Scanner."""
        found: set[int] = set()
        add = found.add

        def on_match(number: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            add(number)

        self._database.scan(data, match_event_handler=on_match, scratch=self._scratch())
        return found

    def _scratch(self) -> hyperscan.Scratch:
        try:
            scratch: hyperscan.Scratch = self._local.scratch
        except AttributeError:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch

    def dump(self) -> bytes:
        """The compiled database, for the cache."""
        return bytes(hyperscan.dumpb(self._database))


def _compile(atoms: list[str], regexes: list[str]) -> hyperscan.Database:
    # Folded text holds letters, digits, "#" and blanks only, so that an atom is its own regular expression.
    expressions = [atom.encode().replace(b"#", rb"\x23") for atom in atoms]
    # A call back into Python costs more than all else: once for each atom is enough.
    flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(atoms)
    for source in regexes:
        expressions.append(source.encode())
        flags.append(_regex_flags(source))
    database = hyperscan.Database()
    database.compile(expressions=expressions, ids=list(range(len(expressions))), elements=len(expressions), flags=flags)
    return database


def _regex_flags(source: str) -> int:
    """One candidate is enough; PREFILTER takes what hyperscan cannot express, and finds rather too much."""
    flags: int = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_UTF8
    return flags if _compiles(source, flags) else flags | hyperscan.HS_FLAG_PREFILTER


def _compiles(source: str, flags: int) -> bool:
    try:
        hyperscan.Database().compile(expressions=[source.encode()], ids=[0], elements=1, flags=[flags])
    except hyperscan.error:
        return False
    return True


def make_scanner(atoms: list[str], regexes: list[str], engine: str = "auto") -> Scanner:
    """The fastest scanner that is installed, or the one that is named."""
    use_hyperscan = hyperscan is not None if engine == "auto" else engine == "hyperscan"
    use_hyperscan = use_hyperscan and bool(atoms or regexes)  # it compiles no empty set
    return HyperscanScanner(atoms, regexes) if use_hyperscan else AhoCorasickScanner(atoms, regexes)
