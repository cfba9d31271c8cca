"""What the commands of the digest share: the moment, and settings that can be told from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from milter.cli.options import load_config
from milter.config import Config
from milter.errors import ConfigError, StoreError


def usable_config(path: Path | None, *, sending: bool) -> Config:
    """Settings of a quarantine that exists. Raises ConfigError and StoreError."""
    config = load_config(path)
    if sending and not config.digest.author:
        raise ConfigError("digest: give from_address or command_address: mails need an author")
    if config.store.file and not config.store.exists:
        where = config.store.file.absolute()
        raise StoreError(f"there is no store at {where}: nothing was quarantined yet, or -c is missing")
    return config


def local_now() -> datetime:
    """The time on this machine's clock."""
    return datetime.now().astimezone()
