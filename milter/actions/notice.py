"""What the recipient of a flagged mail is told above it: what it is, what to do, and where to report it.

Nothing of the mail's own words stands in a notice, only what the verdict concludes from them. So a notice is known by
what it was made from, which it names, and a sender who copies one can only say what we would say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from milter.advice import BY_KIND, EMERGENCIES, advice
from milter.content.headers import parameters
from milter.i18n import supported, translator
from milter.model import Demand, Kind, RuleMatch, Verdict, Wallet
from milter.reason import KINDS, heading, is_test, sentence
from milter.reporting import emergency_number, reporting
from milter.templates import page

# Where a bluff can be reported; whoever is meant himself is told of every help there is.
SHOWN_POINTS = 3
VERSION = "1"
# Of what stands in a sentence as the mail has it, the forms that signals give; nobody may say more by it.
SAID = {
    "amount": re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,18})?"),
    "currency": re.compile("[A-Z]{2,5}"),
    "hours": re.compile("[0-9]{1,6}"),
    "wallet": re.compile("[A-Z]{2,5}"),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a notice is written: one of the sixteen languages, a country by its code, an own file of points."""

    language: str = "en"
    country: str | None = None
    points: Path | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as plain text, as an HTML page, as the block in that page, and what it was made from."""

    language: str
    text: str
    html: str
    block: str
    origin: str


def notice(verdict: Verdict, reader: Reader, *, attached: bool = False) -> Notice:
    """The notice for a flagged mail, which stands below it or is attached. Raises ConfigError (file of points)."""
    words = translator(reader.language)
    number = emergency_number(reader.country, path=reader.points)
    told = advice(verdict, words.language, personal=verdict.personal, emergency=number)
    do, avoid = (words.gettext("What you should do"), told.do), (words.gettext("What you should not do"), told.avoid)
    points = (
        [] if is_test(verdict) else reporting(reader.country, words.language, kind=verdict.kind, path=reader.points)
    )
    urgent = verdict.personal or verdict.kind in EMERGENCIES
    values = {
        "kind": heading(verdict, words.language),
        "sentence": sentence(verdict, words.language),
        "advice": told,
        "lists": (do, avoid) if urgent else (avoid, do),
        "points": points if verdict.personal else points[:SHOWN_POINTS],
        "place": words.gettext("The mail itself is attached to this notice.")
        if attached
        else words.gettext("The mail itself follows below."),
    }
    return Notice(
        words.language,
        page("notice/notice.txt.j2", words, **values),
        page("notice/notice.html", words, **values),
        page("notice/block.html", words, **values),
        _origin(verdict, reader, attached),
    )


def same_notice(origin: str, verdict: Verdict, reader: Reader) -> Notice | None:
    """The notice that names this origin, if it says of a mail with this verdict no less than a new one would."""
    version, told = parameters(origin)
    first = _verdict(told)
    alike = (
        version == VERSION
        and first is not None
        and BY_KIND[first.kind or "other"] is BY_KIND[verdict.kind or "other"]
        and first.personal == verdict.personal
        and is_test(first) == is_test(verdict)
        and told.get("language") == supported(reader.language)
        and told.get("country", "") == (reader.country or "")
    )
    return notice(first, reader, attached=told.get("attached") == "yes") if alike and first else None


def _origin(verdict: Verdict, reader: Reader, attached: bool) -> str:
    """All of a verdict that a notice says, as a structured header value ("1; language=de; …")."""
    demand = verdict.demand
    rules = dict.fromkeys(reason.rule for reason in verdict.reasons if reason.score > 0 or reason.group == "policy")
    told = {
        "language": supported(reader.language),
        "country": reader.country,
        "kind": verdict.kind,
        "personal": "yes" if verdict.personal else None,
        "attached": "yes" if attached else None,
        "amount": demand.amount,
        "currency": demand.currency,
        "hours": demand.deadline_hours,
        "wallet": verdict.wallets[0].currency if verdict.wallets else None,
        "rules": " ".join(sorted(rules)),
    }
    return "; ".join([VERSION, *(f"{name}={value}" for name, value in told.items() if value not in (None, ""))])


def _verdict(told: dict[str, str]) -> Verdict | None:
    """A verdict that leads to the notice of this origin; None if there is none."""
    kind: Kind | None = next((kind for kind in KINDS if kind == told.get("kind")), None)
    if not all(form.fullmatch(told[name]) for name, form in SAID.items() if name in told):
        return None
    reasons = tuple(
        RuleMatch(rule, "policy" if rule.startswith("policy.") else "context", 1.0, "text", "")
        for rule in told.get("rules", "").split()
    )
    wallets = (Wallet(told["wallet"], "", True, "text"),) if "wallet" in told else ()
    hours = int(told["hours"]) if "hours" in told else None
    demand = Demand(told.get("amount"), told.get("currency"), hours)
    return Verdict("tag", 0.0, kind, None, reasons, wallets, demand, personal=told.get("personal") == "yes")
