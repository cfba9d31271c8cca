"""Bundles of evidence on the disk, for the commands that make them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from milter.config import Config
from milter.errors import ConfigError
from milter.evidence import Case, check_installed, write_bundle
from milter.frontends.scan import Record
from milter.model import Envelope
from milter.policies import Policies


def check_ready(path: Path) -> None:
    """Raise ConfigError, before much work is done, if a bundle cannot be written there or its library is missing."""
    check_installed()
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"{path} cannot be written: {path.parent} is no folder that may be written to")


def save_bundle(
    path: Path, cases: Iterable[Case], config: Config, *, language: str | None, country: str | None
) -> None:
    """Write a bundle, whole or not at all and for its owner only, and say its checksum. Raises ConfigError."""
    part = path.with_name(f"{path.name}.part")
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            count = write_bundle(
                file,
                _for_recipients(cases, config),
                language=language,
                country=country or config.country,
                now=datetime.now(UTC),
                points=config.reporting,
                trusted=config.trusted_clients,
            )
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"evidence of {count:,} {'mail' if count == 1 else 'mails'} in {path}, SHA-256 {digest}", err=True)


def _for_recipients(cases: Iterable[Case], config: Config) -> Iterator[Case]:
    """The cases, each in the language that its first recipient's policy names."""
    policies = Policies(config)
    for case in cases:
        recipient = case.envelope.rcpt_to[0] if case.envelope.rcpt_to else ""
        yield replace(case, language=policies.of(recipient).language)


def case_of(record: Record) -> Case | None:
    """The case of a mail from a file; None for a bare text, whose header is missing, and for what was not kept."""
    if record.verdict is None or not record.raw or record.path.lower().endswith(".txt"):
        return None
    name = Path(record.path).stem if record.path != "-" else "mail"
    return Case(f"{name}-{record.index}" if record.index else name, record.raw, Envelope(), record.verdict)
