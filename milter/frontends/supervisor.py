"""The parent of the workers: it serves no mail itself and is hard to kill by one."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from milter.config import Config, Endpoint, worker_count
from milter.errors import BlackmailFilterError, ConfigError, StoreError
from milter.frontends.service import Service
from milter.frontends.sockets import address_of, addresses, bind
from milter.frontends.store_watch import decided_campaigns, read_once, sender_lists
from milter.frontends.worker import Listeners, work
from milter.model import Inspector
from milter.policies import PolicyBook
from milter.signals.campaigns import CampaignBook

SIGNALS = {signal.SIGALRM, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
# A worker that lived for less is replaced only after this pause, in seconds.
SHORTEST_LIFE = 1.0
# Seconds beyond the last mail that a stopping worker may take.
STOP_MARGIN = 5

log = logging.getLogger(__name__)

MakeInspector = Callable[[Config, PolicyBook, CampaignBook], Inspector | None]


@dataclass(frozen=True, eq=False, slots=True)
class Generation:
    """Settings that are in force together, and the sockets that their workers share."""

    config: Config
    policies: PolicyBook
    campaigns: CampaignBook
    inspector: Inspector | None
    listeners: Listeners

    def close_all_but(self, kept: Listeners) -> None:
        """Close the sockets that are not among those."""
        for listener in self.listeners.values():
            if listener not in kept.values():
                listener.close()


@dataclass(frozen=True, slots=True)
class Child:
    """A running worker; born on the monotonic clock. One of each generation looks after the store."""

    pid: int
    generation: Generation
    born: float
    keeps_order: bool


def prepare(config: Config, make_inspector: MakeInspector, old: Generation | None = None) -> Generation:
    """Settings put to work; sockets whose address stays are taken over. Raises ConfigError, and is as before then."""
    before = addresses(old.config) if old else {}
    taken_over = old.listeners if old else {}
    listeners: dict[str, socket.socket] = {}
    policies, campaigns = _learned(config)
    inspector = make_inspector(config, policies, campaigns)
    generation = Generation(config, policies, campaigns, inspector, listeners)
    mode = int(config.socket_mode, 8)
    try:
        for setting, address in addresses(config).items():
            same = address == before.get(setting)
            listeners[setting] = taken_over[setting] if same else bind(address, setting, mode=mode)
    except ConfigError:
        generation.close_all_but(taken_over)
        raise
    return generation


def _learned(config: Config) -> tuple[PolicyBook, CampaignBook]:
    """Policies with the lists of senders, and campaigns; a store that is away must not keep mail from flowing."""
    policies, campaigns = PolicyBook(config), CampaignBook()
    try:
        if config.inspect:
            read_once(config.store, sender_lists(policies), decided_campaigns(campaigns))
    except StoreError as error:
        log.warning("the lists of senders and the campaigns are not known yet: %s", error)
    return policies, campaigns


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

    def __init__(self, generation: Generation, make_inspector: MakeInspector, reload: Callable[[], Config]) -> None:
        self._generation = generation
        self._make_inspector = make_inspector
        self._reload = reload
        self._children: dict[int, Child] = {}
        # Workers hold the reading end: it closes for them when this process is gone, however it ended.
        self._lifeline = os.pipe()

    def run(self, ready: Callable[[Mapping[str, Endpoint]], None]) -> None:
        """Start the workers, report ready, and watch them until SIGTERM or SIGINT."""
        try:
            self._start(self._generation)
            ready({setting: address_of(listener) for setting, listener in self._generation.listeners.items()})
            while (number := signal.sigwait(SIGNALS)) not in {signal.SIGTERM, signal.SIGINT}:
                if number == signal.SIGCHLD:
                    self._replace_dead()
                elif number == signal.SIGHUP:
                    self._renew()
        finally:
            self._stop()

    def _start(self, generation: Generation) -> None:
        """Fork the workers of a generation and wait until each one serves."""
        # What is loaded by now is shared; the collector would write into it and so copy it.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        count = worker_count(generation.config)
        ends = [self._fork(generation, keeps_order=number == 0) for number in range(count)]
        started = [os.read(end, 1) for end in ends]
        for end in ends:
            os.close(end)
        if not all(started):
            raise BlackmailFilterError("a worker did not start; its log says why")

    def _fork(self, generation: Generation, *, keeps_order: bool) -> int:
        """A new worker; returns the end of a pipe on which it sends one byte when it serves."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._become_worker(generation, writing, keeps_order=keeps_order)
        os.close(writing)
        self._children[pid] = Child(pid, generation, time.monotonic(), keeps_order)
        return reading

    def _become_worker(self, generation: Generation, ready_end: int, *, keeps_order: bool) -> NoReturn:
        code = 1
        try:
            os.close(self._lifeline[1])
            self._generation.close_all_but(generation.listeners)
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            # aiosmtpd writes every command into its own log.
            logging.getLogger("mail.log").setLevel(logging.ERROR)

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
            )
            lifeline = self._lifeline[0]
            run_loop(work(service, generation.listeners, lifeline, ready, keeps_order=keeps_order))
            code = 0
        except BaseException:
            log.exception("worker failed")
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

    def _replace_dead(self) -> None:
        for child, code in self._reap():
            if child.generation is not self._generation:
                continue
            log.error("worker %d ended with code %d; another one takes its place", child.pid, code)
            if time.monotonic() - child.born < SHORTEST_LIFE:
                time.sleep(SHORTEST_LIFE)
            os.close(self._fork(self._generation, keeps_order=child.keeps_order))

    def _renew(self) -> None:
        """New settings: new workers first, then the old ones finish their sessions. A faulty set changes nothing."""
        old = self._generation
        try:
            new = prepare(self._reload(), self._make_inspector, old)
        except (ConfigError, StoreError) as error:
            log.error("reload refused, the old settings stay: %s", error)  # noqa: TRY400  one line says it all
            return
        except Exception:
            log.exception("reload failed, the old settings stay")
            return
        unused = new
        try:
            self._start(new)
        except BlackmailFilterError as error:
            log.error("reload failed, the old settings stay: %s", error)  # noqa: TRY400  the worker has logged more
            self._signal_workers(signal.SIGKILL, new)
        else:
            self._generation, unused = new, old
            self._signal_workers(signal.SIGUSR1, old)
            log.info("reloaded")
        unused.close_all_but(self._generation.listeners)

    def _signal_workers(self, number: int, generation: Generation | None = None) -> None:
        """To all workers, or to those of one generation."""
        for child in self._children.values():
            if generation in {None, child.generation}:
                os.kill(child.pid, number)

    def _stop(self) -> None:
        """SIGTERM to the workers; SIGKILL when they take too long, or when a second SIGTERM or SIGINT comes."""
        self._generation.close_all_but({})
        self._signal_workers(signal.SIGTERM)
        signal.alarm(int(self._generation.config.next_hop_timeout) + STOP_MARGIN)
        for _ in self._reap():
            pass
        while self._children:
            if signal.sigwait(SIGNALS) not in {signal.SIGCHLD, signal.SIGHUP}:
                self._signal_workers(signal.SIGKILL)
            for _ in self._reap():
                pass
        signal.alarm(0)


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """asyncio.run on uvloop, where that is installed."""
    try:
        import uvloop  # noqa: PLC0415  an optional accelerator
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)
