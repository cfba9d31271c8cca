"""The DMARC policy record (RFC 9989 §4.7, §4.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from milter.sender.results import Policy

# The tag name in any case, the value not; nothing but a separator may follow (§4.8).
VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
TAG = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*=[ \t]*([\x20-\x3a\x3c-\x7e]*)")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s,!\"<>\\^`{|}]+(?:![0-9]+[kmgtKMGT]?)?")

POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
# What t=y asks for instead (§4.7).
WHILE_TESTING: dict[Policy, Policy] = {"none": "none", "quarantine": "none", "reject": "quarantine"}

Psd = Literal["y", "n", "u"]
PSD: dict[str, Psd] = {"y": "y", "n": "n"}


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A record with its defaults filled in.

    usable is False if it has no valid policy and asks for no reports: then DMARC does not apply (§4.10.1).
    """

    policy: Policy = "none"
    subdomain_policy: Policy = "none"
    nonexistent_policy: Policy = "none"
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: Psd = "u"
    testing: bool = False
    usable: bool = True


def parse_record(text: str) -> DmarcRecord | None:
    """Read a TXT record; None if it is not one of DMARC. Faulty tags count as absent, unknown ones not at all."""
    if not VERSION.match(text):
        return None
    tags: dict[str, str] = {}
    for part in text.split(";")[1:]:
        if found := TAG.fullmatch(part):
            tags.setdefault(found[1].lower(), found[2].strip())
    policies = {name: tags[name].lower() for name in ("p", "sp", "np") if name in tags}
    faulty = "p" not in policies or not set(policies.values()) <= set(POLICIES)
    main = "none" if faulty else POLICIES[policies["p"]]
    sub = main if faulty else POLICIES[policies.get("sp", main)]
    return DmarcRecord(
        policy=main,
        subdomain_policy=sub,
        nonexistent_policy=main if faulty else POLICIES[policies.get("np", sub)],
        strict_dkim=tags.get("adkim", "").lower() == "s",
        strict_spf=tags.get("aspf", "").lower() == "s",
        psd=PSD.get(tags.get("psd", "").lower(), "u"),
        testing=tags.get("t", "").lower() == "y",
        usable=not faulty or any(URI.fullmatch(uri.strip()) for uri in tags.get("rua", "").split(",")),
    )
