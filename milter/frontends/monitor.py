"""A process of its own that answers monitoring by HTTP: /metrics, /healthz, /readyz and /status."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from platform import python_version
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from milter import __version__
from milter.config import Config, Endpoint
from milter.frontends.health import Health, workers_troubles
from milter.observe.ended import gather_ended, is_running
from milter.observe.state import ServerState, read_state

# Requests at once; more are turned away.
CONCURRENT = 8
# Seconds for a client to send its request, and to take each piece of the answer.
PATIENCE = 10.0
# Seconds between two looks whether the supervisor is there, and how many of them there are between two for files of
# processes that have ended: for servers whose figures nobody asks for.
LOOK, GATHER = 1.0, 60
JSON = "application/json"

log = logging.getLogger(__name__)


class Figures(Collector):
    """Figures that nobody counts: they are looked up when somebody asks."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        state = self._monitor.state()
        build = GaugeMetricFamily("blackmail_build_info", "Always 1.", labels=["version", "python"])
        build.add_metric([__version__, python_version()], 1)
        yield build
        yield GaugeMetricFamily("blackmail_start_time_seconds", "When the server was started.", state.started)
        yield GaugeMetricFamily("blackmail_workers", "Workers that run.", self._monitor.running(state))
        yield GaugeMetricFamily("blackmail_workers_wanted", "Workers that should run.", state.wanted)
        refused = GaugeMetricFamily(
            "blackmail_reload_refused", "1: the last reload was refused.", int(bool(state.refused))
        )
        yield refused
        up = GaugeMetricFamily("blackmail_next_hop_up", "1: it greets.", labels=["next_hop"])
        for name, trouble in self._monitor.health.next_hops().items():
            up.add_metric([name], int(not trouble))
        yield up
        yield from self._quarantine()

    def _quarantine(self) -> Iterator[Metric]:
        kept = self._monitor.health.quarantine()
        readable = not isinstance(kept, str)
        yield GaugeMetricFamily("blackmail_quarantine_readable", "1: the store answers.", int(readable))
        if isinstance(kept, str):
            return
        yield GaugeMetricFamily("blackmail_quarantine_mails", "Mails that are held.", kept.mails)
        yield GaugeMetricFamily("blackmail_quarantine_bytes", "Bytes of these.", kept.size)
        yield GaugeMetricFamily("blackmail_quarantine_requested", "Of these, asked for by a recipient.", kept.requested)
        yield GaugeMetricFamily("blackmail_quarantine_uncertain", "Of these, perhaps delivered.", kept.uncertain)
        oldest = GaugeMetricFamily("blackmail_quarantine_oldest_timestamp_seconds", "When the oldest one came.")
        if kept.oldest:
            oldest.add_metric([], kept.oldest.timestamp())
        yield oldest


class Monitor:
    """What the answers are made of."""

    def __init__(self, config: Config, listeners: Mapping[str, Endpoint], folder: Path) -> None:
        """folder: where the processes of the server keep their figures and its state."""
        self.health = Health(config, listeners)
        self._folder = folder
        # Figures must not move from file to file while they are read.
        self._files = threading.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._counted = MultiProcessCollector(self._registry, path=str(folder))
        self._registry.register(Figures(self))

    def state(self) -> ServerState:
        """What the supervisor wrote last."""
        return read_state(self._folder)

    def running(self, state: ServerState) -> int:
        """How many of the workers are alive."""
        return sum(is_running(pid) for pid in state.workers)

    def gather(self) -> None:
        """Put the figures of processes that have ended together."""
        with self._files:
            gather_ended(self._folder)

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """All figures in the format that the client prefers, and its type."""
        encode, content_type = choose_encoder(accept)
        with self._files:
            gather_ended(self._folder)
            return encode(self._registry), content_type

    def healthy(self) -> list[str]:
        """Why the processes of the server are not as they should be; nothing if they are."""
        state = self.state()
        if not is_running(state.pid):
            return ["The supervisor is gone."]
        return workers_troubles(state, self.running(state))

    def status(self) -> dict[str, Any]:
        """All that `status` tells."""
        state = self.state()
        report = self.health.report(state, self.running(state))
        with self._files:
            counted = {metric.name: metric.samples for metric in self._counted.collect()}
        sums = {
            name: {next(iter(sample.labels.values())): int(sample.value) for sample in counted.get(metric, ())}
            for name, metric in (("mails", "blackmail_mails"), ("refused", "blackmail_sessions_refused"))
        }
        (faults,) = counted["blackmail_faults"]
        return {**report, **sums, "faults": int(faults.value)}


class Answers(BaseHTTPRequestHandler):
    """One request: GET, or HEAD of some checkers; what it asks for is not logged."""

    server: MonitorServer
    timeout = PATIENCE
    server_version = "blackmail-filter"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        monitor = self.server.monitor
        if path == "/metrics":
            self._say(HTTPStatus.OK, *monitor.metrics(self.headers.get("Accept", "")))
        elif path == "/healthz":
            self._say_whether(monitor.healthy())
        elif path == "/readyz":
            self._say_whether([*monitor.healthy(), *monitor.health.unready()])
        elif path == "/status":
            self._say(HTTPStatus.OK, _json(monitor.status()), JSON)
        else:
            self._say(HTTPStatus.NOT_FOUND, b"/metrics, /healthz, /readyz, /status\n", "text/plain")

    do_HEAD = do_GET  # noqa: N815  the name is that of the library

    def _say_whether(self, troubles: list[str]) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
        self._say(status, _json({"ok": not troubles, "troubles": troubles}), JSON)

    def _say(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's own
        """Scrapes are not news."""


def _json(value: object) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


class MonitorServer(ThreadingHTTPServer):
    """Serves on a socket that it was given."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, monitor: Monitor) -> None:
        super().__init__(("", 0), Answers, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.monitor = monitor
        self._free = threading.BoundedSemaphore(CONCURRENT)

    def process_request(self, request: Any, client_address: Any) -> None:
        """See ThreadingMixIn; whoever comes while all are busy is turned away."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """See ThreadingMixIn."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news either; a fault of ours is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            log.exception("monitoring could not be answered")


def run_monitor(listener: socket.socket, monitor: Monitor) -> None:
    """Answer until SIGTERM, or until the supervisor is gone."""
    # It may be gone before this line is reached.
    supervisor = monitor.state().pid
    wake, woken = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(woken, b"t"))
    server = MonitorServer(listener, monitor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    looks = 0
    while not select.select([wake], [], [], LOOK)[0] and os.getppid() == supervisor:
        looks += 1
        if looks % GATHER == 0:
            monitor.gather()
    server.shutdown()
