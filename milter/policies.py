"""Whose policy is which, and which recipients may share one mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from milter.addresses import normal_address
from milter.config import Config, Notice, Policy, PolicyPart, inherited
from milter.model import Listing, Verdict

EVERYBODY = "*"
# Recipients whose policy is remembered; strangers may name any number of them.
KEPT = 10_000
# What is done to a mail for its notice, the least first.
NOTICES = ("off", "add", "wrap")
PERSONAL_CASES = ("deliver", "notify", "quarantine")

Part = TypeVar("Part", bound=PolicyPart)


class Entry(Protocol):
    """A sender (address or domain) on a list of a scope: an address, a domain, or EVERYBODY; all as compared."""

    @property
    def scope(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def listing(self) -> Listing: ...


class Policies:
    """The policies of all recipients, by the settings and by lists of senders that are kept elsewhere."""

    def __init__(self, config: Config, entries: Iterable[Entry] = ()) -> None:
        parts: dict[str, PolicyPart] = dict(config.policies)
        self._default = config.policy
        for scope, lists in _lists(entries).items():
            if scope == EVERYBODY:
                self._default = _joined(config.policy, lists)
            else:
                parts[scope] = _joined(parts.get(scope, PolicyPart()), lists)
        self._parts: Mapping[str, PolicyPart] = parts
        self._known: dict[str, Policy] = {}
        self._distinct: dict[Policy, Policy] = {}

    @property
    def are_one(self) -> bool:
        """Whether all recipients have the same policy."""
        return not self._parts

    def of(self, recipient: str) -> Policy:
        """The policy of a recipient, an address as it stands in the envelope."""
        if not self._parts:
            return self._default
        policy = self._known.get(recipient)
        if policy is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            policy = inherited(self._default, self._parts, normal_address(recipient))
            # Equal ones are made the same, since that is quickly seen.
            policy = self._known[recipient] = self._distinct.setdefault(policy, policy)
        return policy

    def of_mail(self, recipients: Sequence[str]) -> Policy:
        """The policy that these recipients share; where they could not be parted, the strictest in each point."""
        if not self._parts:
            return self._default
        if len(recipients) == 1:
            return self.of(recipients[0])
        found = [*{id(policy): policy for policy in map(self.of, recipients)}.values()]
        return _strictest(found) if len(found) > 1 else next(iter(found), self._default)


class PolicyBook:
    """The policies in force in one process: replaced as a whole when the lists of senders change."""

    def __init__(self, config: Config) -> None:
        self.current = Policies(config)
        self._config = config
        self._entries: tuple[Entry, ...] = ()

    def renew(self, entries: Iterable[Entry]) -> None:
        """Take over the lists as they are now."""
        entries = tuple(entries)
        if entries != self._entries:
            self.current = Policies(self._config, entries)
            self._entries = entries


def share_a_mail(one: Policy, other: Policy) -> bool:
    """Whether recipients with these policies get the same mail at the same time, whatever its verdict will be.

    Its author, of whom their lists may speak, is not known before its content; who releases it does not matter yet.
    """
    return one is other or one.model_copy(update={"self_release": other.self_release}) == other


def notice_for(policy: Policy, verdict: Verdict) -> Notice:
    """What is done for a notice: one that is not kept back, since it means its reader, is never without."""
    spared = verdict.personal and policy.quarantine and verdict.score >= policy.quarantine_at
    return "add" if spared and policy.notice == "off" else policy.notice


def changes_mail(policy: Policy, verdict: Verdict) -> bool:
    """Whether a flagged mail may be changed, or only gets fields on top, as one that a list alone has flagged."""
    asked = policy.subject_tag or policy.defang or notice_for(policy, verdict) != "off"
    return asked and verdict.score >= policy.tag_at


def _lists(entries: Iterable[Entry]) -> dict[str, dict[Listing, set[str]]]:
    scopes: dict[str, dict[Listing, set[str]]] = {}
    for entry in entries:
        lists = scopes.setdefault(entry.scope, {"allow": set(), "block": set()})
        lists[entry.listing].add(entry.sender)
    return scopes


def _joined(part: Part, lists: Mapping[Listing, set[str]]) -> Part:
    """A part with the lists that are kept elsewhere for the same recipients; who is on both lists is blocked."""
    block = part.block | lists["block"]
    return part.model_copy(update={"allow": (part.allow | lists["allow"]) - block, "block": block})


def _strictest(policies: Sequence[Policy]) -> Policy:
    """One policy by which nobody gets what his own keeps from him, nor a mail changed that his own leaves alone."""
    keeping = [policy.quarantine_at for policy in policies if policy.quarantine]
    allowed = frozenset[str]().union(*(policy.allow for policy in policies))
    return policies[0].model_copy(
        update={
            "tag_at": min(policy.tag_at for policy in policies),
            "quarantine_at": min(keeping or [policy.quarantine_at for policy in policies]),
            "quarantine": bool(keeping),
            "allow": frozenset(one for one in allowed if all(policy.listing(one) == "allow" for policy in policies)),
            "block": frozenset[str]().union(*(policy.block for policy in policies)),
            "subject_tag": all(policy.subject_tag for policy in policies),
            "notice": min((policy.notice for policy in policies), key=NOTICES.index),
            "defang": all(policy.defang for policy in policies),
            "personal_case": max((policy.personal_case for policy in policies), key=PERSONAL_CASES.index),
            "self_release": "ask" if any(policy.self_release == "ask" for policy in policies) else "yes",
        }
    )
