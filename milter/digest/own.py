"""X-Blackmail-Digest: the field by which the filter knows its own mail, so that it is not filtered again.

It binds all that a reader sees: whoever copies it can but send the very same mail once more.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Sequence

from milter.config import Store
from milter.content.headers import header_end, split_headers
from milter.digest.tokens import signing_keys
from milter.errors import StoreError

NAME = "X-Blackmail-Digest"
BOUND = ("From", "To", "Subject", "Date", "Message-ID", "Content-Type", "Content-Transfer-Encoding")

MARK = NAME.lower().encode("ascii")

log = logging.getLogger(__name__)


def mark(raw: bytes, key: bytes) -> bytes:
    """The mail with the field on top; lines end in CRLF."""
    return f"{NAME}: {_seal(raw, key)}\r\n".encode("ascii") + raw


def is_marked(raw: bytes, keys: Sequence[bytes]) -> bool:
    """Whether a mail carries the field once, and one of the keys made it."""
    seals = [value.strip() for name, value in split_headers(raw, 0, len(raw))[0].raw if name.lower() == NAME.lower()]
    if len(seals) != 1:
        return False
    return any(hmac.compare_digest(seals[0], _seal(raw, key).encode("ascii")) for key in keys)


def own_mail(settings: Store) -> Callable[[bytes], bool]:
    """Whether a mail is ours; a store without keys has made none, and keys that cannot be read prove nothing."""

    def is_own(raw: bytes) -> bool:
        if MARK not in raw[: header_end(raw)].lower():
            return False
        try:
            return is_marked(raw, signing_keys(settings, make=False))
        except StoreError as error:
            log.warning("own mail cannot be told from others: %s", error)
            return False

    return is_own


def _seal(raw: bytes, key: bytes) -> str:
    headers, body = split_headers(raw, 0, len(raw))
    # Hosts on the way may end lines in another way, or add one at the end.
    content = b"\n".join(raw[body:].splitlines()).rstrip()
    bound = [*map(headers.all, BOUND), hashlib.sha256(content).hexdigest()]
    return hmac.new(key, json.dumps(bound).encode("ascii"), hashlib.sha256).hexdigest()
