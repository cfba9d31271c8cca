"""Settings and rules → the functions that front ends call: sender checks first, then the pure core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from milter.config import Config
from milter.content.message import Message, read
from milter.engine.cache import load_rules, rule_paths
from milter.engine.ruleset import RuleSet
from milter.model import Authentication, Envelope, Inspector, Verdict
from milter.observe.stages import timed
from milter.pipeline import Look, first_look, inspect, judged
from milter.policies import PolicyBook
from milter.sender.verify import authenticate
from milter.signals.campaigns import CampaignBook

if TYPE_CHECKING:
    from milter.sender.dns import Resolver

T = TypeVar("T")
# Raw mail, envelope, and whether it is a bare body without a sender → verdict.
Judge = Callable[[bytes, Envelope, bool], Verdict]
# Longer mails, those with more text, and those with a threat in so much of it take milliseconds to read or judge,
# and do so in a thread; small ones go on.
INLINE_TEXT = 64 * 1024
INLINE_THREAT = 8 * 1024
INLINE_BYTES = 256 * 1024


def configured_rules(config: Config) -> RuleSet:
    """The compiled rules of a configuration. Raises ConfigError."""
    return load_rules(rule_paths(config.rules, shipped=config.shipped_rules), config.cache_dir)


def read_within(raw: bytes, config: Config) -> Message:
    """Read a mail as far as max_text says."""
    return read(raw, head=config.max_text, tail=config.max_text // 4)


class SmtpInspector:
    """Judges mail of one server process. Nothing is opened or started before the first mail."""

    def __init__(
        self, config: Config, rules: RuleSet, policies: PolicyBook, campaigns: CampaignBook | None = None
    ) -> None:
        self._config = config
        self._rules = rules
        self._policies = policies
        self._campaigns = campaigns or CampaignBook()
        self._resolver = _resolver(config)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="inspect")

    async def __call__(self, raw: bytes, envelope: Envelope) -> Verdict:
        """The verdict on a mail that came in by SMTP; reasons only where it is flagged."""
        message = await self._read(raw)
        authentication = None
        if self._resolver is not None:
            with timed("authenticate"):
                authentication = await authenticate(
                    raw,
                    envelope,
                    message.headers,
                    resolver=self._resolver,
                    settings=self._config,
                    executor=self._threads,
                )
        size = sum(len(text.content) for text in message.texts)
        if size > INLINE_TEXT:
            return await self._in_thread(lambda: self._judged(self._looked(message), envelope, authentication))
        look = self._looked(message)
        if look.may_threaten and size > INLINE_THREAT:
            return await self._in_thread(lambda: self._judged(look, envelope, authentication))
        return self._judged(look, envelope, authentication)

    async def _read(self, raw: bytes) -> Message:
        if len(raw) <= INLINE_BYTES:
            return read_within(raw, self._config)
        return await self._in_thread(lambda: read_within(raw, self._config))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _looked(self, message: Message) -> Look:
        return first_look(message, self._rules)

    def _judged(self, look: Look, envelope: Envelope, authentication: Authentication | None) -> Verdict:
        return judged(
            look,
            envelope,
            self._rules,
            self._policies.current.of_mail(envelope.rcpt_to),
            authentication,
            self._config.own_domains,
            self._campaigns.current,
            explain=False,
        )


def smtp_inspector(
    config: Config, policies: PolicyBook | None = None, campaigns: CampaignBook | None = None
) -> Inspector | None:
    """The inspector of a server, or None where inspection is off. Raises ConfigError.

    policies: those in force, also after a change of the lists of senders; None: those of the settings. campaigns: those
    known at the time; None: none.
    """
    if not config.inspect:
        return None
    return SmtpInspector(config, configured_rules(config), policies or PolicyBook(config), campaigns)


def _resolver(config: Config) -> Resolver | None:
    """What answers the sender checks, or None where they are off. Raises ConfigError."""
    if not config.verify_senders:
        return None
    from milter.sender.dns import Resolver  # noqa: PLC0415  without the DNS its library is not needed

    return Resolver(config.dns)


def file_judge(config: Config, rules: RuleSet, *, offline: bool) -> Judge:
    """A judge of mails in files. A bare body has no sender to speak of. Raises ConfigError."""
    resolver = None if offline else _resolver(config)
    loops: list[asyncio.AbstractEventLoop] = []

    def authenticated(raw: bytes, envelope: Envelope, message: Message) -> Authentication | None:
        if resolver is None:
            return None
        if not loops:  # one for each process, opened when it is needed
            loops.append(asyncio.new_event_loop())
        check = authenticate(raw, envelope, message.headers, resolver=resolver, settings=config)
        return loops[0].run_until_complete(check)

    def judge(raw: bytes, envelope: Envelope, is_body: bool) -> Verdict:
        message = read_within(raw, config)
        # A delivered mail keeps its reverse-path in Return-Path (RFC 5321 §4.4).
        sent = replace(envelope, mail_from=message.headers.get("Return-Path").strip(" <>"))
        return inspect(
            message,
            sent,
            rules=rules,
            policy=config.policy,
            authentication=Authentication() if is_body else authenticated(raw, sent, message),
            own_domains=config.own_domains,
        )

    return judge
