"""Name look-ups of the sender checks: asynchronous, kept for each answer's own TTL, one for all who ask at once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, Protocol

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.resolver
import dns.ttl
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

from milter.config import Dns
from milter.config.endpoints import HOST_PORT
from milter.errors import BlackmailFilterError, ConfigError
from milter.observe import meter

Kind = Literal["A", "AAAA", "MX", "PTR", "TXT"]
Record = str | bytes | tuple[int, str]

MAX_TTL = 86_400.0
# An empty answer without SOA gives no time to keep it (RFC 2308 §5).
TTL_WITHOUT_SOA = 30.0
# Failures are kept shortly, so that mails do not wait one by one for a dead server (RFC 9520 §3.2).
FAILURE_TTL = 5.0
# Answers above this are not kept, so that the count of answers bounds the memory.
MAX_KEPT = 8_192
# Fits one unfragmented datagram; longer answers come by TCP.
EDNS_PAYLOAD = 1_232
# The end of what is said of a question to which no answer came.
TIMEOUT = dns.resolver.LifetimeTimeout.__name__


class DnsError(BlackmailFilterError):
    """The DNS gave no answer in time, or an error: a later attempt may do better."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the DNS holds: A, AAAA and PTR as text, MX as (preference, host), TXT as joined bytes.

    exists is False if the name itself does not (NXDOMAIN, RFC 8020).
    """

    records: tuple[Record, ...] = ()
    exists: bool = True


class Lookup(Protocol):
    """Anything that can answer a question of the sender checks."""

    async def query(self, name: str, kind: Kind) -> Answer:
        """The answer, empty where there is none; raises DnsError."""


@dataclass(frozen=True, slots=True)
class TimedLookup:
    """Another resolver, asked no longer than until a point of the event loop's time; what it knows it still tells."""

    resolver: Lookup
    until: float

    async def query(self, name: str, kind: Kind) -> Answer:
        """See Lookup."""
        try:
            async with asyncio.timeout_at(self.until):
                return await self.resolver.query(name, kind)
        except TimeoutError:
            raise DnsError(f"{kind} {name}: too late") from None


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer | None
    until: float
    failure: str = ""


class Resolver:
    """A resolver that asks the configured servers, or those of /etc/resolv.conf."""

    def __init__(self, settings: Dns, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError if a server is no address, or none are known."""
        try:
            self._stub = dns.asyncresolver.Resolver(configure=not settings.servers)
        except dns.resolver.NoResolverConfiguration as missing:
            raise ConfigError("dns.servers: none given, and /etc/resolv.conf names none") from missing
        if settings.servers:
            self._stub.nameservers = [_server(address) for address in settings.servers]
        self._stub.lifetime = settings.timeout
        self._stub.timeout = settings.timeout / 4
        self._stub.use_edns(0, 0, EDNS_PAYLOAD)
        self._size = settings.cache_size
        self._clock = clock
        self._kept: OrderedDict[tuple[str, Kind], _Kept] = OrderedDict()
        self._asking: dict[tuple[str, Kind], asyncio.Task[_Kept]] = {}

    async def query(self, name: str, kind: Kind) -> Answer:
        """See Lookup; a caller that is cancelled leaves the look-up to the others."""
        key = (name.rstrip(".").lower(), kind)
        kept = self._kept.get(key)
        if kept is None or kept.until <= self._clock():
            kept = await asyncio.shield(self._ask_once(key))
        elif meter.counts:
            meter.counts.dns_cache_hit()
        if kept.answer is None:
            raise DnsError(kept.failure)
        return kept.answer

    async def close(self) -> None:
        """Give up the look-ups under way."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _ask_once(self, key: tuple[str, Kind]) -> asyncio.Task[_Kept]:
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.get_running_loop().create_task(self._ask(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return task

    async def _ask(self, key: tuple[str, Kind]) -> _Kept:
        answer, ttl, failure = await self._look_up(*key)
        if meter.counts:
            meter.counts.dns("answer" if answer else "timeout" if failure.endswith(TIMEOUT) else "failure")
        kept = _Kept(answer, self._clock() + ttl, failure)
        if self._size and (answer is None or sum(map(len, answer.records)) <= MAX_KEPT):
            self._kept[key] = kept
            self._kept.move_to_end(key)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return kept

    async def _look_up(self, name: str, kind: Kind) -> tuple[Answer | None, float, str]:
        """The answer and its TTL, or None and the failure."""
        try:
            asked = dns.name.Name([*name.encode().split(b"."), b""])
        except dns.exception.DNSException:
            return Answer(exists=False), MAX_TTL, ""
        try:
            found = await self._stub.resolve(asked, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as none:
            response: dns.message.QueryMessage = none.response(asked)  # type: ignore[no-untyped-call]  # dnspython
            return Answer(exists=False), _bounded(response.resolve_chaining().minimum_ttl), ""
        except (dns.exception.DNSException, OSError) as error:
            if _is_alias_loop(error):
                return Answer(), FAILURE_TTL, ""
            return None, FAILURE_TTL, f"{kind} {name}: {type(error).__name__}"
        records = tuple(_record(data) for data in found.rrset or ())
        return Answer(records), _bounded(found.chaining_result.minimum_ttl), ""


def _is_alias_loop(error: Exception) -> bool:
    """Aliases that lead in a circle: there is an answer, but no record in it."""
    if not isinstance(error, dns.resolver.NoNameservers):
        return False
    return all(isinstance(reason, dns.message.ChainTooLong) for _, _, _, reason, _ in error.kwargs["errors"])


def _server(text: str) -> str | dns.nameserver.Nameserver:
    """An address, or address:port ([address]:port for IPv6)."""
    found = HOST_PORT.match(text)
    try:
        if found and not _is_address(text):
            return dns.nameserver.Do53Nameserver(str(ip_address(found["ip6"] or found["host"])), int(found["port"]))
        return str(ip_address(text))
    except ValueError:
        raise ConfigError(f"dns.servers: {text} is no IP address; write 192.0.2.53 or 192.0.2.53:53") from None


def _is_address(text: str) -> bool:
    return text.count(":") > 1 and not text.startswith("[")


def _bounded(ttl: int) -> float:
    return TTL_WITHOUT_SOA if ttl >= dns.ttl.MAX_TTL else min(float(ttl), MAX_TTL)


def _record(data: dns.rdata.Rdata) -> Record:
    match data:
        case TXT():
            return b"".join(data.strings)
        case MX():
            return (data.preference, data.exchange.to_text(omit_final_dot=True))
        case PTR():
            return data.target.to_text(omit_final_dot=True)
        case _:
            return data.to_text()
