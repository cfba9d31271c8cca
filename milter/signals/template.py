"""What letters made from one template share: their words without all that changes from one to the next.

    texts → words       folded, without payment addresses, links, sums, dates, other numbers and the recipient's name
          → signature   SLOTS numbers, of which as large a part is equal as the pairs of neighbouring words overlap
          → bands       numbers to look a signature up by: letters that resemble each other share one at least

The signature is a MinHash (Broder 1997) by one permutation (Li, Owen, Zhang 2012, arXiv:1208.1259), its empty slots
filled from others (Shrivastava 2017, arXiv:1703.04664). It is kept for years, and compared by nodes of different
versions: another way to fold, pair or hash makes what is kept useless. docs/campaigns.md has the measurements.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from email.utils import getaddresses
from itertools import pairwise
from zlib import crc32

from milter.content.headers import Headers
from milter.content.normalise import EAST_ASIAN, fold
from milter.model import Envelope
from milter.signals.currencies import CODES
from milter.signals.secrets import MASK, find_secrets

Signature = tuple[int, ...]

SLOTS = 126
BAND_SLOTS = 3
# Share of equal slots from which letters are made from one template: docs/campaigns.md.
RESEMBLES = 0.4
# Shorter texts resemble each other by chance.
FEWEST_PAIRS = 20
# Characters of a mail that are looked at; letters are shorter.
READ = 16_384
# Links, mail addresses, and what is as long as a payment address.
ADDRESSES = re.compile(r"(?<![!-~])(?=[!-~]*?(?:://|@)|[!-~]{25})[!-~]++")
NUMBERS = re.compile(r"\d(?:[\d.,:/–-]*\d)?")
WORD = re.compile(r"[^\W_]+")
PIECE = re.compile(r"\n|[^\s]+")
# A shorter name is a word of many letters.
SHORTEST_NAME = 3
# Characters of a template that people see.
SHOWN = 4000
GAP = "…"

_PACKED = struct.Struct(f">{SLOTS}I")


def names_of(envelope: Envelope, headers: Headers) -> frozenset[str]:
    """The words of the recipient's name and address, folded: letters of one template differ in them."""
    recipients = [*getaddresses(headers.all("To")), *(("", address) for address in envelope.rcpt_to)]
    words = " ".join(f"{name} {address.rpartition('@')[0]}" for name, address in recipients)
    return frozenset(word for word in fold(words).split() if len(word) >= SHORTEST_NAME)


def signature(texts: Iterable[str], names: frozenset[str] = frozenset()) -> Signature | None:
    """The signature of the author's own texts, undisguised (`Normal.plain`); None if they say too little."""
    words = (word for word in _words("\n".join(texts)[:READ]) if word not in names)
    pairs = {f"{one} {other}" for one, other in pairwise(words)}
    if len(pairs) < FEWEST_PAIRS:
        return None
    smallest: list[int | None] = [None] * SLOTS
    for number in sorted((crc32(pair.encode("utf-8", "replace")) for pair in pairs), reverse=True):
        smallest[number % SLOTS] = number // SLOTS
    return tuple(_lent(smallest, slot) if own is None else own for slot, own in enumerate(smallest))


def _words(text: str) -> Iterator[str]:
    """Folded words; East Asian text, which has no blanks, as overlapping pairs of characters."""
    for word in fold(ADDRESSES.sub(" ", text)).split():
        if word.isascii():
            if word != "#" and word not in CODES:
                yield word
        elif EAST_ASIAN.match(word):
            yield from (word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            yield word


def _lent(smallest: list[int | None], slot: int) -> int:
    """What an empty slot gets from the first that is not, on a way through all slots that is the same everywhere."""
    for step in range(SLOTS):
        # SLOTS is no multiple of 5, so that each slot is met once.
        value = smallest[(31 * slot + 5 * step + 17) % SLOTS]
        if value is not None:
            return value
    raise ValueError("a signature of nothing")


def resemblance(one: Signature, other: Signature) -> float:
    """From 0 (unrelated) to 1: about which part of all their pairs of words two letters share (Jaccard)."""
    return sum(map(int.__eq__, one, other)) / SLOTS


def bands(of: Signature) -> tuple[int, ...]:
    """Numbers below 2^39, one for each BAND_SLOTS slots."""
    return tuple(
        start << 32 | crc32(b"%d %d %d" % of[start : start + BAND_SLOTS]) for start in range(0, SLOTS, BAND_SLOTS)
    )


def pack(of: Signature) -> bytes:
    """Four bytes a slot."""
    return _PACKED.pack(*of)


def unpack(data: bytes) -> Signature:
    """The signature that pack() wrote."""
    return _PACKED.unpack(data)


def template(texts: Iterable[str], names: frozenset[str] = frozenset()) -> str:
    """The letter for people: numbers as "#", passwords as "•••", addresses and the recipient's name as "…"."""
    text = "\n".join(texts)[:READ]
    for secret in sorted(find_secrets(text), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = NUMBERS.sub("#", ADDRESSES.sub(GAP, text[: 2 * SHOWN]))
    return WORD.sub(lambda word: GAP if _is_of(word[0], names) else word[0], text)[:SHOWN].strip()


def _is_of(word: str, names: frozenset[str]) -> bool:
    return (word.lower() if word.isascii() else fold(word).strip()) in names


def common(one: str, other: str) -> str:
    """What two letters for people have in common, with "…" for what they have not."""
    mine, theirs = PIECE.findall(one), PIECE.findall(other)
    kept: list[str] = []
    end = (0, 0)
    for block in SequenceMatcher(None, mine, theirs).get_matching_blocks():
        if (block.a, block.b) != end and kept[-1:] != [GAP]:
            kept.append(GAP)
        kept += mine[block.a : block.a + block.size]
        end = (block.a + block.size, block.b + block.size)
    return " ".join(kept).replace(" \n ", "\n")
