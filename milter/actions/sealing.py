"""ARC sealing of what we pass on, so that later hops can trust what we saw (RFC 8617)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from milter.config import Arc
from milter.errors import ConfigError
from milter.model import AuthResult

if TYPE_CHECKING:
    from milter.sender.seal import SealKey


def load_seal_key(settings: Arc) -> SealKey:
    """The configured key. Raises ConfigError that names the file."""
    from milter.sender.seal import read_seal_key  # noqa: PLC0415  a server that seals nothing starts without dkimpy

    try:
        pem = settings.key.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"arc.key: {settings.key} cannot be read ({error.strerror}): check the path and its permissions"
        ) from error
    try:
        return read_seal_key(settings.domain, settings.selector, pem)
    except ConfigError as error:
        raise ConfigError(f"arc.key: {settings.key}: {error}") from error


async def sealed(fields: bytes, mail: bytes, key: SealKey, *, authserv_id: str, chain: AuthResult) -> bytes:
    """The fields to put on top of a mail, below the seal over both; signing takes milliseconds and has a thread."""
    from milter.sender.seal import seal  # noqa: PLC0415  see load_seal_key

    seals = await asyncio.to_thread(seal, fields + mail, key, authserv_id=authserv_id, chain=chain)
    return seals + fields
