"""Whether listeners and next hops answer, asked from outside as a client would ask."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from milter.config import (
    Address,
    Config,
    Endpoint,
    LmtpNextHop,
    MaildirNextHop,
    SomeNextHop,
    UnixAddress,
    address_of_host,
)
from milter.frontends.milter_packets import VERSION, Edit, Negotiation
from milter.observe.escaping import plain

# Seconds for one of them to answer.
PATIENCE = 3.0
ALL_EDITS = Edit.ADD_HEADER | Edit.CHANGE_BODY | Edit.CHANGE_HEADER | Edit.QUARANTINE


def probe_listener(setting: str, endpoint: Endpoint, config: Config) -> str:
    """Why a front end does not serve; "" if it does."""
    try:
        with _connected(endpoint) as connection:
            if setting == "milter":
                return _negotiated(connection)
            if setting in {"listen", "lmtp"}:
                if isinstance(endpoint, Address) and _by_proxy(connection, config):
                    connection.sendall(b"PROXY UNKNOWN\r\n")
                # 554: it serves those whom it trusts, and this machine is none of them.
                return _greeted(connection, "220", "554")
    except OSError as error:
        return _words(error)
    return ""


def probe_next_hop(hop: SomeNextHop) -> str:
    """Why a next hop cannot be reached; "" if it can."""
    if isinstance(hop, MaildirNextHop):
        return _maildir(hop.path)
    try:
        with _connected(hop.address) as connection:
            return _greeted(connection, "220")
    except OSError as error:
        return _words(error)


def next_hops(config: Config) -> Iterator[tuple[str, SomeNextHop]]:
    """Where mail goes, by the name that settings give it; nowhere where Postfix keeps it itself."""
    for hop in config.next_hop if config.listen or config.lmtp else ():
        if isinstance(hop, MaildirNextHop):
            yield f"maildir:{hop.path}", hop
        else:
            scheme = "lmtp" if isinstance(hop, LmtpNextHop) else "smtp"
            unix = isinstance(hop.address, UnixAddress)
            yield f"{scheme}+{hop.address}" if unix else f"{scheme}://{hop.address}", hop


def _connected(endpoint: Endpoint) -> socket.socket:
    if isinstance(endpoint, Address):
        address = endpoint.reached_at
        return socket.create_connection((address.host, address.port), timeout=PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(_path(endpoint))
    except OSError:
        connection.close()
        raise
    return connection


def _path(endpoint: UnixAddress) -> str:
    path = str(endpoint.path)
    return f"\0{path[1:]}" if path.startswith("@") else path


def _by_proxy(connection: socket.socket, config: Config) -> bool:
    ours = address_of_host(connection.getsockname()[0])
    return any(ours in network for network in config.proxy_protocol)


def _greeted(connection: socket.socket, *codes: str) -> str:
    greeting = plain(connection.makefile("rb").readline(1024).decode("ascii", "backslashreplace").strip())
    if greeting[:3] not in codes:
        return f"it greets with '{greeting}'" if greeting else "it closes the connection at once"
    connection.sendall(b"QUIT\r\n")
    # Whoever leaves before the answer stands in the other one's log as lost.
    connection.recv(1024)
    return ""


def _negotiated(connection: socket.socket) -> str:
    connection.sendall(bytes(Negotiation(VERSION, ALL_EDITS, 0)))
    answer = connection.recv(1024)
    return "" if answer[4:5] == b"O" else "it does not answer to a negotiation"


def _maildir(path: Path) -> str:
    """The folder may still have to be made."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return "" if path.is_dir() and os.access(path, os.W_OK | os.X_OK) else f"{path} cannot be written"


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:g} seconds"
    return (error.strerror or str(error)).lower()
