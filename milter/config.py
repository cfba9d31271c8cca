"""Settings: declared once, here, with their defaults and reasons; read from YAML by `load`."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from milter.addresses import names_of, normal_pattern, to_ascii, without_detail
from milter.model import Language, Listing
from milter.yamlfile import fault, read_yaml, validate

HOST_PORT = re.compile(r"^(?:\[(?P<ip6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]/]+)):(?P<port>\d{1,5})$")


class Address(BaseModel):
    """A TCP address; port 0 asks the kernel for a free one."""

    model_config = ConfigDict(frozen=True)
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(value: object) -> object:
    """Read "host:port" or "[ip6]:port"; anything else is for pydantic to refuse."""
    if not isinstance(value, str):
        return value
    found = HOST_PORT.match(value)
    if not found or int(found["port"]) > 65535:
        raise ValueError("write it as host:port, for instance 127.0.0.1:10025")
    return Address(host=found["ip6"] or found["host"], port=int(found["port"]))


class UnixAddress(BaseModel):
    """A Unix socket."""

    model_config = ConfigDict(frozen=True)
    path: Path

    def __str__(self) -> str:
        return str(self.path)


class SmtpNextHop(BaseModel):
    """Relay over SMTP."""

    model_config = ConfigDict(frozen=True)
    address: Address


class LmtpNextHop(BaseModel):
    """Delivery over LMTP (RFC 2033)."""

    model_config = ConfigDict(frozen=True)
    address: Address | UnixAddress


class MaildirNextHop(BaseModel):
    """Deliver into a Maildir; the default, so that a newcomer needs no mail server."""

    model_config = ConfigDict(frozen=True)
    path: Path


def parse_next_hop(value: object) -> object:
    """Read `smtp://host:port`, `lmtp://host:port`, `lmtp+unix:PATH` or `maildir:PATH`."""
    if not isinstance(value, str):
        return value
    scheme, _, rest = value.partition(":")
    if scheme == "smtp" and rest.startswith("//"):
        return SmtpNextHop(address=parse_address(rest[2:]))
    if scheme == "lmtp" and rest.startswith("//"):
        return LmtpNextHop(address=parse_address(rest[2:]))
    if scheme == "lmtp+unix" and rest:
        return LmtpNextHop(address=UnixAddress(path=Path(rest)))
    if scheme == "maildir" and rest:
        return MaildirNextHop(path=Path(rest))
    raise ValueError("write it as smtp://host:port, lmtp://host:port, lmtp+unix:PATH or maildir:PATH")


AddressField = Annotated[Address, BeforeValidator(parse_address)]
NextHopField = Annotated[SmtpNextHop | LmtpNextHop | MaildirNextHop, BeforeValidator(parse_next_hop)]
AddressOrDomain = Annotated[str, AfterValidator(normal_pattern)]
Notice = Literal["off", "add", "wrap"]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(lambda v: ip_network(v) if isinstance(v, str) else v)]


class Section(BaseModel):
    """Settings are closed: a key that is not declared here is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyPart(Section):
    """What is said of some recipients; what it leaves out, they inherit. Scores: docs/detection.md."""

    tag_at: float = Field(5.0, gt=0, description="Score from which a mail is tagged.")
    quarantine_at: float = Field(10.0, gt=0, description="Score from which a mail is quarantined, if that is on.")
    quarantine: bool = Field(
        False, description="Keep mail from quarantine_at on back; else it is tagged and delivered."
    )
    allow: frozenset[AddressOrDomain] = Field(
        frozenset(), description="Authors (addresses, domains) whose mail passes, if it is proven to be theirs."
    )
    block: frozenset[AddressOrDomain] = Field(
        frozenset(), description="Authors (addresses, domains) whose mail is kept back, or tagged without quarantine."
    )
    language: Language | None = Field(None, description="Of texts for the recipient; null: that of the mail.")
    subject_tag: bool = Field(False, description="Put a word of warning before the subject of flagged mail.")
    # YAML reads a bare off as false.
    notice: Annotated[Notice, BeforeValidator(lambda value: "off" if value is False else value)] = Field(
        "off", description="Put advice above flagged mail; wrap: attach mail that is signed or encrypted to the advice."
    )
    defang: bool = Field(False, description="Break payment addresses, links and pictures in flagged mail.")
    personal_case: Literal["deliver", "notify", "quarantine"] = Field(
        "deliver",
        description="Mail for quarantine that means this one reader: let through, kept and told of at once, or kept.",
    )
    # YAML reads a bare yes as true.
    self_release: Annotated[Literal["yes", "ask"], BeforeValidator(lambda value: "yes" if value is True else value)] = (
        Field("yes", description="Whether recipients release quarantined mail themselves, or ask for it.")
    )

    @model_validator(mode="after")
    def lists_apart(self) -> Self:
        if both := sorted(self.allow & self.block):
            raise ValueError(f"'{both[0]}' stands in allow and in block; leave it in one of them")
        return self


