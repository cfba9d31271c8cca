"""What is to become of a mail, whoever carries it: the inspector asked, faults weighed, header fields made ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from milter.actions.headers import forged_fields_removed, unchecked_fields, verdict_fields
from milter.actions.sealing import load_seal_key, sealed
from milter.config import Config
from milter.model import Envelope, Inspector, Verdict

Fate = Literal["accept", "tag", "quarantine", "reject", "unchecked", "relay", "defer", "own", "command"]

# A larger mail may have a header that takes milliseconds to search; a thread costs a tenth of one.
INLINE_BYTES = 256 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """fields go on top of cleaned, the mail without forged fields: the very same bytes object where it has none.

    "relay" is inspection switched off, "own" a mail of ours, "defer" a fault after which the client is to try again.
    """

    fate: Fate
    verdict: Verdict | None
    fields: bytes
    cleaned: bytes


class Decider:
    """Decides by the settings of one process; inspector None relays without looking."""

    def __init__(self, config: Config, inspector: Inspector | None) -> None:
        self._config = config
        self._inspector = inspector
        # Tells our own mail from others, see milter.digest.own.
        self.is_own: Callable[[bytes], bool] = lambda raw: False
        self._seal_key = load_seal_key(config.arc) if config.arc else None

    async def decide(self, raw: bytes, envelope: Envelope) -> Decision:
        """The decision on one mail."""
        if self.is_own(raw):
            return Decision("own", None, b"", raw)
        cleaned = await self._cleaned(raw)
        if self._inspector is None:
            return Decision("relay", None, b"", cleaned)
        verdict = await self._judge(self._inspector, raw, envelope)
        if verdict is None:
            fate: Fate = "defer" if self._config.on_error == "tempfail" else "unchecked"
            return Decision(fate, None, unchecked_fields(), cleaned)
        return Decision(verdict.action, verdict, await self._fields(verdict, cleaned), cleaned)

    async def _cleaned(self, raw: bytes) -> bytes:
        if len(raw) <= INLINE_BYTES:
            return forged_fields_removed(raw, self._config.server_id)
        return await asyncio.to_thread(forged_fields_removed, raw, self._config.server_id)

    async def _judge(self, inspector: Inspector, raw: bytes, envelope: Envelope) -> Verdict | None:
        """None stands for any fault of the scanner: it must cost no mail."""
        try:
            async with asyncio.timeout(self._config.inspect_timeout):
                return await inspector(raw, envelope)
        except Exception:
            log.exception("%s: inspection failed", envelope.queue_id)
            return None

    async def _fields(self, verdict: Verdict, cleaned: bytes) -> bytes:
        fields = verdict_fields(verdict, self._config.server_id)
        if self._seal_key is None or verdict.action == "reject":
            return fields
        server_id, chain = self._config.server_id, verdict.auth.arc
        return await sealed(fields, cleaned, self._seal_key, authserv_id=server_id, chain=chain)
