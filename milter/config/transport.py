"""How mail comes in and goes on: encryption, and who we are to the next hop."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from milter.config.base import Section
from milter.config.endpoints import AddressField

# As Postfix has it (smtp_tls_security_level): whether to encrypt, and whether the other side must prove its name.
TlsLevel = Literal["off", "opportunistic", "encrypt", "verify"]


class Tls(Section):
    """STARTTLS (RFC 3207) for clients of listen and lmtp; files are read again on SIGHUP."""

    certificate: Path = Field(description="File with our certificate and its chain in PEM form.")
    key: Path = Field(description="File with the private key in PEM form.")
    required: bool = Field(False, description="Take no mail without TLS; else it is offered.")


class NextHopAuth(Section):
    """Who we are to the next hop (RFC 4954)."""

    user: str = Field(description="Name to log in with.")
    password_file: Path = Field(description="File whose first line is the password.")


class Metrics(Section):
    """What monitoring asks for: /metrics for Prometheus, /healthz, /readyz."""

    listen: AddressField | None = Field(None, description="Where it answers by HTTP: host:port; null: nowhere.")
