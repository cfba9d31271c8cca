"""ARC sealing (RFC 8617 §5.1) of a mail that we changed, so that later hops can trust what we saw before."""

from __future__ import annotations

from dataclasses import dataclass

import dkim
import dkim.crypto

from milter.addresses import to_ascii
from milter.errors import ConfigError
from milter.model import AuthResult
from milter.sender.body import canonical
from milter.sender.fields import cut
from milter.sender.signature import FAULTS, RSA_BITS, SILENT


@dataclass(frozen=True, slots=True)
class SealKey:
    """An RSA private key (PEM), and where its public half stands in the DNS: selector._domainkey.domain."""

    domain: str
    selector: str
    pem: bytes


def read_seal_key(domain: str, selector: str, pem: bytes) -> SealKey:
    """A key to seal with; raises ConfigError if it cannot be used (RFC 8301 §3.2; ARC knows RSA only)."""
    unix = pem.replace(b"\r\n", b"\n")
    try:
        bits = dkim.crypto.parse_pem_private_key(unix)["modulus"].bit_length()
    except (dkim.crypto.UnparsableKeyError, *FAULTS) as fault:
        raise ConfigError("the ARC key is no RSA private key in PEM form") from fault
    if bits not in RSA_BITS:
        raise ConfigError(f"the ARC key has {bits} bits; use 2048")
    name = to_ascii(domain)
    if name is None:
        raise ConfigError(f"the ARC domain {domain} is no domain name")
    return SealKey(name, selector, unix)


def seal(raw: bytes, key: SealKey, *, authserv_id: str, chain: AuthResult) -> bytes:
    """The three header fields to put on top of a mail that bears our Authentication-Results.

    chain: what ARC validation said of the mail as received. Empty if there is nothing to vouch for: a chain that does
    not hold, one of 50 seals, no result of ours, or a mail that cannot be signed.
    """
    if chain not in ("none", "pass"):
        return b""
    mail = cut(raw)
    signer = dkim.ARC(logger=SILENT)
    signer.headers = [[field.name, field.value] for field in mail.fields]
    # Canonical already, since dkimpy needs quadratic time for long runs of blanks.
    signer.body = b"".join(canonical(raw, mail.body_at, relaxed=True))
    names = [name.lower() for name in signer.default_sign_headers()]
    try:
        fields: list[bytes] = signer.sign(
            key.selector.encode(), key.domain.encode(), key.pem, authserv_id.lower().encode(), include_headers=names
        )
    except FAULTS:
        return b""
    return b"".join(fields)
