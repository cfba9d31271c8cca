"""DMARC (RFC 9989): the tree walk, the organisational domain, alignment, and the policy that follows."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from milter.model import AuthResult
from milter.sender.dmarc_record import WHILE_TESTING, DmarcRecord, parse_record
from milter.sender.dns import Answer, DnsError, Lookup
from milter.sender.domains import is_within
from milter.sender.results import DkimResult, DmarcResult, Policy, SpfResult

# §4.10: at most eight queries a walk.
MAX_LABELS = 8


@dataclass(frozen=True, slots=True)
class Walk:
    """The valid records found at a domain and above, the longest name first; complete is False if the DNS failed."""

    start: str
    records: tuple[tuple[str, DmarcRecord], ...]
    complete: bool = True

    @property
    def organisational(self) -> str:
        """The organisational domain of the start (§4.10.2)."""
        for domain, record in self.records:
            if record.psd == "n":
                return domain
            if record.psd == "y" and domain != self.start:
                return ".".join(self.start.split(".")[-len(domain.split(".")) - 1 :])
        return self.records[-1][0] if self.records else self.start

    @property
    def applicable(self) -> tuple[str, DmarcRecord] | None:
        """The record that holds for the start: its own, its organisation's, or its public suffix's (§4.10.1)."""
        found = dict(self.records)
        organisational = self.organisational
        for domain in (self.start, organisational, organisational.partition(".")[2]):
            if domain in found:
                return domain, found[domain]
        return None


async def walk_tree(domain: str, resolver: Lookup) -> Walk:
    """Collect the DMARC records of a domain and the names above it (§4.10), all asked for at once."""
    labels = domain.split(".")
    targets = [domain, *(".".join(labels[-count:]) for count in range(min(len(labels), MAX_LABELS) - 1, 0, -1))]
    answers = await asyncio.gather(*(_ask(target, resolver) for target in targets))
    records: list[tuple[str, DmarcRecord]] = []
    for target, answer in zip(targets, answers, strict=True):
        if answer is None:
            return Walk(domain, tuple(records), complete=False)
        texts = (record.decode("latin-1") for record in answer.records if isinstance(record, bytes))
        found = [record for record in map(parse_record, texts) if record]
        if len(found) == 1:
            records.append((target, found[0]))
            if found[0].psd != "u":
                break
    return Walk(domain, tuple(records))


async def _ask(domain: str, resolver: Lookup) -> Answer | None:
    try:
        return await resolver.query(f"_dmarc.{domain}", "TXT")
    except DnsError:
        return None


async def check_dmarc(
    author_domain: str | None,
    spf: Collection[SpfResult],
    dkim: Collection[DkimResult],
    *,
    resolver: Lookup,
) -> DmarcResult:
    """Judge the author's domain by what SPF and DKIM found; None: the mail has not exactly one (§5.3.1)."""
    if author_domain is None:
        return DmarcResult("permerror")
    walk = await walk_tree(author_domain, resolver)
    applicable = walk.applicable
    if not walk.complete and (applicable is None or applicable[0] != author_domain):
        return DmarcResult("temperror", author_domain)
    if applicable is None or not applicable[1].usable:
        return DmarcResult("none", author_domain)
    word = await _judge(walk, applicable[1], spf, dkim, resolver)
    if word != "fail":
        return DmarcResult(word, author_domain)
    try:
        return DmarcResult(word, author_domain, await _policy(author_domain, *applicable, resolver))
    except DnsError:
        return DmarcResult("temperror", author_domain)


async def _judge(
    walk: Walk, record: DmarcRecord, spf: Collection[SpfResult], dkim: Collection[DkimResult], resolver: Lookup
) -> AuthResult:
    # HELO counts only in the place of a null MAIL FROM (§3.2.3).
    paths = [one for one in spf if one.identity == "mailfrom"] or spf
    identifiers = [
        *((one.result, one.domain, record.strict_spf) for one in paths),
        *((one.result, one.domain, record.strict_dkim) for one in dkim),
    ]
    words = await asyncio.gather(
        *(
            _contribution(result, domain, strict, walk, resolver)
            for result, domain, strict in identifiers
            if result in ("pass", "temperror") and domain
        )
    )
    return "pass" if "pass" in words else "temperror" if "temperror" in words else "fail"


async def _contribution(result: AuthResult, domain: str, strict: bool, author: Walk, resolver: Lookup) -> AuthResult:
    """What one authenticated identifier brings: its result if it is aligned (§4.4, §4.10.2), else fail."""
    if domain == author.start:
        return result
    if strict or (author.complete and not is_within(domain, author.organisational)):
        return "fail"
    walk = await walk_tree(domain, resolver)
    if not (author.complete and walk.complete):
        return "temperror"
    return result if walk.organisational == author.organisational else "fail"


async def _policy(author_domain: str, domain: str, record: DmarcRecord, resolver: Lookup) -> Policy:
    """What the owner asks for mail that fails, after sp, np and t (§4.7, §4.10.1); raises DnsError."""
    policy = record.policy
    if domain != author_domain:
        policy = record.subdomain_policy
        if record.nonexistent_policy != policy and not (await resolver.query(author_domain, "TXT")).exists:
            policy = record.nonexistent_policy
    return WHILE_TESTING[policy] if record.testing else policy
