"""What is counted, by prometheus-client; the files that its processes share are looked after by ended.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram

from milter.model import Fate, Kind, Refusal
from milter.observe.mail_line import Outcome
from milter.observe.stages import Stage, Stages

REPLIES = ("2xx", "4xx", "5xx", "none")
DnsResult = Literal["answer", "failure", "timeout"]
# More different ones are counted together: each costs memory here and at whoever keeps the figures.
MOST_RULES = 1000
# Seconds: from a mail of a line to one that waits for the DNS or for a next hop.
BUCKETS = (
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip


class Counts:
    """One object a process. Labels that are known have their zero from the beginning, so that the first one is seen."""

    def __init__(self) -> None:
        # No registry: what is shown is read from the files of all processes.
        mails = Counter("blackmail_mails", "Mails that are through, by what became of them.", ["action"], registry=None)
        would = Counter(
            "blackmail_mails_would", "What would have become of mails, in monitor mode.", ["action"], registry=None
        )
        kinds = Counter("blackmail_mail_kinds", "Flagged mails by kind of extortion.", ["kind"], registry=None)
        replies = Counter(
            "blackmail_next_hop_replies",
            "What the next hop said to mails; none: it broke off.",
            ["class"],
            registry=None,
        )
        stages = Histogram(
            "blackmail_stage_seconds",
            "Time that mails took by stage; total is from the end of DATA.",
            ["stage"],
            buckets=BUCKETS,
            registry=None,
        )
        refused = Counter("blackmail_sessions_refused", "Sessions refused, by reason.", ["reason"], registry=None)
        dns = Counter("blackmail_dns_questions", "Questions to the DNS by how they ended.", ["result"], registry=None)
        reloads = Counter("blackmail_reloads", "Reloads by SIGHUP.", ["result"], registry=None)
        self._mails = {fate: mails.labels(fate) for fate in get_args(Fate)}
        self._would = {fate: would.labels(fate) for fate in get_args(Fate)}
        self._kinds = {kind: kinds.labels(kind) for kind in get_args(Kind)}
        self._replies = {reply: replies.labels(reply) for reply in REPLIES}
        self._stages = {stage: stages.labels(stage) for stage in ("total", *get_args(Stage))}
        self._refused = {reason: refused.labels(reason.name.lower()) for reason in Refusal}
        self._dns = {result: dns.labels(result) for result in get_args(DnsResult)}
        self._reloads = {result: reloads.labels(result) for result in ("ok", "failed")}
        self._rules = Counter("blackmail_rule_matches", "Flagged mails by rules that hold.", ["rule"], registry=None)
        self._known_rules: set[str] = set()
        self._bytes = Counter("blackmail_mail_bytes", "Bytes of the mails that are through.", registry=None)
        self._faults = Counter("blackmail_faults", "Mails on which the scanner failed (on_error).", registry=None)
        self._hits = Counter("blackmail_dns_cache_hits", "Questions that were answered from memory.", registry=None)
        self._restarts = Counter("blackmail_worker_restarts", "Workers that died and were replaced.", registry=None)
        self._sessions = _gauge("blackmail_sessions", "Sessions that are open.")
        self._in_hand = _gauge("blackmail_mails_in_hand", "Mails received and not through.")
        self._held = _gauge("blackmail_bytes_in_hand", "Bytes of the mails in hand.")

    def mail(self, size: int, outcome: Outcome, seconds: float, stages: Stages) -> None:
        """A mail is through."""
        self._mails[outcome.fate].inc()
        self._bytes.inc(size)
        if outcome.would:
            self._would[outcome.would].inc()
        if "deliver" in stages:
            self._replies["none" if outcome.fate == "defer" else _class_of(outcome.reply.code)].inc()
        verdict = outcome.verdict
        if verdict and verdict.flagged:
            self._kinds[verdict.kind or "other"].inc()
            self._count_rules(dict.fromkeys(reason.rule for reason in verdict.reasons))
        self._stages["total"].observe(seconds)
        for stage, lasted in stages.items():
            self._stages[stage].observe(lasted)

    def _count_rules(self, rules: Iterable[str]) -> None:
        for rule in rules:
            if rule not in self._known_rules and len(self._known_rules) >= MOST_RULES:
                self._rules.labels("(others)").inc()
            else:
                self._known_rules.add(rule)
                self._rules.labels(rule).inc()

    def fault(self) -> None:
        """The scanner failed on a mail."""
        self._faults.inc()

    def sessions(self, count: int) -> None:
        """So many are open in this process now."""
        self._sessions.set(count)

    def refused(self, reason: Refusal) -> None:
        """A session was refused."""
        self._refused[reason].inc()

    def in_hand(self, mails: int, size: int) -> None:
        """So many mails, of so many bytes together, are on their way in this process now."""
        self._in_hand.set(mails)
        self._held.set(size)

    def dns(self, result: DnsResult) -> None:
        """A question to the DNS has ended."""
        self._dns[result].inc()

    def dns_cache_hit(self) -> None:
        """A question was answered from memory."""
        self._hits.inc()

    def restarted(self) -> None:
        """A worker died."""
        self._restarts.inc()

    def reloaded(self, *, ok: bool) -> None:
        """New settings came into force, or were refused."""
        self._reloads["ok" if ok else "failed"].inc()


def _gauge(name: str, text: str) -> Gauge:
    """Of what processes have now: that of those which are gone does not count."""
    return Gauge(name, text, multiprocess_mode="livesum", registry=None)


def _class_of(code: int) -> str:
    return {2: "2xx", 4: "4xx"}.get(code // 100, "5xx")
