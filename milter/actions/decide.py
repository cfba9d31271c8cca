"""What is to become of a mail, whoever carries it: the inspector asked, faults weighed, header fields made ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milter.actions.headers import forged_fields_removed, unchecked_fields, verdict_fields
from milter.actions.sealing import load_seal_key, sealed
from milter.config import Config
from milter.model import Envelope, Fate, Inspector, Verdict
from milter.observe import meter
from milter.observe.stages import timed
from milter.policies import PolicyBook, changes_mail

if TYPE_CHECKING:
    from milter.actions.rewrite import Rewriting

# A larger mail may have a header that takes milliseconds to search; a thread costs a tenth of one.
INLINE_BYTES = 256 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """fields go on top of mail, the one received without forged fields: the very same bytes object where it has none.

    "relay" is inspection switched off, "own" a mail of ours, "defer" a fault after which the client is to try again.
    rewriting: what the policy had changed in mail, if anything. would: what its fate would be in filter mode, where
    that is off and everything is passed on.
    """

    fate: Fate
    verdict: Verdict | None
    fields: bytes
    mail: bytes
    rewriting: Rewriting | None = None
    would: Fate | None = None


class Decider:
    """Decides by the settings of one process; inspector None relays without looking, as own mail is relayed."""

    def __init__(
        self,
        config: Config,
        inspector: Inspector | None,
        policies: PolicyBook | None = None,
        *,
        is_own: Callable[[bytes], bool] = lambda raw: False,
    ) -> None:
        self._config = config
        self._inspector = inspector
        self._is_own = is_own
        self._policies = policies or PolicyBook(config)
        self._seal_key = load_seal_key(config.arc) if config.arc else None

    async def decide(self, raw: bytes, envelope: Envelope) -> Decision:
        """The decision on one mail."""
        if self._is_own(raw):
            return Decision("own", None, b"", raw)
        cleaned = await self._cleaned(raw)
        if self._inspector is None:
            return Decision("relay", None, b"", cleaned)
        verdict = await self._judge(self._inspector, raw, envelope)
        if self._config.mode == "monitor":
            return await self._passed_on(cleaned, verdict)
        if verdict is None:
            return Decision(self._fate_of_a_fault, None, unchecked_fields(), cleaned)
        rewriting = await self._rewritten(cleaned, verdict, envelope)
        mail, top = (rewriting.mail, rewriting.top) if rewriting else (cleaned, b"")
        return Decision(verdict.action, verdict, await self._fields(verdict, mail, top), mail, rewriting)

    async def _passed_on(self, cleaned: bytes, verdict: Verdict | None) -> Decision:
        """The decision in monitor mode: whatever the verdict, the mail goes on as it is."""
        fields = b""
        if self._config.monitor_headers:
            fields = await self._fields(verdict, cleaned) if verdict else unchecked_fields()
        if verdict is None:
            return Decision("unchecked", None, fields, cleaned, would=self._fate_of_a_fault)
        return Decision("accept", verdict, fields, cleaned, would=verdict.action)

    @property
    def _fate_of_a_fault(self) -> Fate:
        return "defer" if self._config.on_error == "tempfail" else "unchecked"

    async def _cleaned(self, raw: bytes) -> bytes:
        if len(raw) <= INLINE_BYTES:
            return forged_fields_removed(raw, self._config.server_id)
        return await asyncio.to_thread(forged_fields_removed, raw, self._config.server_id)

    async def _judge(self, inspector: Inspector, raw: bytes, envelope: Envelope) -> Verdict | None:
        """None stands for any fault of the scanner: it must cost no mail."""
        try:
            async with asyncio.timeout(self._config.inspect_timeout):
                with timed("inspect"):
                    return await inspector(raw, envelope)
        except Exception:
            log.exception("%s: inspection failed", envelope.queue_id)
            if meter.counts:
                meter.counts.fault()
            return None

    async def _rewritten(self, cleaned: bytes, verdict: Verdict, envelope: Envelope) -> Rewriting | None:
        """Only what is delivered is changed: what is kept back stays as it came. A fault of ours must cost no mail."""
        policy = self._policies.current.of_mail(envelope.rcpt_to)
        if verdict.action != "tag" or not changes_mail(policy, verdict):
            return None
        from milter.actions.rewrite import reader_of, rewrite  # noqa: PLC0415  few policies ask for it

        def change() -> Rewriting | None:
            return rewrite(cleaned, verdict, policy, reader_of(verdict, policy, envelope, self._config))

        try:
            return await asyncio.to_thread(change)
        except Exception:
            log.exception("%s: the mail is delivered without a notice", envelope.queue_id)
            return None

    async def _fields(self, verdict: Verdict, mail: bytes, top: bytes = b"") -> bytes:
        # A mail may begin with a continuation line, which must not become one of what its parts hang on.
        fields = top + verdict_fields(verdict, self._config.server_id)
        if self._seal_key is None:
            return fields
        server_id, chain = self._config.server_id, verdict.auth.arc
        return await sealed(fields, mail, self._seal_key, authserv_id=server_id, chain=chain)
