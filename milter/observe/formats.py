"""Log records as lines: for people, or JSON for programs."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from milter.observe.addresses import in_text
from milter.observe.escaping import plain
from milter.observe.faults import in_one_line
from milter.observe.mail_line import MailLine

# Of syslog (RFC 5424 §6.2.1), from the worst.
PRIORITIES: Mapping[int, int] = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}
DEBUG_PRIORITY = 7


def priority(record: logging.LogRecord) -> int:
    """The severity of a record, from 2 (critical) to 7 (debug)."""
    return PRIORITIES.get(record.levelno, DEBUG_PRIORITY)


def message(record: logging.LogRecord, *, traces: bool = False) -> str:
    """What a record says, in one line of printable ASCII; with traces, indented lines of a traceback follow."""
    if isinstance(record.msg, MailLine):
        return str(record.msg)
    text = plain(in_text(record.getMessage(), MailLine.shown))
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return text
    text = f"{text}: {plain(in_one_line(error))}"
    if not traces:
        return text
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join([text, *(f"    {plain(line)}" for line in lines)])


class LineFormatter(logging.Formatter):
    """For people; dated unless whoever takes the lines puts a time to them."""

    def __init__(self, *, dated: bool, traces: bool) -> None:
        super().__init__()
        self._dated = dated
        self._traces = traces
        self._second = -1
        self._date = ""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        text = message(record, traces=self._traces)
        return f"{self._time(record)} {record.levelname} {text}" if self._dated else text

    def _time(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if second != self._second:
            self._second, self._date = second, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return f"{self._date},{int(record.msecs):03}"


class PrefixFormatter(logging.Formatter):
    """For a standard error that the journal reads: it takes the severity from the beginning (sd-daemon(3))."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        lines = self._inner.format(record).split("\n")
        return "\n".join(f"<{priority(record)}>{line}" for line in lines)


def json_formatter(*, traces: bool) -> logging.Formatter:
    """One object a line: time, level, logger, event, what a mail is told by, and of a fault what and where."""
    # It loads rich and attrs, which no other log needs.
    import structlog  # noqa: PLC0415

    processors: list[Callable[[Any, str, MutableMapping[str, Any]], Any]] = [_fields]
    if traces:
        transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        processors.append(structlog.processors.ExceptionRenderer(transformer))
    else:
        processors.append(_without_trace)
    processors.append(structlog.processors.JSONRenderer())
    return structlog.stdlib.ProcessorFormatter(processors=processors)


def _fields(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A record of whatever library → its fields, under the names that structlog uses."""
    record: logging.LogRecord = event["_record"]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    fields: dict[str, Any] = {
        "timestamp": f"{stamp}.{int(record.msecs):03}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    if isinstance(record.msg, MailLine):
        return {**fields, "event": "mail", **record.msg.fields()}
    fields["event"] = plain(in_text(event["event"], MailLine.shown))
    trace = event.get("exc_info")
    if trace and trace[1]:
        fields["fault"] = plain(in_one_line(trace[1]))
        # Left to those behind, who show it where traces are asked for.
        fields["exc_info"] = trace
    return fields


def _without_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("exc_info", None)
    return event
