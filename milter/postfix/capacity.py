"""How many mails the filter takes at once, which Postfix must not exceed."""

from __future__ import annotations

from milter.config import Config, worker_count


def capacity(config: Config) -> int:
    """Sessions of one client, such as Postfix, that all workers together take."""
    per_worker = min(config.max_connections, config.max_connections_per_client or config.max_connections)
    return worker_count(config) * per_worker
