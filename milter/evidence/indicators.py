"""What of a case can help to recognise the next mail, and how sure that is: the same choice for STIX and MISP.

Addresses that a sender can choose freely, such as the victim's own address in From, are facts of the mail but no
indicators: whoever blocks by them would hit the wrong people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from milter.evidence.facts import Facts, checksum

Target = Literal["wallet", "reply-to", "author", "client"]
# In percent, as STIX and MISP count it: a payment address is the blackmailer's own, an IP address is soon another's.
CONFIDENCE: dict[Target, int] = {"wallet": 85, "reply-to": 60, "author": 40, "client": 30}
# Days for which an indicator is worth looking for; None: for good.
LIFETIME: dict[Target, int | None] = {"wallet": None, "reply-to": 365, "author": 365, "client": 30}


@dataclass(frozen=True, slots=True)
class Indicator:
    """value: a payment address, a mail address, or an IP address."""

    target: Target
    value: str


def indicators(facts: Facts) -> Iterator[Indicator]:
    """The indicators of a case, the surest first; none of a mail that is not flagged."""
    if not facts.case.verdict.flagged:
        return
    yield from (Indicator("wallet", wallet.address) for wallet in facts.wallets if checksum(wallet) != "fails")
    answers = dict.fromkeys(box.address for box in facts.reply_to if _is_foreign(box.address, facts))
    yield from (Indicator("reply-to", address) for address in answers)
    if facts.case.verdict.auth.dmarc == "pass":
        authors = dict.fromkeys(box.address for box in facts.author if _is_foreign(box.address, facts))
        yield from (Indicator("author", address) for address in authors if address not in answers)
    if facts.source:
        yield Indicator("client", facts.source.address)


def _is_foreign(address: str, facts: Facts) -> bool:
    return bool(address) and address.lower() not in facts.recipients
