"""How long each stage of the mail in hand takes; whoever works on it adds to the stages of its own task."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
from typing import Literal

# inspect contains authenticate.
Stage = Literal["authenticate", "inspect", "keep", "deliver"]
# Seconds.
Stages = dict[Stage, float]

_in_hand: ContextVar[Stages | None] = ContextVar("stages", default=None)


def begin() -> Stages:
    """Stages of a mail on which this task works from now on."""
    stages: Stages = {}
    _in_hand.set(stages)
    return stages


class timed:  # noqa: N801  reads as a word: with timed("inspect")
    """Adds the time inside the block to a stage of the mail in hand, if there is one."""

    __slots__ = ("_stage", "_started")

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(self, *_: object) -> None:
        stages = _in_hand.get()
        if stages is not None:
            stages[self._stage] = stages.get(self._stage, 0.0) + perf_counter() - self._started
