"""One plain sentence from a verdict, for header, log, table, notice and report: one source for all.

Every clause stems from a rule that holds.
"""

from __future__ import annotations

import re
from decimal import Decimal

from milter.i18n import Translator, msgid, translator
from milter.model import Demand, Kind, Verdict, Wallet

CLAIMS = {
    "claim.recorded": msgid("claims to have filmed you through the camera"),
    "claim.pleasure": msgid("claims to have seen you in private moments"),
    "claim.images": msgid("claims to hold intimate pictures of you"),
    "claim.porn": msgid("claims that you visited adult sites"),
    "claim.illegal": msgid("accuses you of a sexual offence"),
    "claim.hired": msgid("claims to have been hired against you"),
    "claim.database": msgid("claims to have copied your site's or company's data"),
    "claim.malware": msgid("claims to have put malware on your device"),
    "claim.hacked": msgid("claims to have hacked your device or account"),
    "claim.password": msgid("claims to know your password"),
    "claim.data_copied": msgid("claims to have copied your contacts and files"),
    "claim.watching": msgid("claims to have watched you"),
    "claim.own_account": msgid("claims to write from your own account"),
}
THREATS = {
    "threat.bomb": msgid("threatens with a bomb"),
    "threat.violence": msgid("threatens you with violence"),
    "threat.ddos": msgid("threatens to attack your site or network"),
    "threat.leak_data": msgid("threatens to leak your data"),
    "threat.reputation": msgid("threatens your reputation online"),
    "threat.arrest": msgid("threatens you with arrest or prosecution"),
    "threat.publish": msgid("threatens to publish recordings of you"),
    "threat.inform": msgid("threatens to tell people who know you"),
    "threat.ruin": msgid("threatens to shame you"),
    "threat.destroy": msgid("threatens to lock or destroy your data"),
    "threat.if_unpaid": msgid("threatens harm if you do not pay"),
}
SPOOFS = {
    "spoof.own_address": msgid("your own address as sender is forged"),
    "spoof.sender": msgid("the sender is forged or hidden"),
}
BLOCKED = {"policy.block": msgid("you or your administrator block this sender")}
WAYS_TO_PAY = {
    "demand.gift_card": msgid("in gift cards or a transfer service"),
    "demand.crypto": msgid("in cryptocurrency"),
}
COINS = {
    "BTC": msgid("Bitcoin"),
    "BCH": msgid("Bitcoin Cash"),
    "ETH": msgid("Ethereum"),
    "LTC": msgid("Litecoin"),
    "XMR": msgid("Monero"),
    "TRX": msgid("Tron"),
}
# The rules of rules/test.yaml.
TEST_RULES = frozenset({"threat.test", "demand.test"})
# Demands that ask for nothing in words.
UNWORDED = frozenset({"demand.implied", "demand.test"})
BLANKS = re.compile(" {2,}")
KINDS: dict[Kind, str] = {
    "sextortion": msgid("Blackmail with intimate recordings"),
    "hacked-device": msgid("Blackmail with an alleged hack"),
    "leaked-password": msgid("Blackmail with a leaked password"),
    "bomb": msgid("Bomb threat"),
    "violence": msgid("Threat of violence"),
    "ddos": msgid("Threat to attack a network"),
    "data-leak": msgid("Threat to publish data"),
    "fake-authority": msgid("Forged letter of an authority"),
    "reputation": msgid("Threat to a good name"),
    "other": msgid("Blackmail"),
}


def is_test(verdict: Verdict) -> bool:
    """Whether the test string is all that was found in a mail, apart from a sender that proves nothing.

    A letter of extortion with the test string in it is none.
    """
    rules = {reason.rule for reason in verdict.reasons if reason.score > 0 and not reason.rule.startswith("spoof.")}
    return bool(rules) and rules <= TEST_RULES and not verdict.wallets


def sentence(verdict: Verdict, language: str | None = "en") -> str:
    """What the mail does, in at most five clauses; an unflagged mail gets a statement that nothing was found."""
    words = translator(language)
    if not verdict.flagged:
        return words.gettext("No extortion found.")
    if is_test(verdict):
        return words.gettext(
            "This mail is a test of the mail filter and no crime: it holds the test string, and nothing else was found."
        )
    rules = [reason.rule for reason in verdict.reasons if reason.score > 0]
    does = [words.gettext(clause) for table in (CLAIMS, THREATS) for clause in _first(table, rules)]
    does += _asks(words, rules, verdict)
    blocked = [words.gettext(clause) for clause in _first(BLOCKED, [reason.rule for reason in verdict.reasons])]
    if not does and not blocked:
        does = [words.gettext("shows several signs of extortion")]
    forged = [words.gettext(clause) for clause in _first(SPOOFS, rules)]
    parts = [words.pgettext("between clauses", ", ").join(does), *forged, *blocked]
    text = words.pgettext("before the last clause", "; ").join(part for part in parts if part)
    return text[0].upper() + text[1:] + words.pgettext("end of the sentence", ".")


def kind_name(kind: Kind | None, language: str | None = "en") -> str:
    """What sort of extortion it is, in a few words."""
    name = KINDS[kind or "other"]
    return translator(language).gettext(name)


def heading(verdict: Verdict, language: str | None = "en") -> str:
    """What a flagged mail is called where people are told of it: its kind, or that it is a test."""
    return (
        translator(language).gettext("Test of the mail filter")
        if is_test(verdict)
        else kind_name(verdict.kind, language)
    )


def subject_tag(language: str | None = "en") -> str:
    """What stands before the subject of a flagged mail where the policy says so."""
    return translator(language).gettext("[Extortion?]")


def _first(clauses: dict[str, str], rules: list[str]) -> list[str]:
    """The most telling clause: the tables are in that order."""
    return [clause for rule, clause in clauses.items() if rule in rules][:1]


def _asks(words: Translator, rules: list[str], verdict: Verdict) -> list[str]:
    if not any(rule.startswith("demand.") and rule not in UNWORDED for rule in rules):
        return []
    parts = {
        "sum": demanded_sum(verdict.demand, words),
        "way": _way(words, rules, verdict.wallets, verdict.demand),
        "time": _time(words, verdict.demand),
    }
    text = words.gettext("demands {sum} {way} {time}").format(**parts)
    return [BLANKS.sub(" ", text).strip()]  # a part that is not known leaves its blank behind


def demanded_sum(demand: Demand, words: Translator) -> str:
    """The sum with its currency; "money" if none is named."""
    if demand.amount is None:
        return words.gettext("money")
    amount = Decimal(demand.amount)
    return words.money(amount, demand.currency) if demand.currency else words.number(amount)


def _way(words: Translator, rules: list[str], wallets: tuple[Wallet, ...], demand: Demand) -> str:
    if wallets:
        if demand.currency == wallets[0].currency:
            return ""
        currency = wallets[0].currency
        coin = words.gettext(COINS[currency]) if currency in COINS else currency
        return words.gettext("in {coin}").format(coin=coin)
    found = _first(WAYS_TO_PAY, rules)
    return words.gettext(found[0]) if found and demand.currency not in COINS else ""


def _time(words: Translator, demand: Demand) -> str:
    hours = demand.deadline_hours
    if hours is None:
        return ""
    if hours % 24 == 0 and hours > 72:
        days = hours // 24
        return words.ngettext("within {days} day", "within {days} days", days).format(days=words.number(days))
    return words.ngettext("within an hour", "within {hours} hours", hours).format(hours=words.number(hours))
