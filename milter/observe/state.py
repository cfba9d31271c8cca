"""What the supervisor knows of itself, written down for the process that answers monitoring."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "state.json"


@dataclass(frozen=True, slots=True)
class ServerState:
    """Times are seconds since 1970. wanted: how many workers there should be.

    reloaded: when settings were last read anew; refused, and why: when new ones last were, if not taken since.
    """

    pid: int
    started: float
    workers: tuple[int, ...]
    wanted: int
    restarts: int = 0
    reloaded: float | None = None
    refused: float | None = None
    fault: str = ""


def write_state(folder: Path, state: ServerState) -> None:
    """Replace what is written there, as a whole."""
    new = folder / f"{NAME}.new"
    new.write_text(json.dumps(asdict(state)), encoding="ascii")
    os.replace(new, folder / NAME)


def read_state(folder: Path) -> ServerState:
    """What was written last."""
    found = json.loads((folder / NAME).read_text(encoding="ascii"))
    return ServerState(**{**found, "workers": tuple(found["workers"])})
