"""The log of the server, set up once for all that is said: by us, by libraries, and by Python itself."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from milter.config import Config
from milter.observe.addresses import shown_by
from milter.observe.formats import LineFormatter, PrefixFormatter, json_formatter
from milter.observe.mail_line import MailLine
from milter.observe.sinks import (
    JOURNAL,
    SYSLOG,
    DatagramHandler,
    journal_datagram,
    journal_reads,
    syslog_datagram,
)

log = logging.getLogger(__name__)


class Logs:
    """The settings of the log that are in force in this process; those of later settings take their place."""

    def __init__(
        self, key_of: Callable[[Config], bytes], *, level: str = "info", journal: Path = JOURNAL, syslog: Path = SYSLOG
    ) -> None:
        """key_of gives the key of the codes that stand for addresses where these are hashed."""
        self._key_of = key_of
        self._debug = level == "debug"
        self._journal = journal
        self._syslog = syslog
        logging.getLogger().setLevel(level.upper())
        # A sink that fails must not make more noise at standard error.
        logging.raiseExceptions = False
        logging.captureWarnings(capture=True)
        sys.excepthook = _uncaught
        threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    def apply(self, config: Config) -> None:
        """Write as these settings say from now on."""
        root, handler = logging.getLogger(), self._handler(config)
        for old in root.handlers[:]:
            root.removeHandler(old)
            old.close()
        root.addHandler(handler)
        MailLine.shown = staticmethod(shown_by(config.log_addresses, self._key_of(config)))

    def _handler(self, config: Config) -> logging.Handler:
        on_stream = config.log_to == "stderr"
        journal = on_stream and journal_reads(2)
        formatter = (
            json_formatter(traces=self._debug)
            if config.log_format == "json"
            else LineFormatter(dated=on_stream and not journal, traces=self._debug)
        )
        if config.log_to == "journal":
            handler: logging.Handler = DatagramHandler(self._journal, journal_datagram)
        elif config.log_to == "syslog":
            handler = DatagramHandler(self._syslog, syslog_datagram)
        else:
            handler = logging.StreamHandler()
        handler.setFormatter(PrefixFormatter(formatter) if journal else formatter)
        return handler


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt):
        return
    log.critical("ended by a fault of the program", exc_info=(kind, error, trace))
