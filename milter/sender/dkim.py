"""DKIM (RFC 6376, 8301, 8463): every signature of a mail, up to a bound, RSA and Ed25519."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from milter.sender.dns import Answer, DnsError, Lookup
from milter.sender.fields import Field, RawMail
from milter.sender.results import DkimResult
from milter.sender.signature import (
    DKIM_TAGS,
    Signature,
    SignatureError,
    body_matches,
    read_key,
    read_signature,
    verify_fields,
)

# RFC 6376 §6.1 lets a verifier stop; a mail through three lists bears four.
MAX_SIGNATURES = 8

# Runs a function that may take long where it holds nobody up; raises TimeoutError if that comes to nothing in time.
Runner = Callable[[Callable[[], bool]], Awaitable[bool]]


async def check_dkim(mail: RawMail, *, resolver: Lookup, run: Runner) -> tuple[DkimResult, ...]:
    """The result of each signature, top first; none if the mail is unsigned."""
    signatures = mail.named(b"dkim-signature")[:MAX_SIGNATURES]
    return tuple(await asyncio.gather(*(_check(field, mail, resolver, run) for field in signatures)))


async def _check(field: Field, mail: RawMail, resolver: Lookup, run: Runner) -> DkimResult:
    signature = None
    try:
        signature = read_signature(field, DKIM_TAGS)
        return await _verify(signature, mail, resolver, run)
    except SignatureError as error:
        return DkimResult(error.result, *_identity(signature), reason=error.reason)
    except DnsError:
        return DkimResult("temperror", *_identity(signature), reason="key not to be had now")
    except TimeoutError:
        return DkimResult("temperror", *_identity(signature), reason="no time to read the body")


async def _verify(signature: Signature, mail: RawMail, resolver: Lookup, run: Runner) -> DkimResult:
    if not mail.sound:
        raise SignatureError("permerror", "malformed header")
    if signature.algorithm == "rsa-sha1":
        # RFC 8301 §3.1: must not be verified.
        raise SignatureError("policy", "rsa-sha1")
    key = read_key(signature, key_records(await resolver.query(signature.key_name, "TXT")))
    fields_hold = verify_fields(signature, key, mail.fields, signature.signed_names)
    if fields_hold and await run(lambda: body_matches(signature, mail)):
        return DkimResult("pass", *_identity(signature))
    reason = "body was changed" if fields_hold else "signature does not match"
    return DkimResult("neutral" if key.testing else "fail", *_identity(signature), reason=reason)


def key_records(answer: Answer) -> list[bytes]:
    """The TXT records of an answer."""
    return [record for record in answer.records if isinstance(record, bytes)]


def _identity(signature: Signature | None) -> tuple[str, str, str, str]:
    if signature is None:
        return "", "", "", ""
    start = b"".join(signature.tags[b"b"].split())[:8].decode("ascii", "replace")
    return signature.domain, signature.selector, signature.algorithm, start
