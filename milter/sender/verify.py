"""Everything about the sender of one mail: `authenticate` with the DNS, `offline` without."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING

from milter.content.headers import Headers
from milter.model import Authentication, Envelope
from milter.sender.spoof import find_spoofs

if TYPE_CHECKING:
    from milter.config import Config
    from milter.sender.dns import Lookup


async def authenticate(
    raw: bytes,
    envelope: Envelope,
    headers: Headers,
    *,
    resolver: Lookup,
    settings: Config,
    executor: Executor | None = None,
) -> Authentication:
    """Check who sent a mail (bytes as received), all checks at once, within settings.dns.timeout; never raises.

    What is not known by then is temperror. executor: where large bodies are hashed; None is the loop's own.
    """
    from milter.sender.checks import check_all  # noqa: PLC0415  without the DNS none of its libraries is needed

    found = await check_all(raw, envelope, headers, resolver=resolver, settings=settings, executor=executor)
    spoofs = find_spoofs(envelope, headers, own_domains=settings.own_domains, authenticated=found.authenticated)
    return Authentication(
        spf=found.spf,
        dkim=found.dkim,
        dmarc=found.dmarc,
        arc=found.arc,
        spoof=spoofs,
        results=found.text,
        author_proven=found.authenticated,
    )


def offline(envelope: Envelope, headers: Headers, *, own_domains: tuple[str, ...]) -> Authentication:
    """What the headers alone tell: no result, but the spoofs that need no DNS."""
    return Authentication(spoof=find_spoofs(envelope, headers, own_domains=own_domains))