class Policy(PolicyPart):
    """What a score leads to, for one recipient or for all."""

    @model_validator(mode="after")
    def thresholds_in_order(self) -> Self:
        if self.quarantine_at < self.tag_at:
            raise ValueError("quarantine_at must not be below tag_at")
        return self

    def refined(self, part: PolicyPart) -> Policy:
        """This policy, with what a more specific one says: lists add up, all else is replaced."""
        return self.model_copy(
            update={
                **{name: getattr(part, name) for name in part.model_fields_set},
                "allow": part.allow | {author for author in self.allow if part.block.isdisjoint(names_of(author))},
                "block": part.block | {author for author in self.block if part.allow.isdisjoint(names_of(author))},
            }
        )

    def listing(self, author: str) -> Listing | None:
        """What the lists say of an author (see normal_address): the most specific entry decides."""
        for name in names_of(author):
            if name in self.block:
                return "block"
            if name in self.allow:
                return "allow"
        return None


def inherited(policy: Policy, parts: Mapping[str, PolicyPart], recipient: str) -> Policy:
    """The policy for a recipient (see normal_address): all < domains above (".org") < domain < address < detail."""
    names = [*names_of(recipient)]
    if (mailbox := without_detail(recipient)) != recipient:
        names.insert(1, mailbox)
    for name in reversed(names):
        if name in parts:
            policy = policy.refined(parts[name])
    return policy


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


