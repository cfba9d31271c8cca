"""Authentication-Results (RFC 8601): believing those of our own border servers, and writing ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from milter.addresses import to_ascii
from milter.model import AuthResult
from milter.sender.fields import Field
from milter.sender.results import ArcResult, DkimResult, DmarcResult, Policy, SpfResult

if TYPE_CHECKING:
    from authres.core import AuthenticationResult

WORDS = frozenset(get_args(AuthResult))
POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
# RFC 2045 §5.1
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")
# authres takes time that grows with the square of the length.
MAX_LENGTH = 8_192


@dataclass(frozen=True, slots=True)
class Upstream:
    """What our border servers found; None where they say nothing."""

    spf: SpfResult | None = None
    dkim: tuple[DkimResult, ...] | None = None
    dmarc: DmarcResult | None = None
    arc: ArcResult | None = None


def parse_results(text: str) -> list[AuthenticationResult]:
    """The results of "authserv-id; method=result …"; empty if the text is malformed."""
    import authres  # noqa: PLC0415  few mails need it

    if len(text) > MAX_LENGTH:
        return []
    try:
        return [one for one in authres.parse_value(text).results if hasattr(one, "method")]
    except (authres.AuthResError, RecursionError, ValueError):
        return []


def read_upstream(fields: Iterable[Field], trusted: Collection[str]) -> Upstream:
    """The results in these fields (those above the border, see client.py) of the authserv-ids that we trust."""
    ids = {name.lower() for name in trusted}
    results = [
        one
        for field in fields
        if field.name.lower() == b"authentication-results" and _authserv_id(field.text()) in ids
        for one in parse_results(field.text())
        if one.result in WORDS
    ]
    return Upstream(
        spf=next((_spf(one) for one in results if one.method == "spf"), None),
        dkim=tuple(_dkim(one) for one in results if one.method == "dkim") or None,
        dmarc=next((_dmarc(one) for one in results if one.method == "dmarc"), None),
        arc=next((ArcResult(_word(one)) for one in results if one.method == "arc"), None),
    )


def _authserv_id(text: str) -> str:
    return text.partition(";")[0].partition("(")[0].split(" ")[0].strip().lower()


def _word(one: AuthenticationResult) -> AuthResult:
    word: AuthResult = one.result
    return word


def _property(one: AuthenticationResult, kind: str, *names: str) -> str:
    """The domain in the first of these properties that is there."""
    values = {(p.type, p.name): p.value for p in one.properties if p.value}
    value = next((values[kind, name] for name in names if (kind, name) in values), "")
    return to_ascii(value.rpartition("@")[2]) or ""


def _spf(one: AuthenticationResult) -> SpfResult:
    if domain := _property(one, "smtp", "mailfrom", "mfrom"):
        return SpfResult(_word(one), domain)
    return SpfResult(_word(one), _property(one, "smtp", "helo"), "helo")


def _dkim(one: AuthenticationResult) -> DkimResult:
    return DkimResult(_word(one), _property(one, "header", "d", "i"), _property(one, "header", "s"))


def _dmarc(one: AuthenticationResult) -> DmarcResult:
    asked = next((p.value for p in one.properties if (p.type, p.name) == ("policy", "dmarc")), "")
    return DmarcResult(_word(one), _property(one, "header", "from"), POLICIES.get(asked or ""))


def write_results(spf: Iterable[SpfResult], dkim: Collection[DkimResult], dmarc: DmarcResult, arc: ArcResult) -> str:
    """The text of our header after the authserv-id, in one line; methods in the order that they build on each other."""
    signatures = dkim or (DkimResult("none"),)
    return "; ".join(
        [
            *(_write("spf", one.result, **{f"smtp.{one.identity}": one.domain}) for one in spf),
            *(_write_dkim(one) for one in signatures),
            _write("dmarc", dmarc.result, **{"header.from": dmarc.domain, "policy.dmarc": dmarc.policy or ""}),
            _write("arc", arc.result, arc.reason or (f"sealed by {arc.sealer}" if arc.sealer else "")),
        ]
    )


def _write_dkim(one: DkimResult) -> str:
    properties = {
        "header.d": one.domain,
        "header.s": one.selector,
        "header.a": one.algorithm,
        "header.b": one.signature,
    }
    return _write("dkim", one.result, one.reason, **properties)


def _write(method: str, result: AuthResult, reason: str = "", **properties: str) -> str:
    given = {"reason": reason, **properties}
    return " ".join([f"{method}={result}", *(f"{name}={_quoted(value)}" for name, value in given.items() if value)])


def _quoted(value: str) -> str:
    """A token as it is, anything else as a quoted-string (RFC 8601 §2.2); what is not printable ASCII becomes "?"."""
    if TOKEN.fullmatch(value):
        return value
    return '"' + NOT_PRINTABLE.sub("?", value).replace("\\", r"\\").replace('"', r"\"") + '"'
