"""What a verdict does to a mail: relay it with our fields on top, keep it in quarantine, or refuse it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from milter.actions.decide import Decider
from milter.actions.headers import Trace, received
from milter.actions.keep import Keeper
from milter.actions.nexthop import TROUBLE, Reply, Transaction
from milter.config import Config
from milter.errors import NextHopError, StoreError
from milter.model import Envelope, Fate, Verdict
from milter.observe.stages import timed

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
    """What became of a mail, what its client was told, and the id under which it is kept.

    would: in monitor mode, what would have become of it otherwise.
    """

    fate: Fate
    reply: Reply
    verdict: Verdict | None = None
    kept_as: str | None = None
    would: Fate | None = None


class Delivery:
    """The last leg of each mail: decide, act, and say what the client may be told."""

    def __init__(self, config: Config, decider: Decider) -> None:
        self._decider = decider
        self._keeper = Keeper(config.store)

    async def deliver(self, mail: Mail) -> Outcome:
        """Act on one mail.

        The reply is 2yz only when the next hop has the mail or the quarantine has it on disk. If this is cancelled
        before mail.committed, nobody has it.
        """
        try:
            return await self._deliver(mail)
        except StoreError as error:
            log.warning("%s: deferred: %s", mail.envelope.queue_id, error)
            return Outcome("defer", TROUBLE)
        except (NextHopError, OSError) as error:
            uncertain = "; it may have taken the mail" if mail.committed else ""
            log.warning("%s: deferred: %s%s", mail.envelope.queue_id, error, uncertain)
            return Outcome("defer", TROUBLE)
        finally:
            mail.transaction.abandon()

    async def _deliver(self, mail: Mail) -> Outcome:
        decision = await self._decider.decide(mail.raw, mail.envelope)
        kept_as = None
        if decision.fate == "defer":
            reply = TROUBLE
        elif decision.fate == "reject":
            reply = REFUSED
        elif decision.fate == "quarantine" and decision.verdict:
            reply, kept_as = await self._keep_back(mail, decision.verdict)
        else:
            with timed("deliver"):
                reply = await mail.transaction.data([received(mail.trace) + decision.fields, decision.mail])
        return Outcome(decision.fate, reply, decision.verdict, kept_as, decision.would)

    async def _keep_back(self, mail: Mail, verdict: Verdict) -> tuple[Reply, str]:
        """The reply does not tell quarantine from delivery: Postfix hands it on to whoever sent the mail."""
        mail.transaction.abandon()
        mail.in_quarantine = True
        with timed("keep"):
            mail_id = await self._keeper.keep(mail.raw, mail.envelope, verdict, mail.trace.date)
        log.info("%s: kept as %s", mail.envelope.queue_id, mail_id)
        return Reply(250, (f"2.0.0 Ok: queued as {mail.envelope.queue_id}",)), mail_id

    def close(self) -> None:
        """Close the store."""
        self._keeper.close()
