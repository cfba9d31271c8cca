"""What a score leads to: for all recipients, and what is different for some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from milter.addresses import names_of, without_detail
from milter.config.base import AddressOrDomain, OffIsAWord, Section, YesIsAWord
from milter.model import Language, Listing

Notice = Literal["off", "add", "wrap"]


class PolicyPart(Section):
    """What is said of some recipients; what it leaves out, they inherit. Scores: docs/detection.md."""

    tag_at: float = Field(5.0, gt=0, description="Score from which a mail is tagged.")
    quarantine_at: float = Field(10.0, gt=0, description="Score from which a mail is quarantined, if that is on.")
    quarantine: bool = Field(
        False, description="Keep mail from quarantine_at on back; else it is tagged and delivered."
    )
    allow: frozenset[AddressOrDomain] = Field(
        frozenset(), description="Authors (addresses, domains) whose mail passes, if it is proven to be theirs."
    )
    block: frozenset[AddressOrDomain] = Field(
        frozenset(), description="Authors (addresses, domains) whose mail is kept back, or tagged without quarantine."
    )
    language: Language | None = Field(None, description="Of texts for the recipient; null: that of the mail.")
    subject_tag: bool = Field(False, description="Put a word of warning before the subject of flagged mail.")
    notice: Annotated[Notice, OffIsAWord] = Field(
        "off", description="Put advice above flagged mail; wrap: attach mail that is signed or encrypted to the advice."
    )
    defang: bool = Field(False, description="Break payment addresses, links and pictures in flagged mail.")
    personal_case: Literal["deliver", "notify", "quarantine"] = Field(
        "deliver",
        description="Mail for quarantine that means this one reader: let through, kept and told of at once, or kept.",
    )
    self_release: Annotated[Literal["yes", "ask"], YesIsAWord] = Field(
        "yes", description="Whether recipients release quarantined mail themselves, or ask for it."
    )

    @model_validator(mode="after")
    def lists_apart(self) -> Self:
        if both := sorted(self.allow & self.block):
            raise ValueError(f"'{both[0]}' stands in allow and in block; leave it in one of them")
        return self


class Policy(PolicyPart):
    """What a score leads to, for one recipient or for all."""

    @model_validator(mode="after")
    def thresholds_in_order(self) -> Self:
        if self.quarantine_at < self.tag_at:
            raise ValueError("quarantine_at must not be below tag_at")
        return self

    def refined(self, part: PolicyPart) -> Policy:
        """This policy, with what a more specific one says: lists add up, all else is replaced."""
        return self.model_copy(
            update={
                **{name: getattr(part, name) for name in part.model_fields_set},
                "allow": part.allow | {author for author in self.allow if part.block.isdisjoint(names_of(author))},
                "block": part.block | {author for author in self.block if part.allow.isdisjoint(names_of(author))},
            }
        )

    def listing(self, author: str) -> Listing | None:
        """What the lists say of an author (see normal_address): the most specific entry decides."""
        for name in names_of(author):
            if name in self.block:
                return "block"
            if name in self.allow:
                return "allow"
        return None


def inherited(policy: Policy, parts: Mapping[str, PolicyPart], recipient: str) -> Policy:
    """The policy for a recipient (see normal_address): all < domains above (".org") < domain < address < detail."""
    names = [*names_of(recipient)]
    if (mailbox := without_detail(recipient)) != recipient:
        names.insert(1, mailbox)
    for name in reversed(names):
        if name in parts:
            policy = policy.refined(parts[name])
    return policy
