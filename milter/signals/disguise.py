"""Payment addresses that were cut up or misspelt so that filters do not see them: candidates for the checksum."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

# Bounds the work on hostile text; real mail has a handful.
MAX_CANDIDATES = 3000

# Words between the pieces of an address: "(part 1)", "second half:", "and then", "[remove this]". Letters beyond
# ASCII part words here: "hälfte" is "lfte". None is as short as a likely piece of an address.
PARTS = frozenset(
    (
        b"part parts half halves piece first second third 1st 2nd teil teile lfte erster erste erstes zweiter "
        b"zweite zweites partie moiti premi deuxi seconde parte mitad primera segunda prima seconda metade deel "
        b"helft eerste tweede pierwsza druga druh polovina del hlft anden andra halvdel birinci ikinci line zeile"
    ).split()
)
JOINTS = frozenset(
    (
        b"the and then plus followed remove delete space spaces this dot dash star die der und dann puis luego poi"
    ).split()
)
AFTER_PART = frozenset(b"1 2 3 one two is by of a ist et est es y e h in en to je er og och ve".split())

_SPLIT = bytes(b if chr(b).isalnum() and b < 128 else 32 for b in range(256))
_NO_DIGIT = bytes(b for b in range(256) if b not in b"0123456789")

# Where an address may begin in text without its separators. A base58 address holds five capitals, five small letters
# and a digit in all but 1 of 200 cases; prose seldom does.
HEAD = re.compile(
    rb"[bB][cC][1lI]|[lLI1][tT][cC][1lI]|0[xX][0-9a-fA-F]{40}|[qpQP][02-9ac-hj-np-zAC-HJ-NP-Z]{41}"
    rb"|(?=[13579ADLMTXrlI48]|t[13])(?=[^0-9]{0,33}+[0-9])(?=(?:[^A-Z]{0,24}+[A-Z]){5})(?:[^a-z]{0,24}+[a-z]){5}"
)
# The first two characters settle most words before the pattern is tried.
_ALNUM = bytes(b for b in range(128) if chr(b).isalnum())
_PAIR = re.compile(rb"[bB][cC]|[lLI1][tT]|0[xX]|[qpQP][02-9ac-hj-np-zAC-HJ-NP-Z]|[13579ADLMTXrlI48].|t[13]")
HEAD_PAIRS = frozenset(pair for a in _ALNUM for b in _ALNUM if _PAIR.match(pair := bytes((a, b))))
DIGIT = re.compile(rb"[0-9]")
FIRST_DIGIT = 41  # how far behind its beginning an address has one, at most
PREFIXED = re.compile(rb"[bB][cC]|[lLI1][tT][cC]|0[xX]|[qpQP]")
PREFIXED_LENGTHS = (42, 43, 62, 63)
MONERO_LENGTHS = (95, 106)
BASE58_LENGTHS = tuple(range(26, 36))

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


def candidates(text: bytes) -> Iterator[str]:
    """Strings that the pieces of a text in UTF-8 give when put together, each once, as long as an address can be."""
    seen: set[str] = set()
    if not text.translate(None, _NO_DIGIT):
        return
    for joined in _joined(_pieces(text)):
        for candidate in {joined, repaired(joined)} - seen:
            seen.add(candidate)
            yield candidate
        if len(seen) >= MAX_CANDIDATES:
            return


def _pieces(text: bytes) -> list[bytes]:
    """Runs of ASCII letters and digits, without the words that say how to put them together."""
    pieces = text.translate(_SPLIT).split()
    lower = text.lower().translate(_SPLIT).split()
    if PARTS.isdisjoint(lower):
        return [piece for piece, word in zip(pieces, lower, strict=True) if word not in JOINTS]
    kept: list[bytes] = []
    after_part = False
    for piece, word in zip(pieces, lower, strict=True):
        after_part = word in PARTS or word in JOINTS or (after_part and word in AFTER_PART)
        if not after_part:
            kept.append(piece)
    return kept


def _joined(pieces: Sequence[bytes]) -> Iterator[str]:
    whole = b"".join(pieces)
    ends = list(accumulate(map(len, pieces)))
    starts = [0, *ends[:-1]]
    borders = frozenset(ends)
    for number in _before_digits(whole, starts):
        start, end = starts[number], ends[number]
        if whole[start : start + 2] in HEAD_PAIRS and HEAD.match(whole, start):
            for length in _lengths(whole, start):
                if start + length > end and start + length in borders:
                    yield whole[start : start + length].decode("ascii")


def _before_digits(whole: bytes, starts: Sequence[int]) -> Iterator[int]:
    """The numbers of pieces that have a digit as close behind as it stands in every address."""
    following = 0
    for digit in DIGIT.finditer(whole):
        first = max(following, bisect_left(starts, digit.start() - FIRST_DIGIT))
        following = max(first, bisect_right(starts, digit.start()))
        yield from range(first, following)


def _lengths(whole: bytes, start: int) -> tuple[int, ...]:
    """How long an address that begins here can be."""
    if PREFIXED.match(whole, start):
        return PREFIXED_LENGTHS
    return MONERO_LENGTHS if whole[start] in b"48" else BASE58_LENGTHS
