"""stix.json: the case as a STIX 2.1 bundle, made by the library `stix2` of the OASIS committee.

Ids are of version 5 throughout, so that one mail gives the same objects whenever it is exported: observables by the
rule of the standard (§2.9), all others in a name space of our own.

STIX 2.1 has no object for payment addresses. `cryptocurrency-wallet` with `value`, which also makes its id, is what
OpenCTI calls and identifies them by; it is declared as an extension (§7.3), as the standard wants it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import stix2
from stix2.properties import BooleanProperty, ExtensionsProperty, IDProperty, StringProperty, TypeProperty

from milter import __version__
from milter.evidence.facts import Facts, checksum
from milter.evidence.indicators import CONFIDENCE, LIFETIME, Indicator, indicators
from milter.reason import kind_name, sentence

NAMESPACE = UUID("6d2f0f6c-9a3e-5b8e-8d55-0d7f1c5b4e21")
# When the two objects that are the same in each bundle were written.
WRITTEN = datetime(2026, 11, 24, tzinfo=UTC)
# Personal data of the recipient: to be passed on only where it is needed.
AMBER = [stix2.TLP_AMBER]
WALLET = "cryptocurrency-wallet"
EXTENSION_ID = f"extension-definition--{uuid5(NAMESPACE, WALLET)}"
EXTENSION_TEXT = (
    "A payment address of a cryptocurrency as a new observable. value (string, required, makes the id): the address; "
    "currency (string): its ticker, for instance BTC; checksum (string): holds, none (the currency has none) or fails."
)


CryptocurrencyWallet: Any = stix2.CustomObservable(
    WALLET,
    [
        ("type", TypeProperty(WALLET, spec_version="2.1")),
        ("spec_version", StringProperty(fixed="2.1")),
        ("id", IDProperty(WALLET, spec_version="2.1")),
        ("value", StringProperty(required=True)),
        ("currency", StringProperty()),
        ("checksum", StringProperty()),
        ("defanged", BooleanProperty(default=lambda: False)),
        ("extensions", ExtensionsProperty(spec_version="2.1")),
    ],
    id_contrib_props=["value"],
    extension_name=EXTENSION_ID,
)(type("CryptocurrencyWallet", (), {}))


def stix_bundle(facts: Facts, *, now: datetime) -> str:
    """The bundle as JSON text."""
    seen = facts.seen or now
    observables = list(_observables(facts))
    made = {"created_by_ref": _tool().id, "created": seen, "modified": max(seen, now)}
    observed = stix2.ObservedData(
        id=_id("observed-data", facts, seen),
        first_observed=seen,
        last_observed=seen,
        number_observed=1,
        object_refs=[one.id for one in observables],
        object_marking_refs=AMBER,
        **made,
    )
    found = [_indicator(one, facts, seen, made) for one in indicators(facts)]
    objects = [
        _tool(),
        *([_extension()] if facts.wallets else []),
        *observables,
        observed,
        *found,
        *(_based_on(indicator, observed, facts, seen, made) for indicator in found),
    ]
    bundle = stix2.Bundle(id=_id("bundle", facts, now), objects=objects)
    return str(bundle.serialize(indent=2, ensure_ascii=False)) + "\n"


def _id(kind: str, facts: Facts, at: datetime, *parts: str) -> str:
    return f"{kind}--{uuid5(NAMESPACE, ' '.join((kind, facts.sha256, at.astimezone(UTC).isoformat(), *parts)))}"


def _tool() -> stix2.Identity:
    return stix2.Identity(
        id=f"identity--{uuid5(NAMESPACE, 'blackmail-filter')}",
        name="blackmail-filter",
        description="A mail filter that recognises extortion.",
        identity_class="system",
        created=WRITTEN,
        modified=WRITTEN,
    )


def _extension() -> stix2.ExtensionDefinition:
    return stix2.ExtensionDefinition(
        id=EXTENSION_ID,
        created_by_ref=_tool().id,
        name="Cryptocurrency wallet",
        schema=EXTENSION_TEXT,
        version="1.0.0",
        extension_types=["new-sco"],
        created=WRITTEN,
        modified=WRITTEN,
    )


def _observables(facts: Facts) -> Iterator[Any]:
    """What was seen: addresses and wallets, each once, and the mail that refers to them."""
    addresses = _mail_addresses(facts)
    yield from addresses.values()
    yield _mail(facts, addresses)
    yield stix2.File(
        name="original.eml",
        mime_type="message/rfc822",
        size=len(facts.case.raw),
        hashes={"SHA-256": facts.sha256},
        object_marking_refs=AMBER,
    )
    if facts.source:
        address = facts.source.address
        yield stix2.IPv6Address(value=address) if ":" in address else stix2.IPv4Address(value=address)
    for wallet in facts.wallets:
        yield CryptocurrencyWallet(value=wallet.address, currency=wallet.currency, checksum=checksum(wallet))


def _mail_addresses(facts: Facts) -> dict[str, stix2.EmailAddress]:
    """By address. Names that a sender shows are told; those of recipients, and who they are, go to few."""
    boxes = dict.fromkeys((facts.return_path, *(box.address for box in facts.to)), "")
    boxes |= {box.address: box.name for box in (*facts.author, *facts.reply_to)}
    return {
        address: stix2.EmailAddress(
            value=address,
            **({"display_name": name} if name else {}),
            **({"object_marking_refs": AMBER} if address.lower() in facts.recipients else {}),
        )
        for address, name in boxes.items()
        if address
    }


def _mail(facts: Facts, addresses: dict[str, stix2.EmailAddress]) -> stix2.EmailMessage:
    author = next((box.address for box in facts.author if box.address), None)
    to = list(dict.fromkeys(addresses[box.address].id for box in facts.to if box.address))
    lines = [hop.line for hop in facts.route.hops if hop.line]
    more = {
        "Reply-To": [box.address for box in facts.reply_to if box.address],
        "Return-Path": [facts.return_path] if facts.return_path else [],
    }
    optional = {
        "date": facts.sent,
        "from_ref": addresses[author].id if author else None,
        "to_refs": to,
        "message_id": facts.message_id,
        "subject": facts.subject,
        "received_lines": lines,
        "additional_header_fields": {name: values for name, values in more.items() if values},
    }
    return stix2.EmailMessage(
        is_multipart=facts.content_type.startswith("multipart/"),
        content_type=facts.content_type,
        object_marking_refs=AMBER,
        **{name: value for name, value in optional.items() if value},
    )


def _indicator(one: Indicator, facts: Facts, seen: datetime, made: dict[str, Any]) -> stix2.Indicator:
    verdict, days = facts.case.verdict, LIFETIME[one.target]
    return stix2.Indicator(
        id=_id("indicator", facts, seen, one.target, one.value),
        name=f"{kind_name(verdict.kind)}: {one.target} {one.value}",
        description=f"Found in a mail that blackmail-filter {__version__} judged as extortion. {sentence(verdict)}",
        indicator_types=["malicious-activity"],
        pattern=_pattern(one),
        pattern_type="stix",
        valid_from=seen,
        confidence=CONFIDENCE[one.target],
        labels=[f"extortion:{verdict.kind or 'other'}"],
        **({"valid_until": seen + timedelta(days=days)} if days else {}),
        **made,
    )


def _pattern(one: Indicator) -> str:
    value = one.value.replace("\\", "\\\\").replace("'", "\\'")
    match one.target:
        case "wallet":
            return f"[{WALLET}:value = '{value}']"
        case "reply-to" | "author":
            return f"[email-addr:value = '{value}']"
        case "client":
            return f"[{'ipv6-addr' if ':' in value else 'ipv4-addr'}:value = '{value}']"


def _based_on(
    indicator: stix2.Indicator, observed: stix2.ObservedData, facts: Facts, seen: datetime, made: dict[str, Any]
) -> stix2.Relationship:
    return stix2.Relationship(
        id=_id("relationship", facts, seen, indicator.id),
        relationship_type="based-on",
        source_ref=indicator.id,
        target_ref=observed.id,
        **made,
    )
