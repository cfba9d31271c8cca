"""Settings: declared once, in this package, with their defaults and reasons; read from YAML by `load`."""

from __future__ import annotations

import os
import re
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, ValidationInfo, field_validator, model_validator

from milter.addresses import normal_pattern
from milter.config.base import AddressOrDomain, Network, OffIsAWord, Section
from milter.config.endpoints import (
    Address,
    Endpoint,
    EndpointField,
    LmtpNextHop,
    MaildirNextHop,
    NextHopsField,
    SmtpNextHop,
    SomeNextHop,
    UnixAddress,
    address_of_host,
)
from milter.config.policy import Notice, Policy, PolicyPart, inherited
from milter.config.quarantine import Digest, Store, Web
from milter.config.senders import Arc, Dns
from milter.config.transport import Metrics, NextHopAuth, Tls, TlsLevel
from milter.yamlfile import fault, read_yaml, validate

__all__ = [
    "Address",
    "Arc",
    "Config",
    "Digest",
    "Dns",
    "Endpoint",
    "LmtpNextHop",
    "MaildirNextHop",
    "Metrics",
    "NextHopAuth",
    "Notice",
    "Policy",
    "PolicyPart",
    "SmtpNextHop",
    "SomeNextHop",
    "Store",
    "Tls",
    "TlsLevel",
    "UnixAddress",
    "Web",
    "address_of_host",
    "inherited",
    "load",
    "worker_count",
]


