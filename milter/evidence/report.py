"""report.html: the case for people, first for the recipient, then for police and experts. It needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from milter.advice import Advice, advice
from milter.evidence.facts import Facts, checksum
from milter.evidence.record import deadline
from milter.evidence.route import Hop
from milter.evidence.words import (
    ARC,
    CHECKSUMS,
    DKIM,
    DMARC,
    FILES,
    GROUPS,
    OTHER_RESULT,
    SPF,
    SPOOFS,
    STANDINGS,
    WHERES,
    length,
)
from milter.i18n import Translator, translator
from milter.reason import COINS, demanded_sum, heading, sentence
from milter.reporting import ReportingPoint, country_of, emergency_number, reporting
from milter.sender.author import Mailbox
from milter.templates import page

# Signs and lines beyond these make no report clearer; case.json has them all.
SHOWN_REASONS = 20
SHOWN_HOPS = 40


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the report: language and country by their codes, and an admin's own file of reporting points."""

    language: str | None = None
    country: str | None = None
    points: Path | None = None

    @property
    def words(self) -> Translator:
        """Texts in the reader's language."""
        return translator(self.language)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: name, values one below the other, a remark. exact: to be read letter by letter."""

    name: str
    values: tuple[str, ...]
    remark: str = ""
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One hop for the eye. host is the name in the DNS; called, that it gave itself another."""

    standing: str
    badge: str
    host: str
    address: str
    called: str
    remarks: tuple[str, ...]
    taken_by: str
    time: str
    line: str


def report(facts: Facts, reader: Reader, *, now: datetime) -> str:
    """The page."""
    words, verdict = reader.words, facts.case.verdict
    route = facts.route
    return page(
        "evidence/report.html",
        words,
        case=facts.case,
        verdict=verdict,
        kind=heading(verdict, words.language),
        sentence=sentence(verdict, words.language),
        advice=_advice(facts, reader),
        points=_points(facts, reader),
        demands=_demands(facts, words),
        mail=[row for row in _mail(facts, words) if any(row.values)],
        reasons=_reasons(facts, words),
        explanation=_explanation(facts, words),
        steps=[_step(hop, words) for hop in route.hops[:SHOWN_HOPS]],
        more_hops=words.number(max(0, len(route.hops) - SHOWN_HOPS)),
        source=_step(facts.source, words) if facts.source else None,
        checked=verdict.auth.results != "none",
        results=_results(facts, words),
        spoofs=[words.gettext(SPOOFS[name]) for name in verdict.auth.spoof if name in SPOOFS],
        found=facts.results,
        files={name: words.gettext(text) for name, text in FILES.items()},
        made=words.datetime(now),
    )


def _country(facts: Facts, reader: Reader) -> str | None:
    recipient = next(iter((*facts.case.envelope.rcpt_to, *(box.address for box in facts.to))), "")
    return country_of(recipient, reader.language, configured=reader.country, path=reader.points)


def _advice(facts: Facts, reader: Reader) -> Advice | None:
    verdict = facts.case.verdict
    if not verdict.flagged:
        return None
    number = emergency_number(_country(facts, reader), path=reader.points)
    return advice(verdict, reader.language, personal=verdict.personal, emergency=number)


def _points(facts: Facts, reader: Reader) -> list[ReportingPoint]:
    return reporting(_country(facts, reader), reader.language, kind=facts.case.verdict.kind, path=reader.points)


def _demands(facts: Facts, words: Translator) -> list[Row]:
    demand = facts.case.verdict.demand
    rows = []
    if demand.amount is not None:
        rows.append(Row(words.gettext("Sum"), (demanded_sum(demand, words),)))
    if demand.deadline_hours is not None:
        hours = demand.deadline_hours
        text = words.ngettext("within an hour", "within {hours} hours", hours).format(hours=words.number(hours))
        ends = deadline(facts)
        remark = words.gettext("Counted from the arrival of the mail, this would end on {time}.") if ends else ""
        rows.append(Row(words.gettext("Deadline"), (text,), remark.format(time=words.datetime(ends)) if ends else ""))
    for wallet in facts.wallets:
        coin = words.gettext(COINS[wallet.currency]) if wallet.currency in COINS else wallet.currency
        name = words.gettext("Payment address ({coin})").format(coin=coin)
        rows.append(Row(name, (wallet.address,), words.gettext(CHECKSUMS[checksum(wallet)]), exact=True))
    return rows


