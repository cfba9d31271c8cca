"""SPF (RFC 7208) with pyspf, for MAIL FROM and HELO.

pyspf asks the DNS while it evaluates, and blocks. Here it is evaluated on the answers known so far, stops at the first
one that is missing, and is evaluated again once that has arrived: no thread is held while a slow server thinks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import spf

from milter.addresses import to_ascii
from milter.model import AuthResult
from milter.sender.dns import Answer, DnsError, Kind, Lookup, Record
from milter.sender.domains import domain_of
from milter.sender.results import SpfResult

# Longer terms are no domain names; pyspf needs quadratic time for them.
MAX_TERM = 512
# RFC 7208 §4.6.4 bounds the look-ups far below this.
MAX_ROUNDS = 200

Question = tuple[str, Kind]
Answers = Mapping[Question, Answer | None]


class _MissingError(Exception):
    """An answer that is not there yet."""


class _Evaluation(spf.query):  # type: ignore[misc]  # pyspf has no types
    """One evaluation on given answers; None among them is a failed look-up. missing tells what to ask next."""

    def __init__(self, client: str, sender: str, helo: str, receiver: str, answers: Answers) -> None:
        super().__init__(i=client, s=sender, h=helo, receiver=receiver)
        self.answers = answers
        self.missing: Question | None = None

    def dns(self, name: str, qtype: Kind, cnames: object = None, ignore_void: bool = False) -> list[object]:
        """Answer from what is known; counts void look-ups (RFC 7208 §4.6.4). cnames: the resolver follows them."""
        question = (name.rstrip(".").lower(), qtype)
        if not all(0 < len(label) < 64 for label in question[0].split(".")):
            return []
        if question not in self.answers:
            self.missing = self.missing or question
            raise _MissingError
        answer = self.answers[question]
        if answer is None:
            raise spf.TempError(f"DNS {qtype} {name}")
        if not answer.records and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("too many void look-ups")
        return [_for_pyspf(record) for record in answer.records]

    def get_explanation(self, spec: str) -> None:
        """Nobody reads exp=, so nothing is fetched for it."""


def _for_pyspf(record: Record) -> object:
    if not isinstance(record, bytes):
        return record
    if any(len(term) > MAX_TERM for term in record.split(b" ")) and record.lower().startswith(b"v=spf1"):
        raise spf.PermError("term too long")
    return (record,)


async def check_spf(
    client: str, mail_from: str, helo: str, *, resolver: Lookup, receiver: str = ""
) -> tuple[SpfResult, ...]:
    """SPF of MAIL FROM (of postmaster@HELO if that is null, RFC 7208 §2.4), then of HELO (§2.3).

    client: the address of the real client; "" makes all none.
    """
    host = to_ascii(helo) or ""
    domain = domain_of(mail_from) or ""
    asked = [SpfResult("none", domain)] if mail_from else []
    if host:
        asked.append(SpfResult("none", host, "helo"))
    if not client:
        return tuple(asked) or (SpfResult(),)
    senders = {"mailfrom": f"{mail_from.rpartition('@')[0]}@{domain}", "helo": ""}
    words = await asyncio.gather(
        *(evaluate(client, senders[one.identity], host, resolver, receiver) for one in asked if one.domain)
    )
    found = iter(words)
    return tuple(replace(one, result=next(found)) if one.domain else one for one in asked) or (SpfResult(),)


async def evaluate(client: str, sender: str, helo: str, resolver: Lookup, receiver: str = "") -> AuthResult:
    """One check_host() (RFC 7208 §4); sender "" stands for postmaster@helo."""
    answers: dict[Question, Answer | None] = {}
    for _ in range(MAX_ROUNDS):
        evaluation = _Evaluation(client, sender, helo, receiver, answers)
        try:
            word = cast(AuthResult, evaluation.check()[0])
        except _MissingError:
            word = "none"
        except (spf.PermError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
            # A record that even trips pyspf up is none that it can interpret (RFC 7208 §2.6.7).
            word = "permerror"
        if evaluation.missing is None:
            return word
        answers[evaluation.missing] = await _ask(evaluation.missing, resolver)
    return "permerror"


async def _ask(question: Question, resolver: Lookup) -> Answer | None:
    try:
        return await resolver.query(*question)
    except DnsError:
        return None
