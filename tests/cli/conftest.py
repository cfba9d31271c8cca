"""The command `serve` as a process."""

import pytest
from server_process import SERVE, servers


@pytest.fixture
def start(tmp_path):
    """Start `serve` on a configuration: `start(setting=...)`."""
    with servers(tmp_path, SERVE) as start_server:
        yield start_server