class Config(Section):
    """All settings of one server."""

    listen: EndpointField | None = Field(
        Address(host="127.0.0.1", port=10025),
        description="Where mail comes in by SMTP: host:port or unix:/PATH; null: nowhere.",
    )
    lmtp: EndpointField | None = Field(
        None, description="Where mail comes in by LMTP: host:port or unix:/PATH; null: nowhere."
    )
    milter: EndpointField | None = Field(
        None, description="Where Postfix calls by the milter protocol: host:port or unix:/PATH; null: nowhere."
    )
    socket_mode: str = Field("0660", description="Access to the Unix sockets that we listen on, in quotes.")
    tls: Tls | None = Field(None, description="Certificate and key for STARTTLS; unset: it is not offered.")
    next_hop: NextHopsField = Field(
        (MaildirNextHop(path=Path("mail")),),
        description="Where mail goes: smtp://host:port, lmtp://host:port, smtp+unix:PATH, lmtp+unix:PATH or"
        " maildir:PATH; of several the first one that answers.",
    )
    next_hop_tls: Annotated[TlsLevel, OffIsAWord] = Field(
        "opportunistic", description="TLS to the next hop: off, opportunistic (never on loopback), encrypt or verify."
    )
    next_hop_ca_file: Path | None = Field(
        None, description="Certificates that next_hop_tls: verify believes; default: the system's."
    )
    next_hop_auth: NextHopAuth | None = Field(None, description="Log in to the next hop; by TLS or on loopback only.")
    mode: Literal["filter", "monitor"] = Field(
        "filter", description="monitor: judge and log only; nothing is kept back, refused or changed."
    )
    monitor_headers: bool = Field(True, description="Whether mail gets its X-Blackmail fields in monitor mode, too.")
    store: Store = Field(default_factory=Store, description="Where quarantined mail is kept.")
    digest: Digest = Field(default_factory=Digest, description="What is told of quarantined mail.")
    web: Web = Field(default_factory=Web, description="The page behind the links of a digest.")
    trusted_clients: tuple[Network, ...] = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Who may send through the filter and use XFORWARD and XCLIENT.",
    )
    proxy_protocol: tuple[Network, ...] = Field(
        (), description="Load balancers that name the real client by the PROXY protocol before all else."
    )
    hostname: str = Field(default_factory=socket.getfqdn, description="Our name in the greeting and in Received.")
    authserv_id: str | None = Field(None, description="Our name in Authentication-Results; default: hostname.")
    own_domains: tuple[str, ...] = Field(
        (), description="Domains that are ours: forged or look-alike senders of these are a signal."
    )
    trust_authentication_results: tuple[str, ...] = Field(
        (), description="authserv-ids of our own border servers, whose results are taken."
    )
    trusted_sealers: tuple[str, ...] = Field((), description="ARC sealers (d=) whose chain is believed.")
    verify_senders: bool = Field(True, description="Check SPF, DKIM, DMARC and ARC.")
    arc: Arc | None = Field(None, description="Seal inspected mail by ARC; unset: not at all.")
    dns: Dns = Field(default_factory=Dns, description="Name look-ups for the sender checks.")
    rules: tuple[Path, ...] = Field((), description="Folders or files with own rules, beside the shipped ones.")
    shipped_rules: bool = Field(True, description="Use the rules that come with the package.")
    country: str | None = Field(
        None,
        description="Where recipients live (ISO 3166, DE), for reporting points; default: by domain, then language.",
    )
    reporting: Path | None = Field(None, description="Own file of reporting points instead of the shipped one.")
    policy: Policy = Field(default_factory=Policy, description="Thresholds and actions.")
    policies: dict[AddressOrDomain, PolicyPart] = Field(
        {}, description="What is different for an address, a domain, or all below one (.example.org)."
    )
    on_error: Literal["accept", "tempfail"] = Field(
        "accept", description="A fault of the scanner: deliver unchecked, or 451."
    )
    inspect: bool = Field(True, description="Off: a plain relay that adds no verdict; to find out who is slow.")
    inspect_timeout: float = Field(
        30.0, gt=0, description="Seconds for inspecting one mail; more is a fault of the scanner."
    )
    max_text: int = Field(
        262_144,
        ge=4096,
        description="Bytes of each text that are read from its beginning, and a quarter as many from its end.",
    )
    max_size: int = Field(52_428_800, ge=65_536, description="Bytes of a mail; a larger one gets 552 5.3.4.")
    max_connections: int = Field(200, ge=1, description="Sessions at once in one worker; more get 421.")
    max_connections_per_client: int | None = Field(
        None, ge=1, description="Sessions at once of one client in one worker; more get 421; null: max_connections."
    )
    max_memory: int = Field(
        536_870_912, ge=65_536, description="Bytes of all mails in one worker together; more get 452 4.3.1."
    )
    max_recipients: int = Field(1000, ge=100, description="Recipients of a mail; more get 452 (RFC 5321 §4.5.3.1.8).")
    command_timeout: float = Field(300.0, gt=0, description="Seconds to wait for the client (RFC 5321 §4.5.3.2.7).")
    data_timeout: float = Field(
        180.0, gt=0, description="Seconds to wait for the next piece of a message (RFC 5321 §4.5.3.2.5)."
    )
    next_hop_timeout: float = Field(60.0, gt=0, description="Seconds to wait for the next hop; below Postfix's 100 s.")
    stop_timeout: float = Field(60.0, gt=0, description="Seconds for mail that is under way when the server stops.")
    log_addresses: Literal["full", "hashed", "domain"] = Field(
        "full", description="How addresses of senders and recipients stand in the log."
    )
    log_format: Literal["human", "json"] = Field("human", description="One line a mail, for people or for programs.")
    log_to: Literal["stderr", "journal", "syslog"] = Field("stderr", description="Where the log goes.")
    metrics: Metrics = Field(default_factory=Metrics, description="What monitoring asks for.")
    workers: PositiveInt | Literal["auto"] = Field(1, description="Processes that share the port; auto: one a core.")
    cache_dir: Path | None = Field(None, description="Where compiled rules are kept; default: the user's cache folder.")

    @field_validator("socket_mode", mode="before")
    @classmethod
    def in_octal(cls, mode: Any) -> Any:
        # YAML reads a bare 0660 as the number 432.
        if not isinstance(mode, str) or not re.fullmatch("0?[0-7]{3}", mode):
            raise ValueError('must be three octal digits in quotes, such as "0660"')
        return mode

    @field_validator("country", mode="before")
    @classmethod
    def two_letters(cls, country: Any) -> Any:
        if country is not None and not (isinstance(country, str) and re.fullmatch("[A-Z]{2}", country)):
            raise ValueError("must be two capital letters, such as DE; in quotes if YAML takes them for a word (NO)")
        return country

    @field_validator("policies", mode="before")
    @classmethod
    def named_once(cls, policies: Any) -> Any:
        seen: dict[str, str] = {}
        for name in policies if isinstance(policies, dict) else ():
            try:
                first = seen.setdefault(normal_pattern(str(name)), name)
            except ValueError:
                continue  # reported as a key
            if first != name:
                raise fault(f"is the same as '{first}'", name)
        return policies

    @field_validator("policies")
    @classmethod
    def thresholds_in_order(cls, policies: dict[str, PolicyPart], info: ValidationInfo) -> dict[str, PolicyPart]:
        for name in policies if "policy" in info.data else ():
            policy = inherited(info.data["policy"], policies, name)
            if policy.quarantine_at < policy.tag_at:
                raise fault(
                    f"quarantine_at ({policy.quarantine_at:g}) must not be below tag_at ({policy.tag_at:g}),"
                    " inherited ones included",
                    name,
                )
        return policies

    @model_validator(mode="after")
    def listens_somewhere(self) -> Self:
        if not (self.listen or self.lmtp or self.milter):
            raise ValueError("listen, lmtp and milter must not all be null")
        return self

    @model_validator(mode="after")
    def listens_apart(self) -> Self:
        first: dict[Endpoint, str] = {}
        for name, address in self.addresses.items():
            if not isinstance(address, Address) or address.port:
                other = first.setdefault(address, name)
                if other != name:
                    raise fault(f"{address} is the address of {other} already; choose another one", *name.split("."))
        for hop in self.next_hop:
            if not isinstance(hop, MaildirNextHop) and hop.address in first:
                message = f"{hop.address} is where the filter itself listens; name the server behind it"
                raise fault(message, "next_hop")
        return self

    @model_validator(mode="after")
    def fits_in_memory(self) -> Self:
        if self.max_memory < self.max_size:
            raise ValueError("max_memory must not be below max_size: a mail of that size would never be taken")
        return self

    @model_validator(mode="after")
    def can_notify(self) -> Self:
        if self._notifies and not self.digest.author:
            raise ValueError("personal_case: notify needs digest.command_address or digest.from_address")
        if self._notifies and self.milter:
            raise ValueError("personal_case: notify does not go with milter: nobody is told of what Postfix holds")
        return self

    @property
    def addresses(self) -> dict[str, Endpoint]:
        """Where the server listens, by the key that says so."""
        asked = {
            "listen": self.listen,
            "lmtp": self.lmtp,
            "milter": self.milter,
            "web.listen": self.web.listen,
            "metrics.listen": self.metrics.listen,
        }
        return {key: address for key, address in asked.items() if address}

    @property
    def _notifies(self) -> bool:
        return any(part.personal_case == "notify" for part in (self.policy, *self.policies.values()))

    @property
    def tells_at_once(self) -> bool:
        """Whether anybody is told of a mail soon after it was quarantined."""
        return self.digest.notice_at_once or self._notifies

    @property
    def acts(self) -> bool:
        """Whether a verdict changes what becomes of a mail."""
        return self.inspect and self.mode == "filter"

    @property
    def quarantines(self) -> bool:
        """Whether mail to anybody may be quarantined."""
        return self.policy.quarantine or any(part.quarantine for part in self.policies.values())

    @property
    def server_id(self) -> str:
        """The authserv-id that our Authentication-Results carry (RFC 8601 §2.5)."""
        return self.authserv_id or self.hostname


def load(path: Path | None) -> Config:
    """Settings from a YAML file; the defaults without one. Raises ConfigError."""
    if path is None:
        return Config()
    return validate(Config, read_yaml(path))


def worker_count(config: Config) -> int:
    """How many processes to run: as configured, or one for each core that we may use."""
    return len(os.sched_getaffinity(0)) if config.workers == "auto" else config.workers
