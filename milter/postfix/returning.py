"""Checks of the way from the filter back to Postfix, and of what holds on both ways."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from milter.config import MaildirNextHop
from milter.postfix.settings import PostfixSettings, Service
from milter.postfix.setup import Finding, SetUp, reachable_from_outside
from milter.postfix.ways import ENTRANCES, is_loopback

ADDRESSES_DOUBLED = ("virtual_alias_maps", "always_bcc", "sender_bcc_maps", "recipient_bcc_maps")
# Words of EHLO without which mail that was taken with them is refused; Postfix's names for them.
CARRIED = ("8bitmime", "dsn", "smtputf8")


def no_way_back(this: SetUp) -> Iterator[Finding]:
    """Mail has to come back somewhere."""
    hop = this.config.next_hop[0]
    if this.relays and isinstance(hop, MaildirNextHop):
        yield Finding(
            "config, next_hop",
            f"mail goes into the folder {hop.path} instead of back to Postfix",
            "set next_hop: smtp://127.0.0.1:10026",
        )
    taken = {address for address, _ in this.returns}
    for address in this.hops:
        if this.relays and is_loopback(address.host) and address not in taken:
            yield Finding(
                "master.cf",
                f"no smtpd listens on {address}, where the filter hands mail back (next_hop)",
                f"add {address} inet … smtpd as blackmail-filter postfix-config prints it",
            )


def loops(this: SetUp) -> Iterator[Finding]:
    """What comes from the filter must not go there again."""
    for way in this.ways:
        for _, service in this.returns:
            if way.front != service:
                continue
            again = way.setting == "milter"
            switch = "receive_override_options=…,no_milters" if again else f"{way.parameter}="
            yield Finding(
                this.postfix.where(way.parameter, service),
                f"mail that the filter hands back to {service} goes there again{'' if again else ', without end'}",
                f"put -o {switch} below {service} in master.cf",
            )


def open_doors(this: SetUp) -> Iterator[Finding]:
    """Nobody but the filter may use the port behind it."""
    for hop, service in this.returns:
        if is_loopback(hop.host) and reachable_from_outside(this.postfix, service):
            yield Finding(
                f"master.cf, {service}",
                "everyone who reaches this port gets past the filter",
                f"write {hop} as its name",
            )
        restrictions = ("smtpd_client_restrictions", "smtpd_relay_restrictions", "smtpd_recipient_restrictions")
        if not any(_refuses(this.postfix, name, service) for name in restrictions):
            yield Finding(
                this.postfix.where("smtpd_recipient_restrictions", service),
                f"{service} relays for everyone who reaches it",
                f"put -o smtpd_recipient_restrictions=permit_mynetworks,reject below {service} in master.cf",
            )


def _refuses(postfix: PostfixSettings, parameter: str, service: Service) -> bool:
    """Whether the list refuses strangers before it permits them."""
    for word in postfix.words(parameter, service):
        if word == "permit":
            return False
        if word in {"reject", "defer", "reject_unauth_destination", "defer_unauth_destination"}:
            return True
    return False


def everyones_network(this: SetUp) -> Iterator[Finding]:
    """Who is in mynetworks may relay."""
    for service in this.postfix.by_command("smtpd"):
        for word in this.postfix.words("mynetworks", service):
            if _is_everyone(word):
                yield Finding(
                    this.postfix.where("mynetworks", service),
                    f"{word} is everyone, so {service} relays for everyone",
                    "name your own networks only",
                )


def _is_everyone(word: str) -> bool:
    network = _network(word)
    return network.prefixlen == 0 if network else word == "static:all"


def _network(word: str) -> IPv4Network | IPv6Network | None:
    """A network as Postfix writes it, "[::1]/128"; None if it is none."""
    try:
        return ip_network(word.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return None


def forgotten_client(this: SetUp) -> Iterator[Finding]:
    """The client's address comes by XFORWARD."""
    for hop, service in this.returns:
        parameter = "smtpd_authorized_xforward_hosts"
        if is_loopback(hop.host) and not any(_on_loopback(word) for word in this.postfix.words(parameter, service)):
            yield Finding(
                this.postfix.where(parameter, service),
                "Postfix does not take the real client from the filter, so Received and the log speak of this machine",
                f"put -o {parameter}=127.0.0.0/8 below {service} in master.cf",
            )


def _on_loopback(word: str) -> bool:
    network = _network(word)
    return network.network_address.is_loopback if network else is_loopback(word)


def addresses_twice(this: SetUp) -> Iterator[Finding]:
    """Aliases and copies are to be looked up once: before the filter or behind it (cleanup(8))."""
    behind = {service: _left_alone(this.postfix, service) for _, service in this.returns}
    fronts = [way.front for way in this.through("content_filter") if way.front]
    before = {front: _left_alone(this.postfix, front) for front in fronts if front not in behind}
    parameter = "receive_override_options"
    doubling = [name for name in ADDRESSES_DOUBLED if this.postfix.value(name)]
    for service, left in behind.items():
        if left and (not before or any(before.values())):
            yield Finding(
                this.postfix.where(parameter, service),
                "no_address_mappings holds here, too, so aliases are never looked up and their mail bounces"
                if before
                else "no_address_mappings leaves aliases as they are, and nobody else looks them up",
                f"put -o {parameter}=no_unknown_recipient_checks,no_milters below {service} in master.cf",
            )
        elif doubling and not left and not all(before.values()):
            front = next(front for front, alone in before.items() if not alone)
            yield Finding(
                this.postfix.where(parameter, front),
                f"{doubling[0]} is looked up before the filter and again behind it, so recipients get mail twice",
                f"set {parameter} = no_address_mappings in main.cf, and another value below {service} in master.cf",
            )


def _left_alone(postfix: PostfixSettings, service: Service) -> bool:
    return "no_address_mappings" in postfix.words("receive_override_options", service)


def withheld_words(this: SetUp) -> Iterator[Finding]:
    """What is offered in front and not behind is refused in between."""
    parameter = "smtpd_discard_ehlo_keywords"
    fronts = [one for one in this.postfix.by_command("smtpd") if any(way.front == one for way in this.ways)]
    for _, service in this.returns:
        kept = {word.lower() for word in this.postfix.words(parameter, service)}
        for front in fronts:
            offered = {word.lower() for word in this.postfix.words(parameter, front)}
            missing = [word for word in CARRIED if word in kept - offered]
            if missing and front != service:
                names = ", ".join(word.upper() for word in missing)
                yield Finding(
                    this.postfix.where(parameter, service),
                    f"{names} is offered by {front} and not by {service}, so mail that needs it is refused on its way",
                    f"put -o {parameter}= below {service} in master.cf, or withhold it in both",
                )


def unequal_sizes(this: SetUp) -> Iterator[Finding]:
    """Who takes a mail first must not take more than who gets it next."""
    largest = this.config.max_size
    behind = [service for _, service in this.returns]
    for service in this.postfix.by_command(*ENTRANCES):
        fitting = [way for way in this.ways if way.front == service]
        limit = this.postfix.number("message_size_limit", service)
        if not fitting or service in behind or 0 < limit <= largest:
            continue
        bounces = any(way.parameter == "content_filter" for way in fitting)
        end = "bounce after Postfix took them" if bounces else "are refused only after they were sent whole"
        yield Finding(
            this.postfix.where("message_size_limit", service),
            f"Postfix takes {f'{limit} bytes' if limit else 'any size'}, the filter {largest} (max_size);"
            f" mails between {end}",
            f"set message_size_limit = {largest}" + (f", or max_size: {limit}" if limit else ""),
        )
