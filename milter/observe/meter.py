"""Whether anything is counted: `counts` is None unless metrics.listen is set, so that a server without pays nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milter.observe.metrics import Counts

# Read by prometheus-client when it is imported: a folder where each process keeps its figures.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

counts: Counts | None = None


def switch_on(folder: Path) -> None:
    """Count from now on, here and in all processes that are forked later; the folder is theirs alone."""
    global counts  # noqa: PLW0603  one for the process, so that each place that counts asks for one name
    os.environ[VARIABLE] = str(folder)
    from milter.observe.metrics import Counts  # noqa: PLC0415  an extra

    counts = Counts()
