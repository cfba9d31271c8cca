"""The ways by which Postfix hands mail to a filter, and where they lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

from milter.config import Address, Config, Endpoint, UnixAddress
from milter.postfix.settings import HOST_PORT, PostfixSettings, Service, port_number

# Services that take mail and so look at content_filter; smtpd looks at smtpd_proxy_filter and smtpd_milters, too.
ENTRANCES = ("smtpd", "pickup", "qmqpd")
TRANSPORTS = ("local_transport", "mailbox_transport", "virtual_transport", "relay_transport", "default_transport")
LOOPBACK_NAMES = {"localhost", "localhost.localdomain"}


@dataclass(frozen=True, slots=True)
class Way:
    """One parameter that leads somewhere.

    front: the service that it holds for, None for all. client: the service whose processes connect. setting: the one of
    ours that should name the same address. target: where the client gets to, None if it is no address that we can read;
    written: where it would get to outside its chroot. own: settings of this one milter.
    """

    parameter: str
    front: Service | None
    client: Service
    setting: str
    text: str
    target: Endpoint | None
    written: Endpoint | None
    own: Mapping[str, str] = field(default_factory=dict, hash=False)


def ways(settings: PostfixSettings) -> list[Way]:
    """All of them, to whichever filter."""
    return [*_proxies(settings), *_content_filters(settings), *_milters(settings), *_transports(settings)]


def _proxies(settings: PostfixSettings) -> Iterator[Way]:
    parameter = "smtpd_proxy_filter"
    for service in settings.by_command("smtpd"):
        if text := settings.value(parameter, service):
            yield _way(parameter, service, service, "listen", text, settings)


def _content_filters(settings: PostfixSettings) -> Iterator[Way]:
    for service in settings.by_command(*ENTRANCES):
        if text := settings.value("content_filter", service):
            yield from _by_transport("content_filter", service, text, settings)


def _transports(settings: PostfixSettings) -> Iterator[Way]:
    for parameter in TRANSPORTS:
        if text := settings.value(parameter):
            yield from _by_transport(parameter, None, text, settings)


def _by_transport(parameter: str, front: Service | None, text: str, settings: PostfixSettings) -> Iterator[Way]:
    name, _, destination = text.partition(":")
    client = settings.transport(name)
    if client and client.command in {"smtp", "lmtp"} and destination:
        setting = "listen" if client.command == "smtp" else "lmtp"
        yield _way(parameter, front, client, setting, destination, settings)


def _milters(settings: PostfixSettings) -> Iterator[Way]:
    asking = [("smtpd_milters", service) for service in settings.by_command("smtpd")]
    asking += [("non_smtpd_milters", service) for service in settings.by_command("cleanup")]
    for parameter, service in asking:
        if "no_milters" in settings.words("receive_override_options", service):
            continue
        for item in settings.words(parameter, service):
            # { inet:host:port, name = value, ... } (MILTER_README, per-Milter settings)
            text, *own = (part.strip() for part in item.strip("{} ").split(","))
            pairs = (part.partition("=") for part in own)
            way = _way(parameter, service, service, "milter", text, settings)
            yield replace(way, own={name.strip(): value.strip() for name, _, value in pairs})


def _way(
    parameter: str, front: Service | None, client: Service, setting: str, text: str, settings: PostfixSettings
) -> Way:
    root = settings.queue_directory
    written = read_target(text, root)
    target = written
    if client.chrooted and text.startswith("unix:/"):
        target = UnixAddress(path=Path(f"{root}{text.removeprefix('unix:')}"))
    return Way(parameter, front, client, setting, text, target, written)


def read_target(text: str, queue_directory: Path) -> Endpoint | None:
    """An address as Postfix writes it: host:port, [host]:port, inet:host:port or unix:PATH."""
    if text.startswith("unix:"):
        return UnixAddress(path=queue_directory / text.removeprefix("unix:"))
    found = HOST_PORT.fullmatch(text.removeprefix("inet:"))
    port = port_number(found["port"]) if found else None
    if found is None or port is None:
        return None
    return Address(host=found["bracketed"] or found["host"] or "localhost", port=port)


def endpoints(config: Config) -> dict[str, Endpoint]:
    """Where the filter takes mail, by the setting that says so."""
    asked = {"listen": config.listen, "lmtp": config.lmtp, "milter": config.milter}
    return {setting: endpoint for setting, endpoint in asked.items() if endpoint}


def meets(target: Endpoint | None, endpoint: Endpoint | None) -> bool:
    """Whether who goes to the target comes to who listens on the endpoint; names of hosts are not looked up."""
    if not isinstance(target, Address) or not isinstance(endpoint, Address):
        return target is not None and target == endpoint
    return target.port == endpoint.port and _same_host(target.host, endpoint.host)


def _same_host(one: str, other: str) -> bool:
    if LOOPBACK_NAMES & {one, other}:
        return all(is_loopback(host) or _is_open(host) for host in (one, other))
    return one == other or _is_open(one) or _is_open(other)


def _is_open(host: str) -> bool:
    """Whether it may stand for any address: the unspecified one, or a name."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return True


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
