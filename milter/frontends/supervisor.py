"""The parent of the workers: it serves no mail itself and is hard to kill by one."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NoReturn, Protocol

from milter.config import Config, Endpoint, worker_count
from milter.errors import BlackmailFilterError, ConfigError, StoreError
from milter.frontends.generation import Generation, MakeInspector, judgement, prepare
from milter.frontends.heartbeat import Heartbeat
from milter.frontends.monitoring import Monitoring
from milter.frontends.service import Service
from milter.frontends.sockets import address_of
from milter.frontends.worker import work

SIGNALS = {signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}
# Seconds between two looks at the workers.
TICK = 1.0
# A worker that lived for less is replaced only when it would have been so old, in seconds.
SHORTEST_LIFE = 1.0
# Seconds within which a worker must serve after its fork.
LONGEST_START = 60.0
# A worker whose loop stands still for less than this, in seconds, is never taken for hung.
LEAST_PATIENCE = 10.0
# Seconds beyond the last mail that a stopping worker may take.
STOP_MARGIN = 5.0

log = logging.getLogger(__name__)

Phase = Literal["ready", "reloading", "stopping", "alive"]


class Tell(Protocol):
    """Hears of the server's phases; "alive" comes at each look at the workers while none of them hangs."""

    def __call__(self, phase: Phase, status: str = "", seconds: float = 0.0) -> None:
        """Seconds are those that stopping may take."""


def tell_nobody(phase: Phase, status: str = "", seconds: float = 0.0) -> None:
    """Where no service manager asks."""


