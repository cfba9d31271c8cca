"""Quarantine: where mail is kept, and what is told of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from milter.addresses import to_ascii
from milter.config.base import AddressOrDomain, Section
from milter.config.endpoints import AddressField


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
        None, description="Where mails that release and report are taken in, by SMTP or LMTP."
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