class Store(Section):
    """Where quarantined mail is kept, with its verdicts, sender lists and audit log."""

    url: str = Field(
        "sqlite:///quarantine/store.sqlite",
        repr=False,
        description="The database: sqlite:///PATH, or postgresql://USER:PASSWORD@HOST/DATABASE for several nodes.",
    )
    key_file: Path = Field(Path("quarantine/key"), description="Keys that encrypt what is kept; made when missing.")
    encrypt: bool = Field(True, description="Encrypt mails, subjects, names and verdicts that are kept.")
    retention_days: int = Field(90, ge=0, description="Days after which a kept mail is wiped; 0: never.")
    remember_tagged: bool = Field(
        True, description="Learn campaigns from tagged mail, too, where the store exists; else from quarantined alone."
    )

    @field_validator("url")
    @classmethod
    def known_database(cls, url: str) -> str:
        # The value is not repeated: it may hold a password.
        if not re.match(r"sqlite:///(?!:memory:).|postgres(ql)?(\+psycopg)?://", url):
            raise ValueError("write it as sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
        return url

    @property
    def file(self) -> Path | None:
        """Where SQLite keeps it; None for a server."""
        path = self.url.removeprefix("sqlite:///")
        return Path(path) if path != self.url else None

    @property
    def exists(self) -> bool:
        """Whether anything can be in it; a file of SQLite is made when the first mail is kept."""
        return self.file is None or self.file.exists()


def parse_schedule(value: object) -> object:
    """YAML reads a bare 10:30 as the number 630 (sexagesimal)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value // 60:02}:{value % 60:02}"
    return value


def one_address(value: str) -> str:
    """A mail address with a domain. Raises ValueError."""
    local, at, domain = value.rpartition("@")
    if not (at and local and to_ascii(domain)) or re.search(r"[\s<>]", value):
        raise ValueError("write a mail address, for instance quarantine@example.org")
    return value


def web_root(value: str) -> str:
    """Where a path can be added. Raises ValueError."""
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise ValueError("write it as https://HOST/")
    return value.rstrip("/")


MailAddress = Annotated[str, AfterValidator(one_address)]


class Digest(Section):
    """What recipients and an administrator are told of quarantined mail, and how they answer."""

    schedule: Annotated[str | None, BeforeValidator(parse_schedule)] = Field(
        None,
        pattern=r"^(weekdays )?([01]\d|2[0-3]):[0-5]\d$",
        description="Local time of the daily digest (07:30), or of that on weekdays (weekdays 07:30); null: none.",
    )
    notice_at_once: bool = Field(False, description="Tell recipients of each quarantined mail within a minute, too.")
    from_address: MailAddress | None = Field(None, description="Author of our mails; null: command_address.")
    command_address: MailAddress | None = Field(
        None, description="Where mails that release and report are taken in; by SMTP only."
    )
    public_url: Annotated[str, AfterValidator(web_root)] | None = Field(
        None, description="Where recipients reach web.listen, https://HOST/; null: commands go by mail."
    )
    admin: MailAddress | None = Field(None, description="Who gets the digest of the whole quarantine; null: nobody.")
    exclude: frozenset[AddressOrDomain] = Field(
        frozenset(), description="Recipients (addresses, domains) that get none: lists, groups, robots."
    )
    valid_days: int = Field(14, ge=1, le=365, description="Days for which a link or command works.")

    @model_validator(mode="after")
    def has_author(self) -> Self:
        if (self.schedule or self.notice_at_once) and not self.author:
            raise ValueError("give from_address or command_address: mails need an author")
        return self

    @property
    def author(self) -> str | None:
        """The address in From."""
        return self.from_address or self.command_address


class Web(Section):
    """The page behind the links of a digest."""

    listen: AddressField | None = Field(None, description="Where it answers by HTTP: host:port; null: nowhere.")


class Config(Section):
    """All settings of one server."""

    listen: AddressField | None = Field(
        Address(host="127.0.0.1", port=10025), description="Where mail comes in by SMTP: host:port; null: nowhere."
    )
    milter: AddressField | None = Field(
        None, description="Where Postfix calls by the milter protocol: host:port; null: nowhere."
    )
    next_hop: NextHopField = Field(
        MaildirNextHop(path=Path("mail")),
        description="Where mail goes: smtp://host:port, lmtp://host:port, lmtp+unix:PATH or maildir:PATH.",
    )
    store: Store = Field(default_factory=Store, description="Where quarantined mail is kept.")
    digest: Digest = Field(default_factory=Digest, description="What is told of quarantined mail.")
    web: Web = Field(default_factory=Web, description="The page behind the links of a digest.")
    trusted_clients: tuple[Network, ...] = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Who may send through the filter and use XFORWARD.",
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
        pattern=r"^[A-Z]{2}$",
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
    max_recipients: int = Field(1000, ge=100, description="Recipients of a mail; more get 452 (RFC 5321 §4.5.3.1.8).")
    command_timeout: float = Field(300.0, gt=0, description="Seconds to wait for the client (RFC 5321 §4.5.3.2.7).")
    next_hop_timeout: float = Field(60.0, gt=0, description="Seconds to wait for the next hop; below Postfix's 100 s.")
    workers: int | Literal["auto"] = Field(1, description="Processes that share the port; auto: one a core.")
    cache_dir: Path | None = Field(None, description="Where compiled rules are kept; default: the user's cache folder.")

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
        if not (self.listen or self.milter):
            raise ValueError("listen and milter must not both be null")
        return self

    @model_validator(mode="after")
    def can_notify(self) -> Self:
        if self._notifies and not self.digest.author:
            raise ValueError("personal_case: notify needs digest.command_address or digest.from_address")
        if self._notifies and self.milter:
            raise ValueError("personal_case: notify does not go with milter: nobody is told of what Postfix holds")
        return self

    @property
    def _notifies(self) -> bool:
        return any(part.personal_case == "notify" for part in (self.policy, *self.policies.values()))

    @property
    def tells_at_once(self) -> bool:
        """Whether anybody is told of a mail soon after it was quarantined."""
        return self.digest.notice_at_once or self._notifies

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
    return len(os.sched_getaffinity(0)) if config.workers == "auto" else max(1, config.workers)
