"""What was decided of campaigns, for processes that judge mail by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from milter.signals.campaigns import CampaignBook, KnownCampaign
from milter.signals.template import unpack
from milter.store.campaign_rows import wallets_of
from milter.store.database import Database
from milter.store.tables import campaigns

# Each process knows so many, of those seen last; 4.3 million mails were of 96 (Paquet-Clouston et al., AFT 2019).
KNOWN_AT_MOST = 1000


class Decided:
    """The confirmed and the harmless campaigns of one database; no key is needed for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def teach(self, book: CampaignBook) -> None:
        """Bring a book up to date; only what has changed is read. Raises StoreError."""
        with self._database.reading() as connection:
            revisions = _revisions(connection)
            book.renew(revisions, _known(connection, book.outdated(revisions)))


def _revisions(connection: Connection) -> Mapping[int, int]:
    query = select(campaigns.c.id, campaigns.c.revision).where(campaigns.c.revision > 0)
    newest = query.order_by(campaigns.c.last_seen.desc(), campaigns.c.id.desc()).limit(KNOWN_AT_MOST)
    return {row.id: row.revision for row in connection.execute(newest)}


def _known(connection: Connection, numbers: Sequence[int]) -> list[KnownCampaign]:
    if not numbers:
        return []
    query = select(campaigns.c.id, campaigns.c.state, campaigns.c.signature).where(campaigns.c.id.in_(numbers))
    wallets = wallets_of(connection, numbers)
    return [
        KnownCampaign(
            id=row.id,
            harmless=row.state == "harmless",
            signature=unpack(row.signature) if row.signature else None,
            wallets=frozenset(wallets[row.id]),
        )
        for row in connection.execute(query)
    ]
