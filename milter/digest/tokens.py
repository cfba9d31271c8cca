"""Signed, expiring tokens: each is for one purpose, one mail and one recipient. Whoever holds one may do that.

A token is no proof of how often it was used; the store sees to it that a copy is released once.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from milter.config import Store
from milter.store.keys import given_ring, new_ring

Purpose = Literal["release", "request", "false-alarm", "view"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
TOKEN = re.compile(
    r"(?<![A-Za-z0-9_.-])[A-Za-z0-9_-]{8,200}\.[A-Za-z0-9_-]{4,12}\.[A-Za-z0-9_-]{20,90}(?![A-Za-z0-9_-])"
)
DAY = 86_400


class Order(NamedTuple):
    """What a token allows: position is that of the recipient among the mail's copies, so that a link names nobody."""

    purpose: Purpose
    mail_id: str
    position: int


class Expired(Exception):  # noqa: N818  not a failure of ours
    """The token was ours, and its time is over."""


def signing_keys(settings: Store, *, make: bool = True, environ: Mapping[str, str] = os.environ) -> list[bytes]:
    """Keys derived from those of the store, oldest first; make them when there are none. Raises StoreError."""
    ring = given_ring(settings.key_file, environ)
    if ring is None:
        if not make:
            return []
        ring = new_ring(settings.key_file)
    secrets = [ring.key(key_id).secret for key_id in ring.ids]
    return [hmac.digest(secret, b"blackmail-filter digest", "sha256") for secret in reversed(secrets)]


class Tokens:
    """Tokens under the keys of one store; without keys there are none."""

    def __init__(self, keys: Sequence[bytes], *, valid_days: int) -> None:
        self._keys = keys
        self._max_age = valid_days * DAY

    def make(self, order: Order, *, now: datetime) -> str:
        """The token of an order; letters, digits, "-", "_" and "."."""
        return str(self._serializer(order.purpose, now).dumps([order.mail_id, order.position]))

    def read(self, token: str, *, now: datetime) -> Order | None:
        """What a token allows; None if it is not ours. Raises Expired."""
        for purpose in PURPOSES if self._keys else ():
            try:
                mail_id, position = self._serializer(purpose, now).loads(token, max_age=self._max_age)
            except SignatureExpired:
                raise Expired from None
            except (BadData, ValueError, TypeError):
                continue
            return Order(purpose, mail_id, position)
        return None

    def _serializer(self, purpose: Purpose, now: datetime) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            list(self._keys),
            salt=f"blackmail-filter {purpose}",
            signer_kwargs={"digest_method": hashlib.sha256},
            signer=_signer_at(now),
        )


def _signer_at(now: datetime) -> type[TimestampSigner]:
    """A signer whose clock shows now."""

    class Signer(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(now.timestamp())

    return Signer
