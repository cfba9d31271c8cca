"""What a verdict does to a mail: relay it with our fields on top, keep it in quarantine, or refuse it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from milter.actions.headers import Trace, forged_fields_removed, received, unchecked_fields, verdict_fields
from milter.actions.maildir import Quarantine
from milter.actions.nexthop import TROUBLE, Reply, Transaction
from milter.actions.sealing import load_seal_key, sealed
from milter.config import Config
from milter.errors import NextHopError
from milter.model import Envelope, Verdict

Inspector = Callable[[bytes, Envelope], Awaitable[Verdict]]
Fate = Literal["accept", "tag", "quarantine", "reject", "unchecked", "relay", "defer"]

# A larger mail may have a header that takes milliseconds to search; a thread costs a tenth of one.
INLINE_BYTES = 256 * 1024
REFUSED = Reply(550, ("5.7.1 Message refused as extortion",))

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Mail:
    """One mail between its client and its next hop, whose recipients the next hop has accepted."""

    raw: bytes
    envelope: Envelope
    trace: Trace
    transaction: Transaction
    in_quarantine: bool = False

    @property
    def committed(self) -> bool:
        """Whether somebody may have the whole mail: from here it must not be broken off."""
        return self.in_quarantine or self.transaction.committed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail: "relay" is inspection switched off, "defer" a fault, and the client tries again."""

    fate: Fate
    reply: Reply
    verdict: Verdict | None = None


class Delivery:
    """The last leg of each mail: inspect, act, and say what the client may be told."""

    def __init__(self, config: Config, inspector: Inspector | None) -> None:
        self._config = config
        self._inspector = inspector
        self._quarantine = Quarantine(config.quarantine_dir)
        self._seal_key = load_seal_key(config.arc) if config.arc else None

    async def deliver(self, mail: Mail) -> Outcome:
        """Act on one mail.

        The reply is 2yz only when the next hop has the mail or the quarantine has it on disk. If this is cancelled
        before mail.committed, nobody has it.
        """
        try:
            return await self._deliver(mail)
        except (NextHopError, OSError) as error:
            uncertain = "; it may have taken the mail" if mail.committed else ""
            log.warning("%s: deferred: %s%s", mail.envelope.queue_id, error, uncertain)
            return Outcome("defer", TROUBLE)
        finally:
            mail.transaction.abandon()

    async def _deliver(self, mail: Mail) -> Outcome:
        if self._inspector is None:
            return Outcome("relay", await self._relay(mail, b"", None))
        verdict = await self._judge(self._inspector, mail)
        if verdict is None:
            if self._config.on_error == "tempfail":
                return Outcome("defer", TROUBLE)
            return Outcome("unchecked", await self._relay(mail, unchecked_fields(), None))
        if verdict.action == "quarantine":
            return Outcome("quarantine", await self._keep_back(mail, verdict), verdict)
        if verdict.action == "reject":
            return Outcome("reject", REFUSED, verdict)
        reply = await self._relay(mail, verdict_fields(verdict, self._config.server_id), verdict)
        return Outcome(verdict.action, reply, verdict)

    async def _judge(self, inspector: Inspector, mail: Mail) -> Verdict | None:
        """None stands for any fault of the scanner: it must cost no mail."""
        try:
            async with asyncio.timeout(self._config.inspect_timeout):
                return await inspector(mail.raw, mail.envelope)
        except Exception:
            log.exception("%s: inspection failed", mail.envelope.queue_id)
            return None

    async def _relay(self, mail: Mail, fields: bytes, verdict: Verdict | None) -> Reply:
        if len(mail.raw) <= INLINE_BYTES:
            cleaned = forged_fields_removed(mail.raw, self._config.server_id)
        else:
            cleaned = await asyncio.to_thread(forged_fields_removed, mail.raw, self._config.server_id)
        if verdict is not None and self._seal_key is not None:
            server_id, chain = self._config.server_id, verdict.auth.arc
            fields = await sealed(fields, cleaned, self._seal_key, authserv_id=server_id, chain=chain)
        return await mail.transaction.data([received(mail.trace) + fields, cleaned])

    async def _keep_back(self, mail: Mail, verdict: Verdict) -> Reply:
        """The reply does not tell quarantine from delivery: Postfix hands it on to whoever sent the mail."""
        mail.transaction.abandon()
        mail.in_quarantine = True
        await self._quarantine.keep(mail.raw, mail.envelope, verdict, mail.trace.date.isoformat())
        return Reply(250, (f"2.0.0 Ok: queued as {mail.envelope.queue_id}",))
