"""How the server is: what answers, what is kept, and a sentence for each trouble."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from milter import __version__
from milter.config import Config, Endpoint
from milter.errors import StoreError
from milter.frontends.probes import next_hops, probe_listener, probe_next_hop
from milter.observe.state import ServerState

if TYPE_CHECKING:
    from milter.store.figures import Figures

# Seconds for which an answer is remembered, however often somebody asks: each look at a listener or a next hop is a
# session there, and the quarantine may be large.
LISTENERS_KEPT, HOPS_KEPT, QUARANTINE_KEPT = 5.0, 15.0, 30.0
MAIL_FRONT_ENDS = ("listen", "lmtp", "milter")

T = TypeVar("T")


class Remembered(Generic[T]):
    """What a function answers, asked anew when its answer is too old; those who come meanwhile wait for one answer."""

    def __init__(self, ask: Callable[[], T], seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def __call__(self) -> T:
        """The answer."""
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] >= self._seconds:
                self._kept = (self._clock(), self._ask())
            return self._kept[1]


class Health:
    """Looks at one server from outside; each look may block for some seconds."""

    def __init__(self, config: Config, listeners: Mapping[str, Endpoint]) -> None:
        """listeners: where they answer, by setting."""
        self._config = config
        self._addresses = listeners
        # By setting and by address: what is wrong, "" for nothing.
        self.listeners = Remembered(self._ask_listeners, LISTENERS_KEPT)
        self.next_hops = Remembered(self._ask_next_hops, HOPS_KEPT)
        # The figures, or what is wrong with the store.
        self.quarantine = Remembered(self._ask_quarantine, QUARANTINE_KEPT)

    def _ask_listeners(self) -> dict[str, str]:
        asked = {name: address for name, address in self._addresses.items() if name in (*MAIL_FRONT_ENDS, "web")}
        return {name: probe_listener(name, address, self._config) for name, address in asked.items()}

    def _ask_next_hops(self) -> dict[str, str]:
        return {name: probe_next_hop(hop) for name, hop in next_hops(self._config)}

    def _ask_quarantine(self) -> Figures | str:
        from milter.store.figures import figures  # noqa: PLC0415  where nobody asks, no database is loaded

        try:
            return figures(self._config.store)
        except StoreError as error:
            return str(error)

    def unready(self) -> list[str]:
        """Why it cannot take mail in and pass it on now, in sentences; nothing if it can."""
        return [*self._listeners_troubles(), *self._hops_troubles()]

    def _listeners_troubles(self) -> list[str]:
        return [
            f"{name} on {self._addresses[name]} does not serve: {trouble}."
            for name, trouble in self.listeners().items()
            if trouble
        ]

    def _hops_troubles(self) -> list[str]:
        """As long as one of them answers, mail flows."""
        if not self._mail_is_stuck:
            return []
        return [
            f"{name} does not take mail: {trouble}. Mail is deferred until it does."
            for name, trouble in self.next_hops().items()
        ]

    @property
    def _mail_is_stuck(self) -> bool:
        """Whether there are next hops, and none of them answers."""
        hops = self.next_hops()
        return bool(hops) and all(hops.values())

    def report(self, state: ServerState | None = None, running: int | None = None) -> dict[str, Any]:
        """All that is known, for `status`; running: how many of the workers in state are alive."""
        kept = self.quarantine()
        report: dict[str, Any] = {
            "version": __version__,
            "listeners": {
                name: {"address": str(self._addresses[name]), "trouble": trouble}
                for name, trouble in self.listeners().items()
            },
            "next_hops": {name: {"trouble": trouble} for name, trouble in self.next_hops().items()},
            "quarantine": {"trouble": kept} if isinstance(kept, str) else _kept(kept),
        }
        troubles = self.unready()
        if not self._mail_is_stuck:
            troubles += [f"{name} does not answer ({why}); others do." for name, why in self.next_hops().items() if why]
        if state is not None and running is not None:
            report |= _server(state, running)
            troubles = [*workers_troubles(state, running), *troubles, *_reload_troubles(state)]
        if isinstance(kept, str):
            troubles.append(f"The quarantine cannot be read: {kept}.")
        elif kept.uncertain:
            troubles.append(
                f"{kept.uncertain} quarantined mails may have arrived when a release was interrupted: see"
                " blackmail-filter quarantine list --state uncertain."
            )
        return {**report, "troubles": troubles}


def workers_troubles(state: ServerState, running: int) -> list[str]:
    """Whether there are fewer workers than there should be."""
    if running >= state.wanted:
        return []
    return [f"{running} of {state.wanted} workers run; the log says why the others ended."]


def _reload_troubles(state: ServerState) -> list[str]:
    if state.refused is None:
        return []
    return [f"The reload at {moment(state.refused)} was refused, and the old settings are in force: {state.fault}."]


def _server(state: ServerState, running: int) -> dict[str, Any]:
    return {
        "pid": state.pid,
        "started": moment(state.started),
        "workers": {"running": running, "wanted": state.wanted, "restarts": state.restarts},
        "reloaded": moment(state.reloaded) if state.reloaded else None,
        "reload_refused": {"at": moment(state.refused), "why": state.fault} if state.refused else None,
    }


def _kept(figures: Figures) -> dict[str, Any]:
    return {
        "mails": figures.mails,
        "bytes": figures.size,
        "oldest": figures.oldest.isoformat(timespec="seconds") if figures.oldest else None,
        "requested": figures.requested,
        "uncertain": figures.uncertain,
    }


def moment(seconds: float) -> str:
    """A time as it stands in JSON, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
