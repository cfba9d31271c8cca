"""A log whose lines are kept, and whose settings are gone after the test."""

import logging
import sys
import threading
import warnings

import pytest
from monitored import Monitored
from server_process import SERVE, servers

from milter.config import Config
from milter.observe.logs import Logs
from milter.observe.mail_line import MailLine


@pytest.fixture
def log_to(tmp_path):
    """Set the log up as `serve` does: `log_to(log_format="json", …)`, with sinks in tmp_path."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions, sys.excepthook, threading.excepthook
    shown, show = MailLine.shown, warnings.showwarning

    def set_up(level="info", **settings):
        # pytest's own handlers would see it, too.
        root.handlers.clear()
        logs = Logs(lambda _: b"key", level=level, journal=tmp_path / "journal", syslog=tmp_path / "syslog")
        logs.apply(Config(**settings))
        return logs

    yield set_up
    logging.captureWarnings(capture=False)
    for handler in root.handlers:
        handler.close()
    root.handlers[:], level, logging.raiseExceptions, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    MailLine.shown, warnings.showwarning = staticmethod(shown), show


@pytest.fixture
def monitored(tmp_path):
    """Start a server that can be asked: `monitored(setting=…)`."""
    with servers(tmp_path, SERVE) as start:
        yield lambda **settings: Monitored(start, tmp_path, **settings)
