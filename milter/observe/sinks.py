"""Where log lines go. A sink that is away, or does not take them fast enough, costs lines, never mail."""

from __future__ import annotations

import logging
import logging.handlers
import os
import socket
from collections.abc import Callable
from pathlib import Path

from milter.observe.formats import priority
from milter.observe.mail_line import MailLine

NAME = "blackmail-filter"
JOURNAL = Path("/run/systemd/journal/socket")
SYSLOG = Path("/dev/log")
# Longer lines would not fit into one datagram everywhere.
LONGEST = 32 * 1024

# A record and its line → a datagram.
Encode = Callable[[logging.LogRecord, str], bytes]


class DatagramHandler(logging.Handler):
    """Writes to a Unix socket and never waits for it; says how many lines were lost when one gets through again."""

    def __init__(self, path: Path, encode: Encode) -> None:
        super().__init__()
        self._path = path
        self._encode = encode
        self._socket: socket.socket | None = None
        self.lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        try:
            datagram = self._encode(record, self.format(record)[:LONGEST])
        except Exception:  # noqa: BLE001  whatever is wrong with one line, mail goes on
            self.lost += 1
            return
        if not self._sent(datagram):
            self.lost += 1
        elif self.lost and self._sent(self._encode(record, f"{self.lost} lines before this one were lost")):
            self.lost = 0

    def _sent(self, datagram: bytes) -> bool:
        """Whether somebody has it; a reader that was started anew is found again."""
        for _ in range(2):
            try:
                self._connected().send(datagram)
            except BlockingIOError:
                return False
            except OSError:
                self._disconnect()
            else:
                return True
        return False

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
            self._socket.connect(str(self._path))
        return self._socket

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """See logging.Handler."""
        self._disconnect()
        super().close()


def syslog_datagram(record: logging.LogRecord, line: str) -> bytes:
    """For the syslog of this machine (RFC 3164 without the parts that it adds itself), in the facility of mail."""
    code = logging.handlers.SysLogHandler.LOG_MAIL << 3 | priority(record)
    return f"<{code}>{NAME}[{os.getpid()}]: {line}".encode("utf-8", "backslashreplace")


def journal_datagram(record: logging.LogRecord, line: str) -> bytes:
    """For systemd's journal (systemd.io/JOURNAL_NATIVE_PROTOCOL), a mail's fields as BLACKMAIL_ACTION and so on."""
    fields = {
        "MESSAGE": line,
        "PRIORITY": str(priority(record)),
        "SYSLOG_IDENTIFIER": NAME,
        "LOGGER": record.name,
    }
    if isinstance(record.msg, MailLine):
        fields |= {f"BLACKMAIL_{name.upper()}": _text(value) for name, value in record.msg.fields().items()}
    return b"".join(_field(name, value) for name, value in fields.items())


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "backslashreplace")
    if b"\n" not in data:
        return name.encode("ascii") + b"=" + data + b"\n"
    return name.encode("ascii") + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"


def journal_reads(descriptor: int) -> bool:
    """Whether a descriptor is the stream that systemd reads for its journal (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
