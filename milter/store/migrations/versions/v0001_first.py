"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MAIL_ID = sa.Text
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create all tables, and make the audit log append-only."""
    _mails()
    _details()
    _senders()
    _campaigns()
    _audit()


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _campaign_id(*, primary_key: bool = True) -> sa.Column[int]:
    campaign = sa.ForeignKey("campaigns.id")
    return sa.Column("campaign_id", sa.Integer, campaign, primary_key=primary_key, nullable=False, autoincrement=False)


def _mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", MAIL_ID, primary_key=True),
        sa.Column("received", TIME, nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        *map(_words, ("mail_from", "mail_from_key", "client_addr", "client_name", "helo_name", "queue_id")),
        sa.Column("authenticated", sa.Boolean, nullable=False),
        _words("author"),
        sa.Column("kind", sa.String(32)),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        _words("note"),
        sa.Column("claim", sa.String(32)),
        _words("claimed_by"),
        _words("claim_owner"),
        sa.Column("claim_until", TIME),
        sa.Column("handing_over", sa.Boolean, nullable=False),
        sa.Column("key_id", sa.String(8), nullable=False),
        *(sa.Column(name, sa.LargeBinary) for name in ("author_name", "subject", "verdict")),
        sa.CheckConstraint("state IN ('held', 'releasing', 'released', 'deleted', 'expired')", "mails_known_state"),
    )
    op.create_index("mails_newest", "mails", ["received", "id"])
    op.create_index("mails_by_state", "mails", ["state", "received"])
    op.create_index("mails_by_hash", "mails", ["sha256"])
    op.create_index("mails_by_author", "mails", ["author"])
    op.create_index("mails_by_sender", "mails", ["mail_from_key"])
    op.create_index("mails_by_key", "mails", ["key_id"])
    op.create_table(
        "contents",
        sa.Column("id", MAIL_ID, sa.ForeignKey("mails.id"), primary_key=True),
        sa.Column("key_id", sa.String(8), nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
    )
    op.create_index("contents_by_key", "contents", ["key_id"])


def _details() -> None:
    op.create_table(
        "recipients",
        sa.Column("mail_id", MAIL_ID, sa.ForeignKey("mails.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        _words("address"),
        _words("address_key"),
        sa.Column("released_at", TIME),
        _words("released_by"),
        sa.Column("requested_at", TIME),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        _words("refusal"),
        sa.Column("claim", sa.String(32)),
    )
    op.create_index("recipients_by_address", "recipients", ["address_key"])
    op.create_table(
        "mail_rules",
        sa.Column("mail_id", MAIL_ID, sa.ForeignKey("mails.id"), primary_key=True),
        sa.Column("rule", sa.Text, primary_key=True),
    )
    op.create_index("mail_rules_by_rule", "mail_rules", ["rule"])
    op.create_table(
        "mail_wallets",
        sa.Column("mail_id", MAIL_ID, sa.ForeignKey("mails.id"), primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        _words("currency"),
    )
    op.create_index("mail_wallets_by_address", "mail_wallets", ["address"])


def _senders() -> None:
    op.create_table(
        "senders",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("sender", sa.Text, primary_key=True),
        sa.Column("listing", sa.String(5), nullable=False),
        _words("added_by"),
        sa.Column("added_at", TIME, nullable=False),
        sa.CheckConstraint("listing IN ('allow', 'block')", "senders_known_listing"),
    )


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("last_seen", TIME, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("mails", "unproven", "recipients")),
        sa.Column("kind", sa.String(32)),
        _words("decided_by"),
        sa.Column("decided_at", TIME),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("signature", sa.LargeBinary),
        sa.Column("key_id", sa.String(8), nullable=False),
        *(sa.Column(name, sa.LargeBinary) for name in ("template", "salt")),
        sa.CheckConstraint("state IN ('suspected', 'confirmed', 'harmless')", "campaigns_known_state"),
    )
    op.create_index("campaigns_newest", "campaigns", ["last_seen", "id"])
    op.create_index("campaigns_by_revision", "campaigns", ["revision"])
    op.create_index("campaigns_by_key", "campaigns", ["key_id"])
    op.create_table(
        "campaign_bands",
        sa.Column("band", sa.BigInteger, primary_key=True, autoincrement=False),
        _campaign_id(),
    )
    op.create_table(
        "campaign_wallets",
        _campaign_id(),
        sa.Column("address", sa.Text, primary_key=True),
        _words("currency"),
    )
    op.create_index("campaign_wallets_by_address", "campaign_wallets", ["address"])
    op.create_table(
        "campaign_recipients",
        _campaign_id(),
        sa.Column("digest", sa.String(32), primary_key=True),
        sa.Column("seen", TIME, nullable=False),
    )
    op.create_index("campaign_recipients_by_time", "campaign_recipients", ["seen"])
    op.create_table(
        "campaign_mails",
        sa.Column("mail_id", MAIL_ID, sa.ForeignKey("mails.id"), primary_key=True),
        _campaign_id(primary_key=False),
    )
    op.create_index("campaign_mails_by_campaign", "campaign_mails", ["campaign_id"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", TIME, nullable=False),
        *map(_words, ("actor", "action")),
        sa.Column("mail_id", MAIL_ID),
        _words("detail"),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_mail", "audit", ["mail_id"])
    op.create_index("audit_by_time", "audit", ["at"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


SQLITE = [
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    # INSERT OR REPLACE removes the old row without a word to the trigger above.
    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
]
POSTGRESQL = [
    "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " EXECUTE FUNCTION audit_is_append_only()",
]
