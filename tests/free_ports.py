"""Ports for servers that must be told theirs beforehand."""

import itertools
import random
import socket

LOOPBACK = "127.0.0.1"
# Below those that the kernel gives to clients (ip_local_port_range), so that none takes one before its server does.
_CANDIDATES = itertools.cycle(random.sample(range(20_000, 32_000), 12_000))


def free_port() -> int:
    """A port of loopback that nobody listens on; not given again for long."""
    for port in _CANDIDATES:
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable")
