"""Postfix's settings beside ours, and what is found to be wrong between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from milter.config import Address, Config, SmtpNextHop
from milter.postfix.settings import PostfixSettings, Service
from milter.postfix.ways import Way, endpoints, is_loopback, meets, ways


@dataclass(frozen=True, slots=True)
class Finding:
    """where: file, service and parameter; what: what happens; remedy: what to set."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class SetUp:
    """ways: those that lead to our endpoints; others: those that do not.

    returns: smtpd services behind next_hop, where mail is handed back to them.
    """

    postfix: PostfixSettings
    config: Config
    ways: tuple[Way, ...]
    others: tuple[Way, ...]
    returns: tuple[tuple[Address, Service], ...]

    def through(self, *parameters: str) -> Iterator[Way]:
        """The ways through these parameters."""
        return (way for way in self.ways if way.parameter in parameters)

    @property
    def relays(self) -> bool:
        """Whether mail leaves us for the next hop; a milter's stays with Postfix."""
        return any(way.setting != "milter" for way in self.ways)

    @property
    def hops(self) -> tuple[Address, ...]:
        """Next hops that mail reaches by SMTP and a port."""
        addresses = (hop.address for hop in self.config.next_hop if isinstance(hop, SmtpNextHop))
        return tuple(address for address in addresses if isinstance(address, Address))


def set_up(postfix: PostfixSettings, config: Config) -> SetUp:
    """Bring both together."""
    ours, all_ways = endpoints(config), ways(postfix)
    leading = tuple(way for way in all_ways if meets(way.target, ours.get(way.setting)))
    others = tuple(way for way in all_ways if way not in leading)
    found = SetUp(postfix, config, leading, others, ())
    if not found.relays:
        return found
    returns = tuple((hop, one) for hop in found.hops for one in postfix.by_command("smtpd") if _listens(one, hop))
    return replace(found, returns=returns)


def _listens(service: Service, hop: Address) -> bool:
    return service.port is not None and meets(hop, Address(host=service.host or "0.0.0.0", port=service.port))


def reachable_from_outside(postfix: PostfixSettings, service: Service) -> bool:
    """Whether more than this machine may connect to it."""
    hosts = [service.host] if service.host else postfix.words("inet_interfaces")
    return not all(is_loopback(host) or host == "loopback-only" for host in hosts)
