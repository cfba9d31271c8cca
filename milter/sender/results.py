"""What each check found, in the result words of RFC 8601 §2.7, with the domain it speaks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from milter.model import AuthResult

Policy = Literal["none", "quarantine", "reject"]


@dataclass(frozen=True, slots=True)
class SpfResult:
    """SPF (RFC 7208) for one identity; domain is "" where there was none to check."""

    result: AuthResult = "none"
    domain: str = ""
    identity: Literal["mailfrom", "helo"] = "mailfrom"


@dataclass(frozen=True, slots=True)
class DkimResult:
    """One DKIM signature (RFC 6376); signature is the start of its b= tag, that tells it from others (RFC 6008)."""

    result: AuthResult
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    signature: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ArcResult:
    """The ARC chain (RFC 8617): who sealed last, and the DMARC result that a trusted sealer vouches for."""

    result: AuthResult = "none"
    sealer: str = ""
    vouched_dmarc: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """DMARC (RFC 9989): policy is what the owner asks for after all options, if the mail failed."""

    result: AuthResult = "none"
    domain: str = ""
    policy: Policy | None = None


# The best of several signatures speaks for all; what may still come good stands before what is lost.
RANK: tuple[AuthResult, ...] = ("pass", "temperror", "policy", "fail", "neutral", "permerror", "none")


def best(results: tuple[DkimResult, ...]) -> AuthResult:
    """One word for all signatures of a mail."""
    return min((one.result for one in results), key=RANK.index, default="none")
