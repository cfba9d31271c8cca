"""How well letters of one campaign are known again, and what it costs: the figures in docs/campaigns.md.

    python tools/measure_campaigns.py CORPUS

CORPUS holds extortion/, ham/ and otherspam/ with mails in files; own samples are taken from tests/samples. Edited
copies stand for the next letters of a campaign: so many in a hundred of their words are replaced, left out or doubled.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations
from pathlib import Path

from milter.config import Config, Policy
from milter.content.message import Message, read
from milter.frontends.scan import bare_body
from milter.inspector import configured_rules
from milter.model import Envelope, Signal, Wallet
from milter.pipeline import inspect, letter_texts, readings_of
from milter.signals.campaigns import KnownCampaign, KnownCampaigns
from milter.signals.template import RESEMBLES, Signature, bands, resemblance, signature

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
PERCENT = (5, 10, 15, 20, 30)
COPIES = 5


class Counting(KnownCampaigns):
    """Counts how often it is asked."""

    asked = 0

    def match(self, signature: Signature | None, wallets: Collection[Wallet]) -> Iterator[Signal]:
        """The same, counted."""
        self.asked += 1
        return super().match(signature, wallets)


def messages(*folders: Path) -> Iterator[Message]:
    """All mails below; a .txt file is a bare body."""
    for path in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        raw = path.read_bytes()
        yield read(bare_body(raw) if path.suffix == ".txt" else raw)


def text_of(message: Message) -> str:
    """What its author says."""
    return "\n".join(letter_texts(readings_of(message)))


def signed(found: Iterable[Message]) -> list[tuple[str, Signature]]:
    """The texts that say enough, with their signatures."""
    return [(text, seal) for text in map(text_of, found) if (seal := signature([text]))]


def edited(text: str, percent: int, chance: random.Random) -> str:
    """A text with so many in a hundred of its words replaced by others of it, left out, or doubled."""
    words = re.findall(r"\S+\s*", text)

    def changed(word: str) -> str:
        if chance.random() * 100 >= percent:
            return word
        return chance.choice([chance.choice(words), chance.choice(words), "", word + chance.choice(words)])

    return "".join(map(changed, words))


def copies(letters: list[tuple[str, Signature]]) -> None:
    """How many edited copies are found and known."""
    chance = random.Random(1)
    blanks = [(text, seal) for text, seal in letters if text.count(" ") > 30]
    print(f"edited copies of {len(blanks)} letters, {COPIES} each:")
    for percent in PERCENT:
        alike, found = [], 0
        for text, seal in blanks:
            for _ in range(COPIES):
                copy = signature([edited(text, percent, chance)])
                alike.append(resemblance(seal, copy) if copy else 0.0)
                found += bool(copy and alike[-1] >= RESEMBLES and set(bands(seal)) & set(bands(copy)))
        print(f"  {percent:2} %: known {found / len(alike):6.1%}, resemblance {statistics.median(alike):.2f} (median)")


def pairs(name: str, letters: list[tuple[str, Signature]]) -> None:
    """Which letters resemble each other."""
    alike = sorted((resemblance(one, other) for (_, one), (_, other) in combinations(letters, 2)), reverse=True)
    known = sum(one >= RESEMBLES for one in alike)
    print(f"{name}: {len(letters)} letters, {len(alike):,} pairs, {known} above {RESEMBLES};", end=" ")
    print("around it:", *(f"{one:.2f}" for one in alike[max(0, known - 5) : known + 5]))


def others(name: str, letters: list[tuple[str, Signature]], mails: list[tuple[str, Signature]]) -> None:
    """How near other mail comes to any letter."""
    nearest = sorted((max(resemblance(seal, letter) for _, letter in letters) for _, seal in mails), reverse=True)
    known = sum(one >= RESEMBLES for one in nearest)
    print(f"{name}: {len(nearest):,} mails against {len(letters)} letters: {known} known; nearest", end=" ")
    print(*(f"{one:.2f}" for one in nearest[:5]))


def cost(mails: list[Message], letters: list[tuple[str, Signature]]) -> None:
    """Time for a mail with and without known campaigns, and how many are signed at all."""
    rules = configured_rules(Config())
    known = Counting(KnownCampaign(number, False, seal) for number, (_, seal) in enumerate(letters))

    def seconds(campaigns: KnownCampaigns) -> float:
        started = time.perf_counter()
        for message in mails:
            inspect(message, Envelope(), rules=rules, policy=Policy(), campaigns=campaigns, explain=False)
        return time.perf_counter() - started

    rounds = [(seconds(KnownCampaigns()), seconds(known)) for _ in range(3)]
    without, with_known = (1e6 * min(times) / len(mails) for times in zip(*rounds, strict=True))
    print(f"judging ordinary mail: {without:.0f} µs without, {with_known:.0f} µs with {len(letters)} known campaigns;")
    print(f"  {100 * known.asked / 3 / len(mails):.1f} % of it was compared with them", end=", ")
    signatures = [_microseconds(text, known) for text, _ in letters]
    print(f"which takes {statistics.median(signatures):.0f} µs for a letter")


def _microseconds(text: str, known: KnownCampaigns) -> float:
    """Of a signature and a look-up, at best."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        list(known.match(signature([text]), ()))
        times.append(time.perf_counter() - started)
    return 1e6 * min(times)


def main(corpus: Path) -> None:
    """Print all figures."""
    own, real = signed(messages(*SAMPLES.glob("*/extortion"))), signed(messages(corpus / "extortion"))
    copies(own + real)
    pairs("own samples", own)
    pairs("real letters", real)
    letters = own + real
    others("innocent samples", letters, signed(messages(*SAMPLES.glob("*/innocent"))))
    ham = list(messages(corpus / "ham"))
    others("ham", letters, signed(ham))
    others("other spam", letters, signed(messages(corpus / "otherspam")))
    cost(ham, letters)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
