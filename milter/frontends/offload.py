"""Keep the loop free: a mail that may take long to inspect goes to a thread; small ones do not pay for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from milter.actions.deliver import Inspector
from milter.model import Envelope, Verdict

INLINE_BYTES = 256 * 1024
THREADS = 2


def offloaded(judge: Callable[[bytes, Envelope], Verdict], inline_bytes: int = INLINE_BYTES) -> Inspector:
    """An inspector from a plain function: mails up to inline_bytes are judged at once, larger ones in a thread.

    With inline_bytes=0 all go to threads, for a function that waits for DNS. No thread starts before it is needed.
    """
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="inspect")

    async def inspector(raw: bytes, envelope: Envelope) -> Verdict:
        if len(raw) <= inline_bytes:
            return judge(raw, envelope)
        return await asyncio.get_running_loop().run_in_executor(executor, judge, raw, envelope)

    return inspector
