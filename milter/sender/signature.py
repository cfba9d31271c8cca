"""One signature of DKIM (RFC 6376) or ARC (RFC 8617): reading its tags, its key, and verifying the fields it covers.

dkimpy reads tags and keys, canonicalises and verifies; what it leaves to its caller is checked here.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import dkim
import dkim.asn1
import dkim.util
import nacl.exceptions

from milter.addresses import to_ascii
from milter.errors import BlackmailFilterError
from milter.model import AuthResult
from milter.sender.body import digest
from milter.sender.fields import Field, RawMail

# Limits that no honest signature meets; dkimpy needs quadratic time for what lies beyond.
MAX_LENGTH = 8_192
LONG_BLANK = re.compile(rb"\s{100}")
MAX_NAMES = 500
MAX_KEY_RECORD = 4_096
# RFC 8301 §3.2; longer keys cost too much to try.
RSA_BITS = range(1024, 4096 + 1)
MAX_EXPONENT_BITS = 64
SELECTOR = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")

DKIM_TAGS = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")
MESSAGE_SIGNATURE_TAGS = (b"i", b"a", b"b", b"bh", b"d", b"h", b"s")
SEAL_TAGS = (b"i", b"a", b"b", b"cv", b"d", b"s")

# What dkimpy raises for hostile input, beside its own errors.
FAULTS = (
    dkim.DKIMException,
    dkim.asn1.ASN1FormatError,
    dkim.util.InvalidTagValueList,
    nacl.exceptions.CryptoError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)

# dkimpy tells in its log what it also returns.
SILENT = logging.Logger("dkimpy", level=logging.CRITICAL + 1)


class SignatureError(BlackmailFilterError):
    """The signature cannot count; result is the RFC 8601 word for it, the text says why."""

    def __init__(self, result: AuthResult, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signature:
    """The tags of one signature field, checked for form."""

    field: Field
    tags: dict[bytes, bytes]
    domain: str
    selector: str

    @property
    def key_name(self) -> str:
        """Where the public key is (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def algorithm(self) -> str:
        """The a= tag."""
        return self.tags[b"a"].decode("ascii", "replace")

    @property
    def canonicalisation(self) -> bytes:
        """The c= tag; fields of ARC are relaxed where they do not say so (RFC 8617 §4.1.3), DKIM is simple."""
        return self.tags.get(b"c", b"simple/simple" if b"v" in self.tags else b"relaxed/relaxed")

    @property
    def signed_names(self) -> list[bytes]:
        """The names of the h= tag in lower case, in its order."""
        return [name.strip().lower() for name in self.tags[b"h"].split(b":")]


@dataclass(frozen=True, slots=True)
class Key:
    """A public key in dkimpy's form, and whether its owner only tests (t=y, RFC 6376 §3.6.1)."""

    material: Any
    bits: int
    kind: bytes
    testing: bool


def read_signature(field: Field, required: tuple[bytes, ...]) -> Signature:
    """The tags of a signature; raises SignatureError if the form is wrong (RFC 6376 §6.1.1)."""
    if len(field.value) > MAX_LENGTH or LONG_BLANK.search(field.value):
        raise SignatureError("permerror", "signature too long")
    try:
        tags = dkim.util.parse_tag_value(field.value)
        dkim.validate_signature_fields(tags, list(required), arc=required is not DKIM_TAGS)
        domain = to_ascii(tags[b"d"].decode())
        selector = tags[b"s"].decode("ascii")
    except FAULTS as fault:
        raise SignatureError("permerror", "malformed signature") from fault
    if domain is None or not SELECTOR.fullmatch(selector):
        raise SignatureError("permerror", "malformed domain or selector")
    signature = Signature(field, tags, domain, selector.lower())
    if b"h" in required:
        names = signature.signed_names
        if b"from" not in names:
            raise SignatureError("permerror", "From is not signed")
        if len(names) > MAX_NAMES:
            raise SignatureError("permerror", "too many signed fields")
    return signature


def read_key(signature: Signature, records: Iterable[bytes]) -> Key:
    """The key from the TXT records of key_name; raises SignatureError (RFC 6376 §6.1.2, RFC 8301 §3.2, RFC 8463 §3)."""
    record = next((record for record in records if b"p" in _tags(record)), None)
    if record is None:
        raise SignatureError("permerror", "no key")
    tags = _tags(record)
    _check_use(signature, tags)
    try:
        material, bits, kind, _ = dkim.evaluate_pk(signature.key_name, record)
    except FAULTS as fault:
        raise SignatureError("permerror", "malformed key") from fault
    if not signature.tags[b"a"].startswith(kind + b"-"):
        raise SignatureError("permerror", "key is for another algorithm")
    if kind == b"rsa" and (bits not in RSA_BITS or material["publicExponent"].bit_length() > MAX_EXPONENT_BITS):
        raise SignatureError("policy", f"key of {bits} bits")
    return Key(material, bits, kind, b"y" in _list(tags, b"t"))


def _tags(record: bytes) -> dict[bytes, bytes]:
    try:
        return dict(dkim.util.parse_tag_value(record)) if len(record) <= MAX_KEY_RECORD else {}
    except dkim.util.InvalidTagValueList:
        return {}


def _list(tags: dict[bytes, bytes], name: bytes) -> list[bytes]:
    return [part.strip() for part in tags.get(name, b"").split(b":")]


def _check_use(signature: Signature, key: dict[bytes, bytes]) -> None:
    """What a key record allows (RFC 6376 §3.6.1)."""
    if not key[b"p"]:
        raise SignatureError("permerror", "key revoked")
    if key.get(b"v", b"DKIM1") != b"DKIM1":
        raise SignatureError("permerror", "unknown key version")
    if b"h" in key and b"sha256" not in _list(key, b"h"):
        raise SignatureError("permerror", "key is for another hash")
    if b"s" in key and not {b"*", b"email"} & set(_list(key, b"s")):
        raise SignatureError("permerror", "key is for another service")
    identity = signature.tags.get(b"i", b"").rpartition(b"@")[2].lower()
    if b"s" in _list(key, b"t") and b"v" in signature.tags and identity not in (b"", signature.tags[b"d"].lower()):
        raise SignatureError("permerror", "key is not for subdomains")


def verify_fields(signature: Signature, key: Key, fields: Iterable[Field], names: list[bytes]) -> bool:
    """Whether the signature over these fields holds; raises SignatureError if it cannot be tried."""
    wanted = set(names)
    verifier = dkim.DKIM(logger=SILENT)
    verifier.headers = [[one.name, one.value] for one in fields if one.name.lower() in wanted]
    verifier.pk, verifier.keysize, verifier.ktag = key.material, key.bits, key.kind
    # The body is hashed by body_matches; without bh= dkimpy leaves it alone.
    tags = {name: value for name, value in signature.tags.items() if name != b"bh"}
    tags[b"c"] = signature.canonicalisation
    try:
        return bool(verifier.verify_sig_process(tags, list(names), (signature.field.name, signature.field.value), None))
    except FAULTS as fault:
        raise SignatureError("permerror", "malformed signature") from fault


def body_matches(signature: Signature, mail: RawMail) -> bool:
    """Whether bh= is the hash of the body; raises SignatureError if l= leaves part of it unsigned."""
    relaxed = signature.canonicalisation.endswith(b"/relaxed")
    length = signature.tags.get(b"l")
    try:
        expected = base64.b64decode(b"".join(signature.tags[b"bh"].split()))
    except ValueError as fault:
        raise SignatureError("permerror", "malformed body hash") from fault
    found, unsigned = digest(mail.raw, mail.body_at, relaxed=relaxed, length=int(length) if length else None)
    if found == expected and unsigned:
        raise SignatureError("policy", "text after the signed length")
    return found == expected
