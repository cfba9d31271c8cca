"""Listening sockets that systemd opened for us and keeps open while we restart: sd_listen_fds(3)."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from milter.errors import ConfigError
from milter.frontends.sockets import SETTINGS

# SD_LISTEN_FDS_START
FIRST = 3


def inherited(environ: Mapping[str, str]) -> dict[str, socket.socket]:
    """The sockets by the setting that each one is named for (FileDescriptorName=). Raises ConfigError."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(environ.get("LISTEN_FDS", "0"))
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, socket.socket] = {}
    for number in range(count):
        name = names[number] if number < len(names) else ""
        if name not in SETTINGS:
            raise ConfigError(
                f"systemd's socket '{name}' is for no setting: write FileDescriptorName= {', '.join(SETTINGS)}"
            )
        if name in found:
            raise ConfigError(f"{name}: systemd hands over two sockets of that name; leave one ListenStream=")
        found[name] = _listener(FIRST + number, name)
    return found


def _listener(descriptor: int, name: str) -> socket.socket:
    try:
        # Family and protocol are asked of the kernel: without IPPROTO_TCP asyncio sets no TCP_NODELAY.
        listener = socket.socket(fileno=descriptor)
        listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise ConfigError(f"{name}: what systemd hands over is no socket ({error.strerror})") from error
    if not listens or listener.type != socket.SOCK_STREAM:
        raise ConfigError(f"{name}: systemd's socket takes no connections; write ListenStream= and Accept=no")
    listener.set_inheritable(False)
    listener.setblocking(False)
    return listener
