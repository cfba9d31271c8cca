"""The ARC chain (RFC 8617): is it whole, who sealed it, and does a trusted sealer vouch for the mail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain

from milter.sender.authres import parse_results
from milter.sender.dkim import Runner, key_records
from milter.sender.dns import DnsError, Lookup
from milter.sender.domains import is_within
from milter.sender.fields import Field, RawMail
from milter.sender.results import ArcResult
from milter.sender.signature import (
    MESSAGE_SIGNATURE_TAGS,
    SEAL_TAGS,
    Signature,
    SignatureError,
    body_matches,
    read_key,
    read_signature,
    verify_fields,
)

# RFC 8617 §4.2.1
MAX_SETS = 50
NAMES = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")
INSTANCE = re.compile(rb"(?:^|;)\s*i\s*=\s*(\d{1,2})\s*(?:;|$)")


@dataclass(frozen=True, slots=True)
class ArcSet:
    """What one sealer added: its results, its signature of the mail, its seal of the chain so far."""

    results: Field
    message_signature: Signature
    seal: Signature

    @property
    def fields(self) -> tuple[Field, Field, Field]:
        """The three fields, the seal on top."""
        return self.seal.field, self.message_signature.field, self.results


async def check_arc(mail: RawMail, *, resolver: Lookup, run: Runner, trusted: Collection[str] = ()) -> ArcResult:
    """Validate the chain (RFC 8617 §5.2). trusted: domains of sealers whose word counts."""
    if not any(field.name.lower() in NAMES for field in mail.fields):
        return ArcResult()
    sealer = ""
    try:
        sets = read_sets(mail)
        sealer = sets[-1].seal.domain
        await _verify(sets, mail, resolver, run)
    except SignatureError as error:
        return ArcResult("fail", sealer, reason=error.reason)
    except DnsError:
        return ArcResult("temperror", sealer, reason="key not to be had now")
    except TimeoutError:
        return ArcResult("temperror", sealer, reason="no time to read the body")
    return ArcResult("pass", sealer, vouched_dmarc=_vouched(sets, trusted))


def read_sets(mail: RawMail) -> list[ArcSet]:
    """The sets of a chain, oldest first; raises SignatureError if it is broken (RFC 8617 §5.2, steps 2 and 3)."""
    if not mail.sound:
        raise SignatureError("fail", "malformed header")
    found: dict[tuple[int, bytes], Field] = {}
    for field in mail.fields:
        name = field.name.lower()
        if name not in NAMES:
            continue
        instance = INSTANCE.search(field.value)
        key = (int(instance[1]) if instance else 0, name)
        if key[0] not in range(1, MAX_SETS + 1) or key in found:
            raise SignatureError("fail", "malformed chain")
        found[key] = field
    count = max(instance for instance, _ in found)
    if len(found) != count * len(NAMES):
        raise SignatureError("fail", "incomplete chain")
    sets = [_read_set(*(found[number, name] for name in NAMES)) for number in range(1, count + 1)]
    claims = [one.seal.tags[b"cv"] for one in sets]
    if claims != [b"none"] + [b"pass"] * (count - 1):
        raise SignatureError("fail", "a sealer found the chain broken")
    return sets


def _read_set(results: Field, message_signature: Field, seal: Field) -> ArcSet:
    one = ArcSet(results, read_signature(message_signature, MESSAGE_SIGNATURE_TAGS), read_signature(seal, SEAL_TAGS))
    # RFC 8617 §4.1.2 and §4.1.3
    if b"arc-seal" in one.message_signature.signed_names or b"h" in one.seal.tags:
        raise SignatureError("fail", "malformed set")
    return one


async def _verify(sets: list[ArcSet], mail: RawMail, resolver: Lookup, run: Runner) -> None:
    """The newest message signature and every seal (RFC 8617 §5.2, steps 4 to 6); raises SignatureError."""
    newest = sets[-1].message_signature
    signatures = [newest, *(one.seal for one in sets)]
    answers = await asyncio.gather(*(resolver.query(one.key_name, "TXT") for one in signatures))
    keys = [read_key(one, key_records(answer)) for one, answer in zip(signatures, answers, strict=True)]
    if not verify_fields(newest, keys[0], mail.fields, newest.signed_names):
        raise SignatureError("fail", "message signature does not match")
    for number, key in enumerate(keys[1:], 1):
        sealed = sets[:number]
        # Verification takes fields bottom-up, so the newest stand on top; the seal itself is not among them.
        fields = list(chain.from_iterable(one.fields for one in reversed(sealed)))[1:]
        names = [*NAMES] * number
        if not verify_fields(sealed[-1].seal, key, fields, names[:-1]):
            raise SignatureError("fail", f"seal {number} does not match")
    if not await run(lambda: body_matches(newest, mail)):
        raise SignatureError("fail", "body was changed")


def _vouched(sets: list[ArcSet], trusted: Collection[str]) -> str:
    """The DMARC result of the oldest set from which on all sealers are trusted; "" if there is none."""
    word = ""
    for one in reversed(sets):
        if not any(is_within(one.seal.domain, sealer) for sealer in trusted):
            break
        results = parse_results(one.results.text().partition(";")[2])
        word = next((result.result for result in results if result.method == "dmarc"), "")
    return word