def _mail(facts: Facts, words: Translator) -> list[Row]:
    case = facts.case
    size = len(case.raw)
    return [
        Row(words.gettext("From"), _boxes(facts.author)),
        Row(words.gettext("Answers go to"), _boxes(facts.reply_to)),
        Row(words.gettext("To"), _boxes(facts.to)),
        Row(words.gettext("Subject"), (facts.subject,)),
        Row(
            words.gettext("Date"),
            (words.datetime(facts.sent),) if facts.sent else (),
            words.gettext("as the sender wrote it"),
        ),
        Row("Message-ID", (facts.message_id,), exact=True),
        Row(words.gettext("Envelope sender"), (facts.return_path,)),
        Row(words.gettext("Envelope recipients"), case.envelope.rcpt_to),
        Row(words.gettext("Taken in by the filter"), (words.datetime(case.received),) if case.received else ()),
        Row(
            words.gettext("Attachments"),
            tuple(f"{one.filename or '–'} ({one.content_type})" for one in facts.attachments),
        ),
        Row(
            words.gettext("Size"),
            (words.ngettext("{count} byte", "{count} bytes", size).format(count=words.number(size)),),
        ),
        Row(words.gettext("SHA-256 of the original"), (facts.sha256,), exact=True),
    ]


def _boxes(boxes: Sequence[Mailbox]) -> tuple[str, ...]:
    return tuple(f"{box.name} <{box.address}>" if box.name else box.address for box in boxes)


def _reasons(facts: Facts, words: Translator) -> dict[str, list[tuple[str, str]]]:
    """Sorts of signs, and of each the words that show it, once, and where they stand ("" and the header for others)."""
    by_group: dict[str, dict[str, str]] = {}
    for reason in [reason for reason in facts.reasons if reason.score > 0][:SHOWN_REASONS]:
        shown = by_group.setdefault(words.gettext(GROUPS[reason.group]), {})
        shown.setdefault(reason.excerpt, words.gettext(WHERES[reason.where]))
    return {group: list(shown.items()) for group, shown in by_group.items()}


def _explanation(facts: Facts, words: Translator) -> str:
    """How the lines have to be read, and what they rest on."""
    basis = (
        words.gettext(
            "The filter itself took part in the first contact. Everything below it may be invented by the sender."
        )
        if facts.route.witnessed
        else words.gettext(
            "This report was made from a file: if the file comes unchanged from the recipient's mailbox, "
            "the recipient's own servers wrote the lines down to the first contact. "
            "Everything below it may be invented by the sender."
        )
    )
    first = words.gettext("Each host that takes a mail in puts a line on top. The newest stands first.")
    return words.joined((first, basis))


def _step(hop: Hop, words: Translator) -> Step:
    other_name = hop.helo.lower() not in ("", hop.name.lower(), f"[{hop.address}]")
    remarks = []
    if hop.address and not hop.public:
        remarks.append(words.gettext("an address that exists only inside a network"))
    if hop.delay is not None:
        text = (
            words.gettext("{time} after the line below")
            if hop.delay.total_seconds() >= 0
            else words.gettext("{time} before the line below: a clock is wrong, or a line is invented")
        )
        remarks.append(text.format(time=length(words, hop.delay)))
    return Step(
        hop.standing,
        words.gettext(STANDINGS[hop.standing]),
        hop.name,
        hop.address,
        words.gettext("called itself {name}").format(name=hop.helo) if other_name else "",
        tuple(remarks),
        hop.by,
        words.datetime(hop.at) if hop.at else "",
        hop.line,
    )


def _results(facts: Facts, words: Translator) -> list[tuple[str, str, str]]:
    """Each method, its result word, and what that means."""
    auth = facts.case.verdict.auth
    methods = (("SPF", auth.spf, SPF), ("DKIM", auth.dkim, DKIM), ("DMARC", auth.dmarc, DMARC), ("ARC", auth.arc, ARC))
    return [(name, result, words.gettext(table.get(result, OTHER_RESULT))) for name, result, table in methods]
