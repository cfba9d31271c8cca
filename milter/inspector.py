"""Settings and rules → the functions that front ends call: sender checks first, then the pure core."""

from __future__ import annotations

from collections.abc import Callable

from milter.config import Config
from milter.content.message import read
from milter.engine.ruleset import RuleSet
from milter.model import Authentication, Envelope, Verdict
from milter.pipeline import inspect

# Raw mail, envelope, and whether it is a bare body without a sender → verdict.
Judge = Callable[[bytes, Envelope, bool], Verdict]


def file_judge(config: Config, rules: RuleSet, *, offline: bool) -> Judge:
    """A judge of mails in files. A bare body has no sender to speak of."""

    def judge(raw: bytes, envelope: Envelope, is_body: bool) -> Verdict:
        message = read(raw)
        authentication = Authentication() if is_body else None
        return inspect(
            message, envelope, rules=rules, policy=config.policy,
            authentication=authentication, own_domains=config.own_domains,
        )  # fmt: skip

    return judge
