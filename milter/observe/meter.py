"""Whether anything is counted: `counts` is None unless metrics.listen is set, so that a server without pays nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milter.observe.metrics import Counts

counts: Counts | None = None
