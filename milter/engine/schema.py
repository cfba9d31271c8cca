"""What a rule file may hold. docs/rules.md explains it to authors."""

from __future__ import annotations

from math import inf
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from milter.model import Group, Kind, Language

RuleId = Annotated[str, Field(pattern=r"^[a-z]+\.[a-z][a-z0-9_]*$")]
ListName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
MAX_WINDOW = 400


class Closed(BaseModel):
    """A key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AtLeast(Closed):
    """Holds when so many of the conditions hold."""

    count: int = Field(ge=1)
    of: list[Condition] = Field(min_length=1)


class Combination(Closed):
    """Several conditions; every key that is given must hold."""

    all: list[Condition] | None = None
    any: list[Condition] | None = None
    none: list[Condition] | None = None
    at_least: AtLeast | None = None

    @model_validator(mode="after")
    def not_empty(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give one of all, any, none, at_least")
        return self


# The name of a signal, a rule or a group; or a combination of them.
Condition = Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z][a-z0-9_]*)?$")] | Combination


def _as_lists(value: object) -> object:
    # A phrase may be written as the name of a list or as the list itself, like one entry of `near`.
    return (
        [value]
        if isinstance(value, str) or (isinstance(value, list) and all(isinstance(w, str) for w in value))
        else value
    )


WordLists = list[ListName | Words]


class Pattern(Closed):
    """One way to word a rule: exactly one of near, phrase and regex."""

    near: Annotated[WordLists | None, Field(min_length=2, max_length=5)] = None
    phrase: Annotated[WordLists | None, BeforeValidator(_as_lists), Field(min_length=1, max_length=1)] = None
    regex: Annotated[str, Field(min_length=1)] | None = None
    within: int = Field(80, ge=1, le=MAX_WINDOW)
    in_order: bool = False
    unless: WordLists = []

    @model_validator(mode="after")
    def one_kind(self) -> Self:
        given = [key for key in ("near", "phrase", "regex") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of near, phrase, regex")
        if self.near is None and self.in_order:
            raise ValueError("in_order goes with near")
        if self.regex is not None and self.unless:
            raise ValueError("unless goes with near and phrase")
        return self


class Examples(Closed):
    """Sentences that a rule must find, and near misses that it must not."""

    match: list[str] = Field(min_length=1)
    no_match: list[str] = Field(min_length=1)


class Rule(Closed):
    """One piece of evidence: worded by patterns, or concluded from others by `when`."""

    id: RuleId
    description: str = Field(min_length=10)
    group: Group
    kind: Kind | None = None
    score: float = Field(ge=-10, le=10)
    references: list[str] = []
    when: Condition | None = None
    patterns: dict[Language, list[Pattern]] = {}
    tests: dict[Language, Examples] = {}

    @model_validator(mode="after")
    def consistent(self) -> Self:
        if self.when is not None and self.patterns:
            raise ValueError("a rule has either patterns or when")
        if set(self.tests) != set(self.patterns):
            raise ValueError("tests and patterns must be given for the same languages")
        return self


class Phrases(Closed):
    """The patterns and examples that one language gives to a rule declared elsewhere."""

    patterns: list[Pattern] = Field(min_length=1)
    tests: Examples


class Scoring(Closed):
    """How scores add up (docs/detection.md). A cap bounds what a group can add; a negative one, what it can take."""

    caps: dict[Group, float]
    one_sided_cap: float = Field(description="The most that a mail with a threat and no demand can score.")
    quoted_weight: float = Field(ge=0, le=1, description="What evidence counts that stands only in quoted text.")
    reported_weight: float = Field(ge=0, le=1, description="The same, where the author's own words report or advise.")
    reported_cap: float = Field(default=inf, description="The most that a mail with such words can score.")


class RuleFile(Closed):
    """One YAML file: rules, or the words of one language, or scores that override shipped ones."""

    rules: list[Rule] | dict[RuleId, Phrases] = []
    language: Language | None = None
    words: dict[ListName, Words] = {}
    scores: dict[RuleId, Annotated[float, Field(ge=-10, le=10)]] = {}
    scoring: Scoring | None = None

    @model_validator(mode="after")
    def words_have_a_language(self) -> Self:
        if isinstance(self.rules, dict) and self.rules and self.language is None:
            raise ValueError("a file that gives words to rules must say its language, for instance `language: de`")
        if self.words and self.language is None:
            raise ValueError("word lists need a language, for instance `language: de`")
        return self
