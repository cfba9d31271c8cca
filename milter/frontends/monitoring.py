"""The supervisor's part in monitoring: it keeps the process that answers running, and tells it how the server is."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NoReturn

from milter.config import Config, worker_count
from milter.frontends.generation import Generation
from milter.frontends.sockets import address_of
from milter.observe import meter
from milter.observe.state import ServerState, write_state

SETTING = "metrics"
# Seconds between two attempts to start it.
PAUSE = 1.0

log = logging.getLogger(__name__)

# In a process that was just forked: its name, and what it does to its end.
Become = Callable[[str, Callable[[], None]], NoReturn]


class Monitoring:
    """Without metrics.listen it does nothing but remember."""

    def __init__(self) -> None:
        self._started = time.time()
        self._restarts = 0
        self._reloaded: float | None = None
        self._refused: float | None = None
        self._fault = ""
        # Where processes keep their figures: ours alone, and gone with us.
        self._folder: Path | None = None
        self._written: ServerState | None = None
        self._pid: int | None = None
        self._answers_for: Generation | None = None
        self._next_start = 0.0

    def begin(self, config: Config) -> None:
        """To be called before the workers with these settings are forked: from now on they count, where they shall."""
        if config.metrics.listen and self._folder is None:
            runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
            self._folder = Path(tempfile.mkdtemp(prefix="blackmail-filter-metrics-", dir=runtime or None))
            meter.switch_on(self._folder)

    def restarted(self) -> None:
        """A worker died, and another one takes its place."""
        self._restarts += 1
        if meter.counts:
            meter.counts.restarted()

    def reloaded(self, failure: str) -> None:
        """New settings are in force, or the old ones stay because of a failure."""
        if failure:
            self._refused, self._fault = time.time(), failure
        else:
            self._reloaded, self._refused, self._fault = time.time(), None, ""
        if meter.counts:
            meter.counts.reloaded(ok=not failure)

    def tend(self, generation: Generation, workers: Iterable[int], become: Become) -> None:
        """To be called now and then, and when anything has changed; workers are the pids of this generation's."""
        if self._folder is None:
            return
        self._write(self._folder, generation.config, tuple(workers))
        if self._pid is not None:
            if generation is not self._answers_for:
                os.kill(self._pid, signal.SIGTERM)
            self._note_if_ended(self._pid)
        # Two of them would put the same figures together twice, so the next one waits for the end of the one before.
        if self._pid is None and SETTING in generation.listeners and time.monotonic() >= self._next_start:
            self._fork(self._folder, generation, become)

    def _write(self, folder: Path, config: Config, workers: tuple[int, ...]) -> None:
        state = ServerState(
            pid=os.getpid(),
            started=self._started,
            workers=workers,
            wanted=worker_count(config),
            restarts=self._restarts,
            reloaded=self._reloaded,
            refused=self._refused,
            fault=self._fault,
        )
        if state != self._written:
            write_state(folder, state)
            self._written = state

    def _note_if_ended(self, pid: int) -> None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            self._pid = None
            if code := os.waitstatus_to_exitcode(status):
                log.error("monitoring ended with code %d; it is started anew", code)
                self._next_start = time.monotonic() + PAUSE

    def _fork(self, folder: Path, generation: Generation, become: Become) -> None:
        pid = os.fork()
        if pid == 0:
            become("monitoring", partial(_answer, folder, generation))
        self._pid, self._answers_for = pid, generation

    def end(self) -> None:
        """Stop it, and leave nothing behind."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)
            os.waitpid(self._pid, 0)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _answer(folder: Path, generation: Generation) -> None:
    from milter.frontends.monitor import Monitor, run_monitor  # noqa: PLC0415  of use to this process only

    listener = generation.listeners[SETTING]
    listeners = {setting: address_of(each) for setting, each in generation.listeners.items()}
    generation.close_all_but({SETTING: listener})
    run_monitor(listener, Monitor(generation.config, listeners, folder))
