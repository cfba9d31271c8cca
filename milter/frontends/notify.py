"""What systemd hears of the server: sd_notify(3), a datagram of NAME=value lines."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

from milter.frontends.supervisor import Phase

log = logging.getLogger(__name__)


class Notifier:
    """Tells systemd in which phase the server is; made from the environment that systemd gave it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ["NOTIFY_SOCKET"]
        # unix(7): the name of an abstract socket begins with a zero byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog = _watchdog(environ)
        self._last_alive = 0.0

    @property
    def tick(self) -> float:
        """Seconds after which to say "alive" again, at the latest; WATCHDOG=1 then goes out in time."""
        return self._watchdog / 4 if self._watchdog else float("inf")

    def __call__(self, phase: Phase, status: str = "", seconds: float = 0.0) -> None:
        """Pass on a phase, a line for `systemctl status`, and the seconds that stopping may take."""
        if phase == "alive":
            self._alive()
            return
        # Type=notify-reload knows by the time that this answers its own SIGHUP.
        lines = {
            "ready": "READY=1",
            "reloading": f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}",
            "stopping": f"STOPPING=1\nEXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}",
        }
        self._send(f"{lines[phase]}\nSTATUS={' '.join(status.split())}")

    def _alive(self) -> None:
        now = time.monotonic()
        if self._watchdog and now - self._last_alive >= self._watchdog / 2 - self.tick:
            self._last_alive = now
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.setblocking(False)
                manager.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd cannot be told: %s", error.strerror)


def _watchdog(environ: Mapping[str, str]) -> float | None:
    """Seconds within which systemd wants a sign of life, if it wants one of us (sd_watchdog_enabled(3))."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000 or None
