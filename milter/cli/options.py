"""What several commands share: the configuration option, and how settings become an inspector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from milter import config as settings
from milter.config import Config

SYSTEM_CONFIG = Path("/etc/blackmail-filter/config.yaml")


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-c FILE`."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        help=f"Configuration file (default: {SYSTEM_CONFIG} if it exists, else the built-in settings).",
    )(function)


def load_config(path: Path | None) -> Config:
    """The settings of a file, of the system's file, or the defaults. Raises ConfigError."""
    if path is None and SYSTEM_CONFIG.exists():
        path = SYSTEM_CONFIG
    return settings.load(path)


def reader_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--language` and `--country`, for whom a report is written."""
    language = click.option(
        "--language", help="Language of the report (de); default: by policy, then that of the mail."
    )
    country = click.option("--country", help="Where to report (DE); default: as configured, by domain, by language.")
    return language(country(function))
