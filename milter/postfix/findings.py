"""All checks of Postfix's settings against ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from milter.config import Config
from milter.postfix import arriving, returning
from milter.postfix.settings import PostfixSettings
from milter.postfix.setup import Finding, SetUp, set_up

CHECKS: tuple[Callable[[SetUp], Iterator[Finding]], ...] = (
    arriving.lost_ways,
    arriving.untrusted,
    arriving.encrypted,
    arriving.impatient,
    arriving.crowded,
    arriving.hidden_client,
    arriving.unseen,
    arriving.parted,
    returning.no_way_back,
    returning.loops,
    returning.open_doors,
    returning.everyones_network,
    returning.forgotten_client,
    returning.addresses_twice,
    returning.withheld_words,
    returning.unequal_sizes,
)


def findings(postfix: PostfixSettings, config: Config) -> list[Finding]:
    """What is wrong between Postfix and these settings; nothing if they fit."""
    this = set_up(postfix, config)
    return list(dict.fromkeys(finding for check in CHECKS for finding in check(this)))


def in_use(postfix: PostfixSettings, config: Config) -> list[str]:
    """The ways that lead to the filter, in words: "content_filter of smtp inet"."""
    ways = set_up(postfix, config).ways
    return list(dict.fromkeys(f"{way.parameter} of {way.front}" if way.front else way.parameter for way in ways))
