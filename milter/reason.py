"""One plain sentence from a verdict, for header, log and table. Every clause stems from a rule that holds."""

from __future__ import annotations

from milter.model import Demand, Verdict, Wallet

CLAIMS = {
    "claim.recorded": "claims to have filmed you through the camera",
    "claim.pleasure": "claims to have seen you in private moments",
    "claim.images": "claims to hold intimate pictures of you",
    "claim.porn": "claims that you visited adult sites",
    "claim.illegal": "accuses you of a sexual offence",
    "claim.hired": "claims to have been hired against you",
    "claim.database": "claims to have copied your site's or company's data",
    "claim.malware": "claims to have put malware on your device",
    "claim.hacked": "claims to have hacked your device or account",
    "claim.password": "claims to know your password",
    "claim.data_copied": "claims to have copied your contacts and files",
    "claim.watching": "claims to have watched you",
    "claim.own_account": "claims to write from your own account",
}
THREATS = {
    "threat.bomb": "threatens with a bomb",
    "threat.violence": "threatens you with violence",
    "threat.ddos": "threatens to attack your site or network",
    "threat.leak_data": "threatens to leak your data",
    "threat.reputation": "threatens your reputation online",
    "threat.arrest": "threatens you with arrest or prosecution",
    "threat.publish": "threatens to publish recordings of you",
    "threat.inform": "threatens to tell people who know you",
    "threat.ruin": "threatens to shame you",
    "threat.destroy": "threatens to lock or destroy your data",
    "threat.if_unpaid": "threatens harm if you do not pay",
}
SPOOFS = {
    "spoof.own_address": "your own address as sender is forged",
    "spoof.sender": "the sender is forged or hidden",
}
WAYS_TO_PAY = {"demand.gift_card": "gift cards or a transfer service", "demand.crypto": "cryptocurrency"}
COINS = {"BTC": "Bitcoin", "BCH": "Bitcoin Cash", "ETH": "Ethereum", "LTC": "Litecoin", "XMR": "Monero", "TRX": "Tron"}


def sentence(verdict: Verdict) -> str:
    """What the mail does, in at most five clauses; an unflagged mail gets a statement that nothing was found."""
    if not verdict.flagged:
        return "No extortion found."
    rules = [reason.rule for reason in verdict.reasons if reason.score > 0]
    clauses = [*_first(CLAIMS, rules), *_first(THREATS, rules), _asks(rules, verdict)]
    text = ", ".join(clause for clause in clauses if clause) or "shows several signs of extortion"
    forged = _first(SPOOFS, rules)
    if forged:
        text += "; " + forged[0]
    return text[0].upper() + text[1:] + "."


def _first(clauses: dict[str, str], rules: list[str]) -> list[str]:
    """The most telling clause: the tables are in that order."""
    return [clause for rule, clause in clauses.items() if rule in rules][:1]


def _asks(rules: list[str], verdict: Verdict) -> str:
    if not any(rule.startswith("demand.") and rule != "demand.implied" for rule in rules):
        return ""
    way = _way(rules, verdict.wallets, verdict.demand)
    parts = [_sum(verdict.demand), f"in {way}" if way else "", _time(verdict.demand)]
    return " ".join(["demands", *(part for part in parts if part)])


def _sum(demand: Demand) -> str:
    if demand.amount is None:
        return "money"
    whole, _, fraction = demand.amount.partition(".")
    return f"{int(whole or 0):,}{'.' + fraction if fraction else ''} {demand.currency or ''}".strip()


def _way(rules: list[str], wallets: tuple[Wallet, ...], demand: Demand) -> str:
    coins = [COINS.get(w.currency, w.currency) for w in wallets]
    if coins:
        return "" if demand.currency == wallets[0].currency else coins[0]
    found = _first(WAYS_TO_PAY, rules)
    return found[0] if found and demand.currency not in COINS else ""


def _time(demand: Demand) -> str:
    hours = demand.deadline_hours
    if hours is None:
        return ""
    if hours % 24 == 0 and hours > 72:
        return f"within {hours // 24} days"
    return f"within {hours} hours" if hours != 1 else "within an hour"
