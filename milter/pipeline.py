"""`inspect()`: one mail in, one verdict out. Pure: no clock, network, disk or environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from milter.config import Policy
from milter.content.language import guess
from milter.content.message import Message
from milter.content.normalise import Excerpts, Normal, normalise
from milter.engine.rulebook import named
from milter.engine.ruleset import RuleSet
from milter.engine.score import Evidence, Found, Judgement, judge
from milter.model import Action, Authentication, Demand, Envelope, RuleMatch, Signal, Text, Verdict, Wallet
from milter.sender.listed import Listed, find_listed
from milter.sender.verify import offline
from milter.signals import find_context, find_demand, find_wallets, mask_secrets, personal_signs
from milter.signals.campaigns import NO_CAMPAIGNS, KnownCampaigns
from milter.signals.template import names_of, signature
from milter.signals.wallets import Wallets

# Whether a mail means this one reader is asked only where two of these speak for extortion; whether it belongs to a
# campaign, where one does.
TWO_SIDES = frozenset({"threat", "demand", "claim"})
PERSONAL = "context.personal"  # the rule that says so
SPARED = "It means its reader in person, so it is delivered instead of being quarantined (personal_case)."


@dataclass(frozen=True, slots=True)
class Reading:
    """One text of the mail, and the same without disguise and folded for the rules.

    own: the author says it; else it is quoted, from whomever.
    """

    text: Text
    normal: Normal
    own: bool


def inspect(
    message: Message,
    envelope: Envelope,
    *,
    rules: RuleSet,
    policy: Policy,
    authentication: Authentication | None = None,
    own_domains: tuple[str, ...] = (),
    campaigns: KnownCampaigns = NO_CAMPAIGNS,
    explain: bool = True,
) -> Verdict:
    """Judge one mail: `_weighed` finds its score, and `_action` says what that leads to.

    authentication is what the sender checks found; without it only the signs in the headers count. campaigns are those
    known by now. explain: give all that is found also for mail that is not flagged.
    """
    # To explain, all is weighed whatever a first look would say.
    look = Look(message, readings_of(message), may_threaten=True) if explain else first_look(message, rules)
    return judged(look, envelope, rules, policy, authentication, own_domains, campaigns, explain=explain)


@dataclass(frozen=True, slots=True)
class Look:
    """A mail ready for the rules. may_threaten: whether a threat may stand in it; without one a mail scores nothing."""

    message: Message
    readings: list[Reading]
    may_threaten: bool


def first_look(message: Message, rules: RuleSet) -> Look:
    """The part of `inspect` that each mail needs; most mail has no threat, and so needs no more."""
    readings = readings_of(message)
    return Look(message, readings, rules.may_threaten(reading.normal.folded for reading in readings))


def judged(
    look: Look,
    envelope: Envelope,
    rules: RuleSet,
    policy: Policy,
    authentication: Authentication | None,
    own_domains: tuple[str, ...],
    campaigns: KnownCampaigns,
    *,
    explain: bool,
) -> Verdict:
    """The rest of `inspect`, which see."""
    message = look.message
    if look.may_threaten or policy.allow or policy.block:
        sender = authentication or offline(envelope, message.headers, own_domains=own_domains)
    else:
        sender = authentication or Authentication()
    if look.may_threaten:
        verdict = _weighed(look, envelope, sender, rules, policy, campaigns, explain=explain)
    else:
        verdict = Verdict(auth=sender, notes=message.notes)
    listed = find_listed(policy, message.headers, sender, checked=authentication is not None)
    return _as_listed(verdict, listed, policy) if listed else verdict


def _weighed(
    look: Look,
    envelope: Envelope,
    sender: Authentication,
    rules: RuleSet,
    policy: Policy,
    campaigns: KnownCampaigns,
    *,
    explain: bool,
) -> Verdict:
    """The verdict by all rules and signs."""
    message, readings = look.message, look.readings
    found = list(_hits(rules, readings))
    groups = {rules.rules[one.hit.rule].group for one in found}
    # Prices stand in every second mail; they matter only where somebody demands and threatens or claims.
    demand = _demand(readings) if "demand" in groups and groups & {"threat", "claim"} else Demand()
    wallets = [find_wallets(reading.normal.plain, reading.text.where) for reading in readings]
    signals = [
        *message.signals,
        *find_context(message.headers, message.texts),
        *(personal_signs(message, envelope, _own_texts(readings)) if len(groups & TWO_SIDES) > 1 else ()),
        *(signal for reading, seen in zip(readings, wallets, strict=True) for signal in _signs(reading, seen)),
        *(_campaign_signs(campaigns, message, envelope, readings, wallets) if campaigns and groups & TWO_SIDES else ()),
        *(Signal(f"spoof.{name}", "header") for name in sender.spoof),
        *_sums(demand),
    ]
    judgement = judge(rules, found, (signal.name for signal in signals))
    personal = any(one.rule.id == PERSONAL for one in judgement.evidence)
    action = _action(judgement.score, policy)
    spared = action == "quarantine" and personal and policy.personal_case == "deliver"
    if spared:
        action = "tag"
    explained = explain or action != "accept"
    return Verdict(
        action=action,
        score=judgement.score,
        kind=judgement.kind or ("other" if action != "accept" else None),
        language=_language(judgement, action, readings) if explained else None,
        reasons=_reasons(judgement.evidence, readings, signals) if explained else (),
        wallets=tuple({wallet.address: wallet for seen in wallets for wallet in seen.wallets}.values()),
        demand=demand,
        auth=sender,
        notes=(*message.notes, SPARED) if spared else message.notes,
        personal=action != "accept" and personal,
    )


def _hits(rules: RuleSet, readings: Iterable[Reading]) -> Iterable[Found]:
    for number, reading in enumerate(readings):
        for hit in rules.matcher.hits(reading.normal.folded, every=False):
            yield Found(hit, number, not reading.own)


def readings_of(message: Message) -> list[Reading]:
    """The texts of a mail, ready for matching."""
    # A letter hidden in quotes, with nothing of the author's own around it, is the author's letter.
    all_own = any(signal.name == "context.only_quoted" for signal in message.signals)
    return [Reading(text, normalise(text.content), all_own or not text.quoted) for text in message.texts]


def _demand(readings: list[Reading]) -> Demand:
    own = "\n".join(_own_texts(readings))
    return find_demand(own or "\n".join(reading.normal.plain for reading in readings))


def _own_texts(readings: list[Reading]) -> list[str]:
    return [reading.normal.plain for reading in readings if reading.own]


def _signs(reading: Reading, seen: Wallets) -> Iterable[Signal]:
    """Disguises and payment addresses in one text, as signals; quoted ones are not the author's."""
    if not reading.own:
        return
    where = reading.text.where
    for name in sorted(reading.normal.evasions | seen.evasions):
        yield Signal(name, where)
    for wallet in seen.wallets:
        if wallet.valid:
            yield Signal("wallet.any", where, wallet.address)
            yield Signal(f"wallet.{wallet.currency.lower()}", where, wallet.address)
        else:
            yield Signal("wallet.invalid", where, wallet.address)


