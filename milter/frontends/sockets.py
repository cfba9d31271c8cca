"""The sockets that the server listens on."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path

from milter.config import Address, Config, Endpoint, UnixAddress
from milter.errors import ConfigError

BACKLOG = 1024
ADVICE = {
    errno.EADDRINUSE: "stop what listens there, or choose another one",
    errno.EACCES: "let the filter's user open it, or choose another one",
    errno.ENOENT: "make the folder, or choose another one",
}
# The settings that name an address to listen on.
SETTINGS = ("listen", "lmtp", "milter", "web", "metrics")


def addresses(config: Config) -> dict[str, Endpoint]:
    """Where to listen, by the setting that says so."""
    return {key.removesuffix(".listen"): address for key, address in config.addresses.items()}


def bind(endpoint: Endpoint, setting: str = "listen", *, mode: int = 0o660) -> socket.socket:
    """A listening socket; mode is that of a Unix socket. Raises ConfigError, for instance when the port is in use."""
    try:
        listener = _bound_to_path(endpoint, mode) if isinstance(endpoint, UnixAddress) else _bound_to_port(endpoint)
    except OSError as error:
        raise ConfigError(f"{setting}: {endpoint}: {error.strerror}; {_advice(error)}") from error
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _advice(error: OSError) -> str:
    return ADVICE.get(error.errno or 0, "choose another one")


def _bound_to_port(address: Address) -> socket.socket:
    family, kind, proto, _, name = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    # asyncio sets TCP_NODELAY only on a socket that was made with IPPROTO_TCP.
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(name)
    except OSError:
        listener.close()
        raise
    return listener


def _bound_to_path(address: UnixAddress, mode: int) -> socket.socket:
    """What a server before us has left there is in the way; where one answers, it is not ours to replace."""
    if _answers(address):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    if address.path.is_socket():
        address.path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(address.path))
        address.path.chmod(mode)
    except OSError:
        listener.close()
        raise
    return listener


def _answers(address: UnixAddress) -> bool:
    with contextlib.suppress(FileNotFoundError, ConnectionRefusedError), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(address.path))
        return True
    return False


def chmod(listener: socket.socket, mode: int) -> None:
    """Set who may open a Unix socket; others stay as they are."""
    if path := _path(listener):
        path.chmod(mode)


def remove(listener: socket.socket) -> None:
    """Take away the path of a Unix socket, so that clients see at once that nobody is there."""
    if path := _path(listener):
        path.unlink(missing_ok=True)


def _path(listener: socket.socket) -> Path | None:
    address = address_of(listener)
    return address.path if isinstance(address, UnixAddress) else None


def address_of(listener: socket.socket) -> Endpoint:
    """Where a socket listens; the kernel's choice if port 0 was asked for."""
    name = listener.getsockname()
    if isinstance(name, bytes):
        name = f"@{name[1:].decode()}"  # the kernel's own name space, unix(7)
    return UnixAddress(path=Path(name)) if isinstance(name, str) else Address(host=name[0], port=name[1])
