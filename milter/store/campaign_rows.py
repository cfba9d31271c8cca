"""Between campaigns and their rows. What changes them holds the lock of milter.store.campaigns."""

from __future__ import annotations

import hmac
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from milter.errors import StoreError
from milter.signals.template import RESEMBLES, bands, common, pack, resemblance, unpack
from milter.store.cipher import Cipher
from milter.store.records import Campaign
from milter.store.rows import address_key
from milter.store.tables import (
    campaign_bands,
    campaign_mails,
    campaign_recipients,
    campaign_wallets,
    campaigns,
)

if TYPE_CHECKING:
    from milter.store.letter import Letter

# Of the campaigns that share bands with a letter, those that share most are compared with it in full.
COMPARED = 20
# What so many letters have in common is the template; later ones need not be compared word by word.
TEMPLATE_MAILS = 8
# Some letters name an address of their own each; nobody pays to one a second time.
WALLETS_AT_MOST = 200
SALT_BYTES = 16


def campaign_of(connection: Connection, mail_id: str) -> int | None:
    """The campaign that a kept mail was counted to."""
    query = select(campaign_mails.c.campaign_id).where(campaign_mails.c.mail_id == mail_id)
    return connection.execute(query).scalar()


def find_campaign(connection: Connection, letter: Letter) -> int | None:
    """The campaign that a letter resembles most; for one without a signature one of its like with the same address."""
    if letter.signature is None:
        return _by_wallet(connection, letter.wallets)
    shared = (
        select(campaign_bands.c.campaign_id)
        .where(campaign_bands.c.band.in_(bands(letter.signature)))
        .group_by(campaign_bands.c.campaign_id)
        .order_by(func.count().desc(), campaign_bands.c.campaign_id)
        .limit(COMPARED)
    )
    numbers = connection.execute(shared).scalars().all()
    rows = connection.execute(select(campaigns.c.id, campaigns.c.signature).where(campaigns.c.id.in_(numbers)))
    alike = [(resemblance(letter.signature, unpack(row.signature)), -row.id) for row in rows]
    most, number = max(alike, default=(0.0, 0))
    return -number if most >= RESEMBLES else None


def _by_wallet(connection: Connection, wallets: Collection[str]) -> int | None:
    query = (
        select(campaigns.c.id)
        .join(campaign_wallets, campaign_wallets.c.campaign_id == campaigns.c.id)
        .where(campaign_wallets.c.address.in_(wallets), campaigns.c.signature.is_(None))
        .order_by(campaigns.c.last_seen.desc())
    )
    return connection.execute(query.limit(1)).scalar() if wallets else None


def make_campaign(connection: Connection, cipher: Cipher, letter: Letter) -> int:
    """A campaign for a letter that belongs to none, without any mail yet; its number."""
    values = {"state": "suspected", "first_seen": letter.seen, "last_seen": letter.seen}
    signature = pack(letter.signature) if letter.signature else None
    made = connection.execute(insert(campaigns).values(**values, signature=signature).returning(campaigns.c.id))
    number: int = made.scalar_one()
    sealed = _sealed(cipher, number, secrets.token_bytes(SALT_BYTES), letter.template())
    connection.execute(update(campaigns).where(campaigns.c.id == number).values(sealed))
    if letter.signature:
        rows = [{"band": band, "campaign_id": number} for band in bands(letter.signature)]
        connection.execute(insert(campaign_bands), rows)
    _add_wallets(connection, number, letter.wallets)
    return number


def add_letters(connection: Connection, cipher: Cipher, number: int, letters: Sequence[Letter]) -> bool:
    """Count letters to a campaign; whether there are new payment addresses in them."""
    row = connection.execute(select(campaigns).where(campaigns.c.id == number).with_for_update()).one()
    salt = _unsealed(cipher, row, "salt")
    seen = [letter.seen for letter in letters]
    values = {
        "first_seen": min(row.first_seen, *seen),
        "last_seen": max(row.last_seen, *seen),
        "mails": row.mails + len(letters),
        "unproven": row.unproven + sum(not letter.proven for letter in letters),
        "recipients": row.recipients + _count_recipients(connection, number, salt, letters),
        "kind": row.kind or next((letter.kind for letter in letters if letter.kind), None),
    }
    if row.template is not None and (first := letters[: max(0, TEMPLATE_MAILS - row.mails)]):
        shared = _unsealed(cipher, row, "template").decode()
        for letter in first:
            shared = common(shared, letter.template())
        values |= _sealed(cipher, number, salt, shared)
    connection.execute(update(campaigns).where(campaigns.c.id == number).values(values))
    if kept := [{"mail_id": letter.mail_id, "campaign_id": number} for letter in letters if letter.mail_id]:
        connection.execute(insert(campaign_mails), kept)
    return _add_wallets(connection, number, {k: v for letter in letters for k, v in letter.wallets.items()})