def _campaign_signs(
    campaigns: KnownCampaigns, message: Message, envelope: Envelope, readings: list[Reading], wallets: list[Wallets]
) -> Iterable[Signal]:
    """What the author's own words and payment addresses have to do with known campaigns."""
    letter = signature(letter_texts(readings), names_of(envelope, message.headers))
    return campaigns.match(letter, letter_wallets(readings, wallets))


def letter_texts(readings: Iterable[Reading]) -> list[str]:
    """What the author says below the subject, undisguised: what letters of one campaign have in common."""
    return [reading.normal.plain for reading in readings if reading.own and reading.text.where != "subject"]


def letter_wallets(readings: Iterable[Reading], wallets: Iterable[Wallets]) -> list[Wallet]:
    """The payment addresses that the author names, whose checksums hold; wallets are those of each reading."""
    found = zip(readings, wallets, strict=True)
    return [wallet for reading, seen in found if reading.own for wallet in seen.wallets if wallet.valid]


def _sums(demand: Demand) -> Iterable[Signal]:
    if demand.amount is not None:
        yield Signal("demand.amount", "text", f"{demand.amount} {demand.currency or ''}".strip())
    if demand.deadline_hours is not None:
        yield Signal("deadline.time", "text", f"{demand.deadline_hours} h")


def _action(score: float, policy: Policy) -> Action:
    """Where quarantine is decided; a letter in person may be spared, and lists of senders have the last word."""
    if score >= policy.quarantine_at and policy.quarantine:
        return "quarantine"
    return "tag" if score >= policy.tag_at else "accept"


def _as_listed(verdict: Verdict, listed: Listed, policy: Policy) -> Verdict:
    """The verdict on a mail whose author is allowed or blocked; score and reasons stay."""
    if listed.listing == "block":
        least: Action = "quarantine" if policy.quarantine else "tag"
        action = least if verdict.action in ("accept", "tag") else verdict.action
        note = f"{listed.author} is on a block list"
    elif not verdict.flagged:
        return verdict
    elif listed.doubt:
        note = f"{listed.author} is on an allow list, which does not count here: {listed.doubt}"
        return replace(verdict, notes=(*verdict.notes, note))
    else:
        action = "accept"
        note = f"{listed.author} is on an allow list: passed with a score of {verdict.score:g}"
    reason = RuleMatch(f"policy.{listed.listing}", "policy", 0.0, "header", listed.author)
    return replace(verdict, action=action, reasons=(*verdict.reasons, reason), notes=(*verdict.notes, note))


def _language(judgement: Judgement, action: Action, readings: list[Reading]) -> str | None:
    """That of the rules for extortion; else that of the longest text, since stray words prove little."""
    longest = max((r.normal.folded for r in readings), key=len, default="")
    return judgement.language if action != "accept" else guess(longest) or judgement.language


def _reasons(evidence: Iterable[Evidence], readings: list[Reading], signals: list[Signal]) -> tuple[RuleMatch, ...]:
    by_name = {signal.name: signal for signal in reversed(signals)}
    excerpts = [Excerpts(reading.normal.plain) for reading in readings]
    return tuple(
        _signs_reason(one, by_name) if one.found is None else _words_reason(one, one.found, readings, excerpts)
        for one in evidence
    )


def _signs_reason(one: Evidence, signals: dict[str, Signal]) -> RuleMatch:
    """A rule that is concluded from signs; the first sign that it names shows it."""
    rule = one.rule
    sign = next((signals[name] for name in named(rule.when or rule.id) if name in signals), Signal(rule.id, "text"))
    return RuleMatch(rule.id, rule.group, round(one.score, 2), sign.where, sign.excerpt)


def _words_reason(one: Evidence, found: Found, readings: list[Reading], excerpts: list[Excerpts]) -> RuleMatch:
    reading = readings[found.text]
    words = mask_secrets(excerpts[found.text].at(*characters(reading.normal.folded, found.hit.span)))
    return RuleMatch(one.rule.id, one.rule.group, round(one.score, 2), reading.text.where, words)


def characters(folded: str, span: tuple[int, int]) -> tuple[int, int]:
    """A span in bytes of the folded text → the same in characters."""
    if folded.isascii():
        return span
    data = folded.encode()
    return len(data[: span[0]].decode()), len(data[: span[1]].decode())
