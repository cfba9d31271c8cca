"""A verdict as JSON and back. What a later or an earlier version wrote is read as far as it is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from milter.model import Authentication, Demand, RuleMatch, Verdict, Wallet

Part = TypeVar("Part", RuleMatch, Wallet, Demand, Authentication)


def to_json(verdict: Verdict) -> bytes:
    """In ASCII, so that broken text in an excerpt comes back as it was."""
    return json.dumps(asdict(verdict), separators=(",", ":")).encode("ascii")


def from_json(data: bytes) -> Verdict:
    """The verdict that to_json() wrote."""
    found: dict[str, Any] = _known(Verdict, json.loads(data))
    parts = {
        "reasons": tuple(_part(RuleMatch, one) for one in found.get("reasons", ())),
        "wallets": tuple(_part(Wallet, one) for one in found.get("wallets", ())),
        "demand": _part(Demand, found.get("demand", {})),
        "auth": _part(Authentication, found.get("auth", {})),
        "notes": tuple(found.get("notes", ())),
    }
    return Verdict(**found | parts)


def _known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: data[one.name] for one in fields(kind) if one.name in data}


def _part(kind: type[Part], data: Mapping[str, Any]) -> Part:
    # JSON has no tuples.
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in _known(kind, data).items()
    }
    return kind(**values)