@dataclass(eq=False, slots=True)
class Child:
    """A running worker; born on the monotonic clock. One of each generation looks after the store."""

    pid: int
    generation: Generation
    born: float
    keeps_order: bool
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    aborted: bool = False

    @property
    def hangs(self) -> bool:
        """Whether its loop has stood still for longer than any inspection may take."""
        return self.heartbeat.silence > max(2 * self.generation.config.inspect_timeout, LEAST_PATIENCE)


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Signals wait inside the block until they are asked for."""
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)


class Supervisor:
    """Keeps the workers of one generation running. Its sockets stay open here, so no connection is ever refused."""

    def __init__(
        self,
        generation: Generation,
        make_inspector: MakeInspector,
        reload: Callable[[], Config],
        tell: Tell = tell_nobody,
        tick: float = TICK,
    ) -> None:
        self._generation = generation
        self._make_inspector = make_inspector
        self._reload = reload
        self._tell = tell
        self._tick = tick
        self._children: dict[int, Child] = {}
        # When a worker is to be forked in place of a dead one, and whether it keeps order.
        self._vacancies: list[tuple[float, bool]] = []
        self._rehearsal: int | None = None
        self._reload_again = False
        self._monitoring = Monitoring()
        # Workers hold the reading end: it closes for them when this process is gone, however it ended.
        self._lifeline = os.pipe()

    def run(self, ready: Callable[[Mapping[str, Endpoint]], None]) -> None:
        """Start the workers, report ready, and watch them until SIGTERM or SIGINT."""
        try:
            self._start(self._generation)
            self._tend_monitoring()
            ready({setting: address_of(listener) for setting, listener in self._generation.listeners.items()})
            self._tell("ready", self._summary())
            self._watch()
        finally:
            self._stop()

    def _summary(self) -> str:
        where = ", ".join(str(address_of(listener)) for listener in self._generation.listeners.values())
        return f"{worker_count(self._generation.config)} workers on {where}"

    def _watch(self) -> None:
        looked = time.monotonic()
        while (number := self._next_signal()) not in STOP_SIGNALS:
            if number == signal.SIGHUP:
                self._rehearse()
            self._note_dead()
            self._fill_vacancies()
            now = time.monotonic()
            # Beyond a tick the supervisor itself was held up, and knows nothing of the workers.
            self._end_hung(min(now - looked, self._tick))
            looked = now
            self._tend_monitoring()

    def _tend_monitoring(self) -> None:
        workers = [child.pid for child in self._children.values() if child.generation is self._generation]
        self._monitoring.tend(self._generation, workers, self._become)

    def _next_signal(self) -> int | None:
        """The next one within a tick."""
        received = signal.sigtimedwait(SIGNALS, self._tick)
        return received.si_signo if received else None

    # Workers

    def _start(self, generation: Generation) -> None:
        """Fork the workers of a generation and wait until each one serves."""
        self._monitoring.begin(generation.config)
        # What is loaded by now is shared; the collector would write into it and so copy it.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        count = worker_count(generation.config)
        ends = [self._fork(generation, keeps_order=number == 0) for number in range(count)]
        deadline = time.monotonic() + LONGEST_START
        started = [_byte(end, deadline - time.monotonic()) for end in ends]
        for end in ends:
            os.close(end)
        if not all(started):
            raise BlackmailFilterError("a worker did not start; its log says why")

    def _fork(self, generation: Generation, *, keeps_order: bool) -> int:
        """A new worker; returns the end of a pipe on which it sends one byte when it serves."""
        reading, writing = os.pipe()
        heartbeat = Heartbeat()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._become_worker(generation, writing, heartbeat, keeps_order=keeps_order)
        os.close(writing)
        self._children[pid] = Child(pid, generation, time.monotonic(), keeps_order, heartbeat)
        return reading

    def _become_worker(
        self, generation: Generation, ready_end: int, heartbeat: Heartbeat, *, keeps_order: bool
    ) -> NoReturn:
        def serve() -> None:
            self._generation.close_all_but(generation.listeners)
            # aiosmtpd writes every command into its own log.
            logging.getLogger("mail.log").setLevel(logging.ERROR)
            # A worker that hangs or crashes says where.
            faulthandler.enable()

            def ready() -> None:
                # The supervisor does not wait for the replacement of a dead worker.
                with contextlib.suppress(BrokenPipeError):
                    os.write(ready_end, b"r")
                os.close(ready_end)

            service = partial(
                Service,
                generation.config,
                generation.inspector,
                policies=generation.policies,
                campaigns=generation.campaigns,
                tls=generation.tls,
            )
            lifeline = self._lifeline[0]
            run_loop(work(service, generation.listeners, lifeline, ready, heartbeat, keeps_order=keeps_order))

        self._become("worker", serve)

    def _become(self, name: str, main: Callable[[], None]) -> NoReturn:
        """In a process that was just forked: do that, and nothing after it."""
        code = 1
        try:
            os.close(self._lifeline[1])
            # A terminal sends them to all of its processes, and they are for the supervisor.
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            main()
            code = 0
        except BaseException:
            log.exception("%s failed", name)
        finally:
            logging.shutdown()
            os._exit(code)

    def _reap(self) -> Iterator[tuple[Child, int]]:
        """Workers that have ended, with their exit codes (negative: the signal that killed them)."""
        for child in tuple(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                del self._children[pid]
                yield child, os.waitstatus_to_exitcode(status)

    def _note_dead(self) -> None:
        for child, code in self._reap():
            if child.generation is not self._generation:
                continue
            log.error("worker %d ended with code %d; another one takes its place", child.pid, code)
            self._monitoring.restarted()
            self._vacancies.append((child.born + SHORTEST_LIFE, child.keeps_order))
        self._note_rehearsal()

    def _fill_vacancies(self) -> None:
        now = time.monotonic()
        due = [vacancy for vacancy in self._vacancies if vacancy[0] <= now]
        for vacancy in due:
            self._vacancies.remove(vacancy)
            os.close(self._fork(self._generation, keeps_order=vacancy[1]))

    def _end_hung(self, passed: float) -> None:
        """Kill workers whose loop stands still; SIGABRT lets them say where it does."""
        for child in self._children.values():
            child.heartbeat.listen(passed)
            if not child.hangs:
                continue
            if child.aborted:
                os.kill(child.pid, signal.SIGKILL)
            else:
                log.error("worker %d hangs for %.0f s; killing it", child.pid, child.heartbeat.silence)
                child.aborted = True
                os.kill(child.pid, signal.SIGABRT)
        if not any(child.hangs for child in self._children.values()):
            self._tell("alive")

    # Reload

    def _rehearse(self) -> None:
        """Read and compile the new set in a process of its own: it is cached then, and nothing waits for it here."""
        if self._rehearsal is not None:
            self._reload_again = True
            return
        self._tell("reloading", "compiling rules; the old settings are in force")
        pid = os.fork()
        if pid == 0:

            def rehearse() -> None:
                self._generation.close_all_but({})
                # Mail goes first.
                os.nice(10)
                # What is wrong with the set is told when it is put to work.
                with contextlib.suppress(ConfigError, StoreError):
                    judgement(self._reload(), self._make_inspector)

            self._become("reload", rehearse)
        self._rehearsal = pid

    def _note_rehearsal(self) -> None:
        if self._rehearsal is None:
            return
        pid, status = os.waitpid(self._rehearsal, os.WNOHANG)
        if not pid:
            return
        self._rehearsal = None
        if self._reload_again:
            self._reload_again = False
            self._rehearse()
            return
        code = os.waitstatus_to_exitcode(status)
        failure = self._renew() if code == 0 else f"reload failed, the old settings stay: it ended with code {code}"
        if failure:
            log.error("%s", failure)
        self._monitoring.reloaded(failure)
        self._tell("ready", failure or self._summary())

    def _renew(self) -> str:
        """New settings: new workers first, then the old ones finish their sessions. A faulty set changes nothing.

        Returns what failed.
        """
        old = self._generation
        try:
            new = prepare(self._reload(), self._make_inspector, old)
        except (ConfigError, StoreError) as error:
            return f"reload refused, the old settings stay: {error}"
        except Exception:
            log.exception("the new settings cannot be put to work")
            return "reload failed, the old settings stay"
        try:
            self._start(new)
        except BlackmailFilterError as error:
            self._signal_workers(signal.SIGKILL, new)
            new.withdraw(old.listeners)
            return f"reload failed, the old settings stay: {error}"
        self._generation = new
        self._vacancies.clear()
        self._signal_workers(signal.SIGUSR1, old)
        old.withdraw(new.listeners)
        log.info("reloaded")
        return ""

    # The end

    def _signal_workers(self, number: int, generation: Generation | None = None) -> None:
        """To all workers, or to those of one generation."""
        for child in self._children.values():
            if generation in {None, child.generation}:
                os.kill(child.pid, number)

    def _stop(self) -> None:
        """SIGTERM to the workers; SIGKILL when they take too long, or when a second SIGTERM or SIGINT comes."""
        patience = max((child.generation.config.stop_timeout for child in self._children.values()), default=0.0)
        deadline = time.monotonic() + patience + STOP_MARGIN
        self._tell("stopping", "finishing mail that is under way", patience + 2 * STOP_MARGIN)
        self._generation.withdraw({})
        if self._rehearsal is not None:
            os.kill(self._rehearsal, signal.SIGKILL)
            os.waitpid(self._rehearsal, 0)
        self._signal_workers(signal.SIGTERM)
        for _ in self._reap():
            pass
        while self._children:
            if self._next_signal() in STOP_SIGNALS or time.monotonic() >= deadline:
                log.warning("%d workers have not stopped; killing them", len(self._children))
                self._signal_workers(signal.SIGKILL)
            for _ in self._reap():
                pass
        self._monitoring.end()


def _byte(end: int, seconds: float) -> bytes:
    """What a pipe brings within that time; nothing if it is closed or late."""
    readable, _, _ = select.select([end], [], [], max(0.0, seconds))
    return os.read(end, 1) if readable else b""


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """asyncio.run on uvloop, where that is installed."""
    try:
        import uvloop  # noqa: PLC0415  an optional accelerator
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
