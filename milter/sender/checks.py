"""All sender checks of one mail at once, within one deadline, and what they come to together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from milter.config import Config
from milter.content.headers import Headers
from milter.model import AuthResult, Envelope
from milter.sender.arc import check_arc
from milter.sender.authres import Upstream, read_upstream, write_results
from milter.sender.client import Client, find_client
from milter.sender.dkim import Runner, check_dkim
from milter.sender.dmarc import check_dmarc, walk_tree
from milter.sender.dns import Lookup, TimedLookup
from milter.sender.domains import organisational
from milter.sender.fields import RawMail, cut
from milter.sender.results import ArcResult, DkimResult, DmarcResult, SpfResult, best
from milter.sender.spf import check_spf
from milter.sender.spoof import mailboxes

# Bodies above this are hashed outside the event loop.
HASHED_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of all checks. authenticated: whether the author's domain is proven; None if that stays unknown."""

    spf: AuthResult
    dkim: AuthResult
    dmarc: AuthResult
    arc: AuthResult
    authenticated: bool | None
    text: str


async def check_all(
    raw: bytes,
    envelope: Envelope,
    headers: Headers,
    *,
    resolver: Lookup,
    settings: Config,
    executor: Executor | None = None,
) -> Findings:
    """Run every check that our border servers have not done; see verify.authenticate."""
    mail = cut(raw)
    client = find_client(envelope, mail.fields, settings.trusted_clients)
    upstream = read_upstream(client.above, settings.trust_authentication_results)
    author = author_domain(headers)
    until = asyncio.get_running_loop().time() + settings.dns.timeout
    timed = TimedLookup(resolver, until)
    run = _runner(mail, executor, until)
    spf, dkim, arc, _ = await asyncio.gather(
        _spf(envelope, client, upstream, timed, settings),
        _dkim(mail, upstream, timed, run),
        _arc(mail, upstream, timed, run, settings),
        _ahead(author, upstream, timed),
    )
    # By now its records are known, so DMARC judges even if the time is up.
    dmarc = upstream.dmarc or await check_dmarc(author, spf, dkim, resolver=timed)
    return Findings(
        spf=spf[0].result,
        dkim=best(dkim),
        dmarc=dmarc.result,
        arc=arc.result,
        authenticated=None if client.ours else is_proven(author, spf, dkim, dmarc, arc),
        text=write_results(spf, dkim, dmarc, arc),
    )


def author_domain(headers: Headers) -> str | None:
    """The one domain in From (RFC 9989 §5.3.1); None if there is none, or several."""
    domains = {box.domain for box in mailboxes(headers, "from")["from"]}
    return domains.pop() or None if len(domains) == 1 and len(headers.all("from")) == 1 else None


def is_proven(
    author: str | None,
    spf: tuple[SpfResult, ...],
    dkim: tuple[DkimResult, ...],
    dmarc: DmarcResult,
    arc: ArcResult,
) -> bool | None:
    """Whether the author's domain is proven: by DMARC, by a trusted sealer, or, without a policy, by alignment."""
    if "pass" in (dmarc.result, arc.vouched_dmarc):
        return True
    if dmarc.result != "none" or author is None:
        return None if dmarc.result == "temperror" else False
    organisation = organisational(author)
    checked: Sequence[SpfResult | DkimResult] = (*spf, *dkim)
    if any(one.result == "pass" and organisational(one.domain) == organisation for one in checked):
        return True
    return None if any(one.result == "temperror" for one in checked) else False


def _runner(mail: RawMail, executor: Executor | None, until: float) -> Runner:
    """Runs a function on the body at once if that is short, else where it holds nobody up."""

    async def run(function: Callable[[], bool]) -> bool:
        if len(mail.raw) - mail.body_at <= HASHED_AT_ONCE:
            return function()
        async with asyncio.timeout_at(until):
            return await asyncio.get_running_loop().run_in_executor(executor, function)

    return run


async def _spf(
    envelope: Envelope, client: Client, upstream: Upstream, resolver: Lookup, settings: Config
) -> tuple[SpfResult, ...]:
    if upstream.spf:
        return (upstream.spf,)
    return await check_spf(
        client.address, envelope.mail_from, client.helo, resolver=resolver, receiver=settings.hostname
    )


async def _dkim(mail: RawMail, upstream: Upstream, resolver: Lookup, run: Runner) -> tuple[DkimResult, ...]:
    return upstream.dkim or await check_dkim(mail, resolver=resolver, run=run)


async def _arc(mail: RawMail, upstream: Upstream, resolver: Lookup, run: Runner, settings: Config) -> ArcResult:
    return upstream.arc or await check_arc(mail, resolver=resolver, run=run, trusted=settings.trusted_sealers)


async def _ahead(author: str | None, upstream: Upstream, resolver: Lookup) -> None:
    """Ask for the DMARC records while the other checks run."""
    if author and not upstream.dmarc:
        await walk_tree(author, resolver)
