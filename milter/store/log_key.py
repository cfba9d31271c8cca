"""The key of the codes that stand for addresses in the log: derived from the store's, and so the same on all nodes."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping

from milter.config import Config
from milter.errors import StoreError
from milter.store.keys import KEY_BYTES, given_ring

PURPOSE = b"blackmail-filter log"
# All processes of a server have it from the first one.
OF_THIS_RUN = secrets.token_bytes(KEY_BYTES)

log = logging.getLogger(__name__)


def log_key(config: Config, *, environ: Mapping[str, str] = os.environ) -> bytes:
    """Of the newest key (HKDF, RFC 5869); without one, a key of this run. Empty where none is used."""
    if config.log_addresses != "hashed":
        return b""
    try:
        ring = given_ring(config.store.key_file, environ)
    except StoreError as error:
        log.warning("codes of addresses in the log are others after the next start: %s", error)
        ring = None
    if ring is None:
        return OF_THIS_RUN
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  of no use elsewhere in a server
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(SHA256(), KEY_BYTES, salt=None, info=PURPOSE).derive(ring.newest.secret)