def _sealed(cipher: Cipher, number: int, salt: bytes, template: str) -> dict[str, Any]:
    key_id = cipher.key_id
    values = {"salt": salt, "template": template.encode("utf-8", "replace")}
    sealed = {name: cipher.seal(value, f"campaigns/{number}/{name}", key_id) for name, value in values.items()}
    return {"key_id": key_id, **sealed}


def _unsealed(cipher: Cipher, row: Row[Any], name: str) -> bytes:
    value: bytes | None = getattr(row, name)
    return b"" if value is None else cipher.unseal(value, f"campaigns/{row.id}/{name}", row.key_id)


def _count_recipients(connection: Connection, number: int, salt: bytes, letters: Sequence[Letter]) -> int:
    """How many of their recipients are new to the campaign; only a digest of each is kept, and when it was seen."""
    digests = {_digest(salt, recipient): letter.seen for letter in letters for recipient in letter.recipients}
    same = (campaign_recipients.c.campaign_id == number) & campaign_recipients.c.digest.in_(digests)
    known = set(connection.execute(select(campaign_recipients.c.digest).where(same)).scalars())
    if known:
        last = max(letter.seen for letter in letters)
        connection.execute(update(campaign_recipients).where(same).values(seen=last))
    new = digests.keys() - known
    if new:
        rows = [{"campaign_id": number, "digest": digest, "seen": digests[digest]} for digest in sorted(new)]
        connection.execute(insert(campaign_recipients), rows)
    return len(new)


def _digest(salt: bytes, recipient: str) -> str:
    key = address_key(recipient).encode("utf-8", "surrogatepass")
    return hmac.digest(salt, key, "sha256").hex()[:32]


def _add_wallets(connection: Connection, number: int, wallets: Mapping[str, str]) -> bool:
    if not wallets:
        return False
    known = set(wallets_of(connection, [number])[number])
    new = [address for address in wallets if address not in known][: max(0, WALLETS_AT_MOST - len(known))]
    if new:
        rows = [{"campaign_id": number, "address": address, "currency": wallets[address]} for address in new]
        connection.execute(insert(campaign_wallets), rows)
    return bool(new)


def wallets_of(connection: Connection, numbers: Sequence[int]) -> Mapping[int, dict[str, str]]:
    """The payment addresses of campaigns, with their currencies."""
    query = select(campaign_wallets).where(campaign_wallets.c.campaign_id.in_(numbers))
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(query.order_by(campaign_wallets.c.address)):
        found[row.campaign_id][row.address] = row.currency
    return found


def read_campaigns(connection: Connection, cipher: Cipher, numbers: Sequence[int]) -> list[Campaign]:
    """Campaigns in that order. Raises StoreError if one is unknown."""
    rows = {row.id: row for row in connection.execute(select(campaigns).where(campaigns.c.id.in_(numbers)))}
    if missing := [number for number in numbers if number not in rows]:
        raise StoreError(f"there is no campaign {missing[0]}")
    return list(_campaigns(cipher, [rows[number] for number in numbers], wallets_of(connection, numbers)))


def _campaigns(cipher: Cipher, rows: Sequence[Row[Any]], wallets: Mapping[int, dict[str, str]]) -> Iterator[Campaign]:
    for row in rows:
        yield Campaign(
            id=row.id,
            state=row.state,
            first_seen=row.first_seen,
            last_seen=row.last_seen,
            mails=row.mails,
            recipients=row.recipients,
            kind=row.kind,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            wallets=wallets.get(row.id, {}),
            template=_unsealed(cipher, row, "template").decode(),
        )


def forget_person(connection: Connection, mail_ids: Sequence[str]) -> None:
    """Mails are wiped: what only one recipient got goes with them, since it may tell of that one."""
    of_mails = select(campaign_mails.c.campaign_id).where(campaign_mails.c.mail_id.in_(mail_ids))
    alone = campaigns.c.id.in_(of_mails) & (campaigns.c.recipients < 2)
    connection.execute(update(campaigns).where(alone).values(template=None))


def forget_persons(connection: Connection, before: datetime) -> None:
    """The same for all that was last seen before that time; who got a letter is forgotten, how many did is not."""
    alone = (campaigns.c.last_seen < before) & (campaigns.c.recipients < 2) & campaigns.c.template.is_not(None)
    connection.execute(update(campaigns).where(alone).values(template=None))
    connection.execute(delete(campaign_recipients).where(campaign_recipients.c.seen < before))
