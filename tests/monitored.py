"""A server with monitoring, asked as Prometheus asks."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from pathlib import Path

from free_ports import free_port
from server_process import LOOPBACK, PATIENCE, ServerProcess

from milter.observe.state import ServerState, read_state

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ([-+.\w]+)$", re.MULTILINE)


class Monitored:
    """A running server, and what it tells."""

    def __init__(self, start, folder: Path, **settings) -> None:
        self.port = free_port()
        self.run = folder / "run"
        self.run.mkdir()
        self.server: ServerProcess = start(
            metrics={"listen": f"{LOOPBACK}:{self.port}"}, environ={"RUNTIME_DIRECTORY": str(self.run)}, **settings
        )

    @property
    def files(self) -> Path:
        (found,) = self.run.iterdir()
        return found

    @property
    def state(self) -> ServerState:
        return read_state(self.files)

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=PATIENCE)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def json(self, path: str) -> dict:
        return json.loads(self.get(path)[1])

    def metrics(self) -> dict[str, float]:
        """Figures by name and labels, as they stand there."""
        status, text = self.get("/metrics")
        assert status == 200
        return {f"{name}{{{labels}}}" if labels else name: float(value) for name, labels, value in SAMPLE.findall(text)}

    def mails(self) -> float:
        return sum(value for name, value in self.metrics().items() if name.startswith("blackmail_mails_total"))

    def until(self, condition) -> None:
        self.server.until(condition)


def promtool(*arguments: str, given: str | None = None) -> None:
    """Prometheus's own checks. Raises AssertionError with what they say."""
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
