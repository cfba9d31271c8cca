"""Mails of ours on their way: through the next hop with the null sender, and at most once for each period."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from milter.actions.nexthop import NextHop, Reply
from milter.addresses import names_of, normal_address
from milter.config import Config
from milter.digest.compose import Composer
from milter.digest.opened import Office
from milter.digest.overview import overview
from milter.errors import NextHopError, StoreError
from milter.store.mailings import notice_of
from milter.store.records import StoredMail

DIGEST, ADMIN = "digest", "admin"
# Mails in one digest; of more it gives the number.
LISTED = 50
# A mail that is just being kept may still appear below others: what is younger waits for the next digest.
SETTLED = timedelta(seconds=60)
# Older mails get no notice of their own any more, for instance when notices have just been switched on.
NOTICED = timedelta(hours=24)
ROBOTS = re.compile(
    r"(owner-.*|.*-(owner|request|bounces?|(un)?subscribe|confirm|errors)"
    r"|(mailer-daemon|listserv|listproc|majordomo|sympa|bounces?|prvs|msprvs1|srs[01])([=+-].*)?"
    r"|(no-?reply|do-?not-?reply|auto-?reply)([=+.-].*)?)@.*"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """Recipients of a round, by what became of their mail."""

    sent: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def may_be_told(recipient: str, config: Config) -> bool:
    """Whether a person reads that address: not a list, a robot, an address of ours, or one that is excluded."""
    address = normal_address(recipient)
    own = {normal_address(one) for one in (config.digest.author, config.digest.command_address) if one}
    if not address or address in own or ROBOTS.fullmatch(address):
        return False
    return config.digest.exclude.isdisjoint(names_of(address))


async def hand_over(hop: NextHop, recipient: str, raw: bytes) -> Reply | None:
    """The next hop's reply; None if it vanished and may have the mail. Raises NextHopError if it has nothing of it."""
    offered = await hop.capabilities()
    parameters = [f"SIZE={len(raw)}"] if "SIZE" in offered else []
    if not raw.isascii() and "8BITMIME" in offered:
        parameters.append("BODY=8BITMIME")
    if not recipient.isascii():
        parameters.append("SMTPUTF8")
    transaction = await hop.begin("<>", parameters, {})
    try:
        # RFC 3461: nobody could be told that it did not arrive.
        reply = await transaction.rcpt(f"<{recipient}>", ["NOTIFY=NEVER"] if "DSN" in offered else [])
        return await transaction.data([raw]) if reply.accepted else reply
    except NextHopError:
        if transaction.committed:
            return None
        raise
    finally:
        transaction.abandon()


class Round:
    """One round of telling: who is due gets a mail, in one process or another."""

    def __init__(self, config: Config, opened: Office, hop: NextHop) -> None:
        self._config = config
        self._store = opened.store
        self._composer: Composer = opened.composer
        self._desk = opened.desk
        self._now = opened.desk.now
        self._hop = hop

    async def notices(self) -> Sent:
        """A notice for each mail of the last day that its recipient has none of. Raises StoreError."""
        found = await asyncio.to_thread(self._store.mailings.unnoticed, since=self._now - NOTICED)
        sent: list[tuple[str, bool]] = []
        for recipient, mails in self._told(found).items():
            for mail_id in reversed(mails):
                compose = _bound(self._notice, recipient, mail_id)
                sent.append((recipient, await self._send(recipient, notice_of(mail_id), "sent", compose)))
        return _sorted(sent)

    async def digests(self, period: str, only: str | None = None) -> Sent:
        """A digest for each recipient, or for one, of mails that were not told of yet. Raises StoreError."""
        until = self._now - SETTLED
        found = await asyncio.to_thread(self._store.mailings.waiting, DIGEST, period, until=until)
        sent: list[tuple[str, bool]] = []
        for recipient, ids in self._told(found, only).items():
            compose = _bound(self._digest, recipient, ids)
            sent.append((recipient, await self._send(recipient, DIGEST, period, compose, until)))
        return _sorted(sent)

    async def administrator(self, period: str) -> Sent:
        """The administrator's digest, if one is named. Raises StoreError."""
        admin = self._config.digest.admin
        if not admin:
            return Sent()
        return _sorted([(admin, await self._send(admin, ADMIN, period, lambda: self._overview(admin), self._now))])

    def _overview(self, admin: str) -> bytes:
        """Nothing where there is nothing to tell."""
        since = self._store.mailings.told_until(admin, ADMIN) or self._now - timedelta(days=1)
        found = overview(self._store, since, self._now)
        return self._composer.overview(admin, found) if found.held or found.kinds or found.alarms else b""

    def _told(self, found: Mapping[str, list[str]], only: str | None = None) -> Mapping[str, list[str]]:
        wanted = normal_address(only) if only else None
        return {
            recipient: ids
            for recipient, ids in found.items()
            if may_be_told(recipient, self._config) and wanted in (None, normal_address(recipient))
        }

    def _notice(self, recipient: str, mail_id: str) -> bytes:
        found = (mail for mail in self._readable([mail_id]) if self._desk.tells_at_once(mail, recipient))
        return next((self._composer.notice(recipient, mail) for mail in found), b"")

    def _digest(self, recipient: str, ids: Sequence[str]) -> bytes:
        mails = [*self._readable(ids[:LISTED])]
        return self._composer.digest(recipient, mails, max(0, len(ids) - LISTED)) if mails else b""

    def _readable(self, ids: Sequence[str]) -> Iterator[StoredMail]:
        """One that is damaged must not keep a recipient from hearing of the others."""
        for mail_id in ids:
            try:
                yield self._store.quarantine.get(mail_id)
            except StoreError as error:
                log.warning("%s cannot be told of: %s", mail_id, error)

    async def _send(
        self, recipient: str, purpose: str, period: str, compose: Callable[[], bytes], until: datetime | None = None
    ) -> bool:
        """Claim, then send what is composed, if it is anything: whether it went out.

        What the next hop certainly does not have, and may take later, is given back and tried again.
        """
        mailings = self._store.mailings
        if not await asyncio.to_thread(mailings.claim, recipient, purpose, period, now=self._now):
            return False
        try:
            raw = await asyncio.to_thread(compose)
            reply = await hand_over(self._hop, recipient, raw) if raw else None
        except NextHopError as error:
            await asyncio.to_thread(mailings.give_back, recipient, purpose, period)
            log.warning("%s to <%s> was not sent: %s", purpose, recipient, error)
            return False
        except Exception:
            # An odd address or text of one must not keep all others from hearing.
            log.exception("%s to <%s> was not sent", purpose, recipient)
            return False
        if not raw:
            return False
        if reply is None or not reply.accepted:
            log.warning("%s to <%s>: %s", purpose, recipient, reply or "the next hop vanished and may have it")
            if reply and 400 <= reply.code < 500:
                await asyncio.to_thread(mailings.give_back, recipient, purpose, period)
            return False
        if until:
            await asyncio.to_thread(mailings.told, recipient, purpose, until)
        log.info("%s sent to <%s>", purpose, recipient)
        return True


def _bound(compose: Callable[..., bytes], *values: object) -> Callable[[], bytes]:
    return lambda: compose(*values)


def _sorted(results: Sequence[tuple[str, bool]]) -> Sent:
    return Sent(tuple(r for r, out in results if out), tuple(r for r, out in results if not out))
