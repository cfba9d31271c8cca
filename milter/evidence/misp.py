"""misp.json: the case as a MISP event (core format, draft-dulaunoy-misp-core-format), ready to be imported.

Written by hand, since it is plain JSON: the tests read it with pymisp. Objects follow the templates `email` and
`coin-address` of misp-objects. Ids are of version 5, so that a second import updates instead of doubling.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from milter.evidence.facts import Facts, checksum
from milter.evidence.indicators import CONFIDENCE, indicators
from milter.evidence.record import moment
from milter.model import Wallet
from milter.reason import kind_name, sentence
from milter.signals.secrets import MASK

NAMESPACE = UUID("0c9a7b1e-2f47-5d6a-9b0e-5f6b6b1f3d9a")
# Template uuid, version and meta-category, as in MISP/misp-objects.
EMAIL = ("a0c666e0-fc65-4be8-b48f-3423d788b552", "19", "network")
COIN_ADDRESS = ("d0e6997e-78da-4815-a6a1-cfc1c1cb8a46", "7", "financial")
# Sure enough to block or search by without a look at the case.
TO_IDS = 50
TAGS = ("tlp:amber", 'circl:incident-classification="scam"')
CHECKSUMS = {"holds": "checksum holds", "none": "currency without a checksum", "fails": "checksum fails"}
# object relation → attribute type, category, and whether it tells nothing of other mails
MAIL_ATTRIBUTES = {
    "from": ("email-src", "Payload delivery", False),
    "from-display-name": ("email-src-display-name", "Payload delivery", False),
    "reply-to": ("email-reply-to", "Payload delivery", False),
    "return-path": ("email-src", "Payload delivery", False),
    "to": ("email-dst", "Payload delivery", True),
    "subject": ("email-subject", "Payload delivery", False),
    "message-id": ("email-message-id", "Payload delivery", True),
    "send-date": ("datetime", "Other", True),
    "ip-src": ("ip-src", "Network activity", False),
    "received-header-hostname": ("hostname", "Network activity", False),
    "header": ("email-header", "Payload delivery", True),
}


def misp_event(facts: Facts, *, now: datetime) -> dict[str, Any]:
    """The event as JSON can hold it: for your own organisation only, not published, until someone decides otherwise."""
    verdict = facts.case.verdict
    made = str(int(now.timestamp()))
    searchable = {one.value: CONFIDENCE[one.target] >= TO_IDS for one in indicators(facts)}
    writer = _Writer(facts, made, searchable)
    objects = [writer.mail(), *(writer.coin_address(wallet) for wallet in facts.wallets)]
    return {
        "Event": {
            "uuid": writer.uuid("event"),
            "info": f"{kind_name(verdict.kind)}: mail {facts.case.id}",
            "date": (facts.seen or now).strftime("%Y-%m-%d"),
            "timestamp": made,
            "threat_level_id": "3",
            "analysis": "0",
            "distribution": "0",
            "published": False,
            "Tag": [{"name": tag} for tag in TAGS],
            "Attribute": [
                writer.attribute("sha256", "Payload delivery", facts.sha256),
                writer.attribute("comment", "Other", sentence(verdict), correlate=False),
            ],
            "Object": objects,
        }
    }


class _Writer:
    """Writes attributes and objects of one event."""

    def __init__(self, facts: Facts, made: str, searchable: dict[str, bool]) -> None:
        self._facts = facts
        self._made = made
        self._searchable = searchable

    def uuid(self, *parts: str) -> str:
        """The id of a part of this event."""
        return str(uuid5(NAMESPACE, " ".join((self._facts.sha256, *parts))))

    def attribute(
        self, kind: str, category: str, value: str, *, part_of: tuple[str, str] = ("", ""), correlate: bool = True
    ) -> dict[str, Any]:
        """An attribute. part_of: the key of its object and its relation to it."""
        key, relation = part_of
        return {
            "uuid": self.uuid("attribute", key, relation or kind, value),
            "type": kind,
            "category": category,
            "value": value,
            "to_ids": self._searchable.get(value, False),
            "disable_correlation": not correlate,
            "timestamp": self._made,
            "distribution": "5",
            **({"object_relation": relation} if relation else {}),
        }

    def mail(self) -> dict[str, Any]:
        """The object `email`."""
        attributes = []
        for relation, value in _mail_values(self._facts):
            kind, category, private = MAIL_ATTRIBUTES[relation]
            telling = not private and MASK not in value and value.lower() not in self._facts.recipients
            attributes.append(self.attribute(kind, category, value, part_of=("email", relation), correlate=telling))
        return self._object("email", EMAIL, attributes, "email")

    def coin_address(self, wallet: Wallet) -> dict[str, Any]:
        """The object `coin-address`; MISP has attribute types for Bitcoin and Monero only."""
        relation, kind = {"BTC": ("address", "btc"), "XMR": ("address-xmr", "xmr")}.get(
            wallet.currency, ("address-crypto", "text")
        )
        values = (
            (relation, kind, "Financial fraud", wallet.address),
            ("symbol", "text", "Other", wallet.currency),
            ("text", "text", "Other", CHECKSUMS[checksum(wallet)]),
        )
        attributes = [
            self.attribute(kind, category, value, part_of=(wallet.address, relation), correlate=value == wallet.address)
            for relation, kind, category, value in values
        ]
        return self._object("coin-address", COIN_ADDRESS, attributes, wallet.address)

    def _object(
        self, name: str, template: tuple[str, str, str], attributes: list[dict[str, Any]], key: str
    ) -> dict[str, Any]:
        template_uuid, version, category = template
        return {
            "uuid": self.uuid("object", name, key),
            "name": name,
            "meta-category": category,
            "template_uuid": template_uuid,
            "template_version": version,
            "timestamp": self._made,
            "distribution": "5",
            "Attribute": attributes,
        }


def _mail_values(facts: Facts) -> Iterator[tuple[str, str]]:
    """Object relations of the template and their values, each pair once."""
    pairs = [
        *(("from", box.address) for box in facts.author),
        *(("from-display-name", box.name) for box in facts.author),
        *(("reply-to", box.address) for box in facts.reply_to),
        ("return-path", facts.return_path),
        *(("to", box.address) for box in facts.to),
        ("subject", facts.subject),
        ("message-id", facts.message_id),
        ("send-date", moment(facts.sent) or ""),
        *((("ip-src", facts.source.address), ("received-header-hostname", facts.source.name)) if facts.source else ()),
        ("header", "\n".join(f"Received: {hop.line}" for hop in facts.route.hops if hop.line)),
    ]
    yield from dict.fromkeys(pair for pair in pairs if pair[1])
