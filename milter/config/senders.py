"""How senders are checked, and how what was seen is vouched for."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from milter.config.base import Section


class Dns(Section):
    """How SPF, DKIM, DMARC and ARC look things up."""

    servers: tuple[str, ...] = Field((), description="DNS servers; empty: those of /etc/resolv.conf.")
    timeout: float = Field(5.0, gt=0, le=60, description="Seconds for all sender checks of a mail together.")
    cache_size: int = Field(10_000, ge=0, description="Answers kept in memory; each for its own TTL.")


class Arc(Section):
    """The key that seals what we pass on (RFC 8617); its public half stands in the DNS."""

    domain: str = Field(description="The domain that vouches (d=).")
    selector: str = Field(description="Names the key below _domainkey.DOMAIN (s=).")
    key: Path = Field(description="File with the RSA private key in PEM form.")
