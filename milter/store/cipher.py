"""Encryption of what is kept: AES-256-GCM (NIST SP 800-38D), one random nonce a value, its place as associated data."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from milter.errors import StoreError
from milter.store.keys import KeyRing

PLAIN, AES_256_GCM = b"\0", b"\1"
NONCE_BYTES = 12


class Cipher:
    """Seals with the newest key of the ring and opens with any; with encrypt off it only marks values as plain."""

    def __init__(self, ring: KeyRing | None, *, encrypt: bool = True) -> None:
        self.ring = ring
        self._encrypt = encrypt

    @property
    def key_id(self) -> str:
        """The short id of the key that seals now; "" for none."""
        return self.ring.newest.id if self.ring and self._encrypt else ""

    def seal(self, value: bytes, place: str, key_id: str) -> bytes:
        """Encrypt a value; place ("table/id/column") keeps it from being moved. Raises StoreError."""
        if not key_id:
            return PLAIN + value
        nonce = secrets.token_bytes(NONCE_BYTES)
        return AES_256_GCM + nonce + self._aes(key_id, place).encrypt(nonce, value, place.encode())

    def unseal(self, sealed: bytes, place: str, key_id: str) -> bytes:
        """The value again. Raises StoreError if the key is missing or the value was tampered with."""
        if sealed[:1] == PLAIN:
            return sealed[1:]
        aes = self._aes(key_id, place)
        try:
            return aes.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], place.encode())
        except (InvalidTag, ValueError):
            raise StoreError(f"{place} cannot be decrypted: it was changed or is damaged") from None

    def _aes(self, key_id: str, place: str) -> AESGCM:
        if self.ring is None:
            raise StoreError(f"{place} is encrypted: set store.encrypt, and give the key {key_id}")
        return AESGCM(self.ring.key(key_id).secret)
