"""Payment addresses that were cut up or misspelt so that filters do not see them: candidates for the checksum."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

# Bounds the work on hostile text; real mail has a handful.
MAX_CANDIDATES = 3000

# Pieces of one address stand at most eight other characters apart: blanks, line ends, dashes, asterisks, quotes.
PIECE = re.compile(r"[0-9A-Za-z]+|[^0-9A-Za-z]{9,}")
# "(part 1)", "second half:", "[remove this]", "and then": words between the pieces.
LABEL = re.compile(
    r"""(?:\b(?:first|second|third|1st|2nd|3rd|erster?|zweiter?|première|deuxième|primera?|segunda?)\s+)?
        \b(?:part|half|piece|line|teil|hälfte|zeile|partie|moitié|parte|mitad|metà|metade|deel|helft|część|část|
        polovina|del|hälft|halvdel|часть|половина|parça|bölüm|kısım)\b
        (?:\s*(?:is\b|ist\b|est\b|es\b|è\b|é\b|\#?[1-9]\b|one\b|two\b|I{1,3}\b))?
      | [\[({<]\s*\w{1,12}(?:\s+\w{1,12}){0,3}\s*[\])}>]
      | \b(?:and\s+then|and|then|the|followed\s+by|plus|und|dann|puis|luego|poi)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Of 34 random base58 digits next to none have fewer of each kind; prose has.
MIXED = re.compile(r"(?=(?:[^A-Z]*+[A-Z]){5})(?=(?:[^a-z]*+[a-z]){5})(?:[^0-9]*+[0-9]){2}")
CASHADDR = re.compile(r"[qpQP][023456789ac-hj-np-zAC-HJ-NP-Z]{41}")
BASE58_LENGTHS = range(26, 36)
MONERO_LENGTHS = (95, 106)
BASE58_HEADS = frozenset("13579ADLMTXrtlI48")

MISREAD_BASE58 = str.maketrans("0OIl", "oo11")
MISREAD_BECH32 = str.maketrans("oi1", "0ll")
MISREAD_PREFIX = str.maketrans("li", "11")


def repaired(address: str) -> str:
    """An address with the letters that its alphabet does not have replaced by those they are mistaken for."""
    lower = address.lower()
    for prefix in ("bc1", "ltc1"):
        if lower[: len(prefix)].translate(MISREAD_PREFIX) == prefix.translate(MISREAD_PREFIX):
            return prefix + lower[len(prefix) :].translate(MISREAD_BECH32)
    return address if lower.startswith("0x") else address.translate(MISREAD_BASE58)


def candidates(text: str) -> Iterator[str]:
    """Strings that the pieces of a text give when put together, each once, as long as an address can be."""
    seen: set[str] = set()
    unlabelled = LABEL.sub(" ", text)
    for version in (text, unlabelled) if unlabelled != text else (text,):
        for joined in _joined(version):
            for candidate in (joined, repaired(joined)):
                if candidate in seen:
                    continue
                seen.add(candidate)
                yield candidate
                if len(seen) >= MAX_CANDIDATES:
                    return


def _joined(text: str) -> Iterator[str]:
    pieces = PIECE.findall(text)
    whole = "".join(pieces)
    ends = list(accumulate(map(len, pieces)))
    borders = frozenset(ends)
    for piece, end in zip(pieces, ends, strict=True):
        start = end - len(piece)
        for length in _lengths(whole, start):
            if length > len(piece) and start + length in borders:
                yield whole[start : start + length]


def _lengths(text: str, start: int) -> tuple[int, ...] | range:
    """How long an address that starts here can be; nothing where the text does not look like one."""
    head = text[start : start + 3].lower().replace("i", "1").replace("l", "1")
    if head == "bc1":
        return (42, 62)
    if head == "1tc":
        return (43, 63)
    if head.startswith("0x"):
        return (42,)
    if CASHADDR.match(text, start):
        return (42,)
    if text[start] in BASE58_HEADS and MIXED.match(text, start, start + 34):
        return MONERO_LENGTHS if text[start] in "48" else BASE58_LENGTHS
    return ()
