"""The tables, the same in both databases. migrations/ brings a database to this state; a test holds the two together.

Encrypted columns are LargeBinary (see `SEALED`); all others stand in the clear, since filters look at them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

_ESCAPED = re.compile(r"[\\\x00\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(\\|u[0-9a-f]{4})")


class Utc(TypeDecorator[datetime]):
    """A time with its zone; kept in UTC, since SQLite knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Into the database."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Out of the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text that strangers wrote: broken UTF-8 (PEP 383) and NUL, which databases refuse, come back as they were."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Into the database."""
        return _ESCAPED.sub(_escaped, value) if value else value

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        """Out of the database."""
        return _ESCAPE.sub(_unescaped, value) if value and "\\" in value else value


def _escaped(found: re.Match[str]) -> str:
    return "\\\\" if found[0] == "\\" else f"\\u{ord(found[0]):04x}"


def _unescaped(found: re.Match[str]) -> str:
    return "\\" if found[1] == "\\" else chr(int(found[1][1:], 16))


def words(name: str, default: str = "") -> Column[str]:
    """A column of text that is never null."""
    return Column(name, Words, nullable=False, default=default)


metadata = MetaData()

mails = Table(
    "mails",
    metadata,
    Column("id", Words, primary_key=True),
    Column("received", Utc, nullable=False),
    Column("state", String(9), nullable=False),
    # As given, and as addresses are compared: see rows.address_key.
    words("mail_from"),
    words("mail_from_key"),
    words("client_addr"),
    words("client_name"),
    words("helo_name"),
    words("queue_id"),
    Column("authenticated", Boolean, nullable=False, default=False),
    words("author"),
    Column("kind", String(32)),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    words("note"),
    # Who is releasing it: a secret token, the process, and until when others respect it.
    Column("claim", String(32)),
    words("claimed_by"),
    words("claim_owner"),
    Column("claim_until", Utc),
    Column("handing_over", Boolean, nullable=False, default=False),
    Column("key_id", String(8), nullable=False, default=""),
    Column("author_name", LargeBinary),
    Column("subject", LargeBinary),
    Column("verdict", LargeBinary),
    CheckConstraint("state IN ('held', 'releasing', 'released', 'deleted', 'expired')", name="mails_known_state"),
    Index("mails_newest", "received", "id"),
    Index("mails_by_state", "state", "received"),
    Index("mails_by_hash", "sha256"),
    Index("mails_by_author", "author"),
    Index("mails_by_sender", "mail_from_key"),
    Index("mails_by_key", "key_id"),
)

# Apart from its mail, so that lists and changes of state need not pass megabytes.
contents = Table(
    "contents",
    metadata,
    Column("id", Words, ForeignKey("mails.id"), primary_key=True),
    Column("key_id", String(8), nullable=False, default=""),
    Column("raw", LargeBinary, nullable=False),
    Index("contents_by_key", "key_id"),
)

recipients = Table(
    "recipients",
    metadata,
    Column("mail_id", Words, ForeignKey("mails.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    words("address"),
    words("address_key"),
    Column("released_at", Utc),
    words("released_by"),
    Column("requested_at", Utc),
    Column("uncertain", Boolean, nullable=False, default=False),
    words("refusal"),
    Column("claim", String(32)),
    Index("recipients_by_address", "address_key"),
)

mail_rules = Table(
    "mail_rules",
    metadata,
    Column("mail_id", Words, ForeignKey("mails.id"), primary_key=True),
    Column("rule", Words, primary_key=True),
    Index("mail_rules_by_rule", "rule"),
)

mail_wallets = Table(
    "mail_wallets",
    metadata,
    Column("mail_id", Words, ForeignKey("mails.id"), primary_key=True),
    Column("address", Words, primary_key=True),
    words("currency"),
    Index("mail_wallets_by_address", "address"),
)

senders = Table(
    "senders",
    metadata,
    Column("scope", Words, primary_key=True),
    Column("sender", Words, primary_key=True),
    Column("listing", String(5), nullable=False),
    words("added_by"),
    Column("added_at", Utc, nullable=False),
    CheckConstraint("listing IN ('allow', 'block')", name="senders_known_listing"),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("state", String(9), nullable=False),
    Column("first_seen", Utc, nullable=False),
    Column("last_seen", Utc, nullable=False),
    # Counted as they come: they stay when mails are wiped. Of unproven mails nothing shows who wrote them.
    Column("mails", Integer, nullable=False, default=0),
    Column("unproven", Integer, nullable=False, default=0),
    Column("recipients", Integer, nullable=False, default=0),
    Column("kind", String(32)),
    words("decided_by"),
    Column("decided_at", Utc),
    # 0 until something was decided, then higher with each change that others have to know.
    Column("revision", Integer, nullable=False, default=0),
    Column("signature", LargeBinary),
    Column("key_id", String(8), nullable=False, default=""),
    Column("template", LargeBinary),
    # Keeps the digests of recipients from being guessed.
    Column("salt", LargeBinary),
    CheckConstraint("state IN ('suspected', 'confirmed', 'harmless')", name="campaigns_known_state"),
    Index("campaigns_newest", "last_seen", "id"),
    Index("campaigns_by_revision", "revision"),
    Index("campaigns_by_key", "key_id"),
)

# What a letter is looked up by: see milter.signals.template.
campaign_bands = Table(
    "campaign_bands",
    metadata,
    Column("band", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), primary_key=True, autoincrement=False),
)

campaign_wallets = Table(
    "campaign_wallets",
    metadata,
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), primary_key=True, autoincrement=False),
    Column("address", Words, primary_key=True),
    words("currency"),
    Index("campaign_wallets_by_address", "address"),
)

# To count each recipient once without saying who it is.
campaign_recipients = Table(
    "campaign_recipients",
    metadata,
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), primary_key=True, autoincrement=False),
    Column("digest", String(32), primary_key=True),
    Column("seen", Utc, nullable=False),
    Index("campaign_recipients_by_time", "seen"),
)

campaign_mails = Table(
    "campaign_mails",
    metadata,
    Column("mail_id", Words, ForeignKey("mails.id"), primary_key=True),
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), nullable=False),
    Index("campaign_mails_by_campaign", "campaign_id"),
)

# What was told to whom: the period for which it was sent last, and the time of arrival up to which mails were told of.
mailings = Table(
    "mailings",
    metadata,
    Column("recipient", Words, primary_key=True),
    Column("purpose", Words, primary_key=True),
    words("period"),
    Column("claimed_at", Utc, nullable=False),
    Column("told_until", Utc),
    Index("mailings_by_time", "claimed_at"),
)

# Triggers refuse to change or remove an entry.
audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Utc, nullable=False),
    words("actor"),
    words("action"),
    Column("mail_id", Words),
    words("detail"),
    Index("audit_by_mail", "mail_id"),
    Index("audit_by_time", "at"),
    sqlite_autoincrement=True,
)


class Sealed(NamedTuple):
    """The encrypted columns of a table, whose rows are named by `id` and say in `key_id` which key they need."""

    table: Table
    columns: tuple[str, ...]


SEALED = (
    Sealed(mails, ("author_name", "subject", "verdict")),
    Sealed(contents, ("raw",)),
    Sealed(campaigns, ("template", "salt")),
)
