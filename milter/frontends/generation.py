"""Settings put to work: what the workers that are forked together share."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from milter.config import Config
from milter.errors import ConfigError, StoreError
from milter.frontends.sockets import address_of, addresses, bind, chmod, remove
from milter.frontends.store_watch import decided_campaigns, read_once, sender_lists
from milter.frontends.tls import server_context
from milter.model import Inspector
from milter.policies import PolicyBook
from milter.signals.campaigns import CampaignBook

log = logging.getLogger(__name__)

MakeInspector = Callable[[Config, PolicyBook, CampaignBook], Inspector | None]
# Sockets that listen, by the setting that names their address.
Listeners = Mapping[str, socket.socket]


@dataclass(frozen=True, eq=False, slots=True)
class Generation:
    """Settings that are in force together, and their sockets; inherited ones are systemd's."""

    config: Config
    policies: PolicyBook
    campaigns: CampaignBook
    inspector: Inspector | None
    listeners: Listeners
    inherited: Listeners = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def close_all_but(self, kept: Listeners) -> None:
        """Close the sockets that are not among those, in this process."""
        for listener in self.listeners.values():
            if listener not in kept.values():
                listener.close()

    def withdraw(self, kept: Listeners) -> None:
        """Take connections no more, but on those sockets; the paths of Unix sockets that we made are gone then."""
        for listener in self.listeners.values():
            if listener not in kept.values() and listener not in self.inherited.values():
                remove(listener)
        self.close_all_but(kept)


def prepare(
    config: Config,
    make_inspector: MakeInspector,
    old: Generation | None = None,
    inherited: Listeners | None = None,
) -> Generation:
    """Settings put to work; sockets whose address stays are taken over. Raises ConfigError, and is as before then."""
    policies, campaigns, inspector = judgement(config, make_inspector)
    listeners: dict[str, socket.socket] = {}
    ours = old.inherited if old else inherited or {}
    tls = server_context(config.tls) if config.tls else None
    generation = Generation(config, policies, campaigns, inspector, listeners, ours, tls)
    try:
        _open(generation, listeners, old)
    except ConfigError:
        generation.withdraw(old.listeners if old else {})
        raise
    return generation


def judgement(config: Config, make_inspector: MakeInspector) -> tuple[PolicyBook, CampaignBook, Inspector | None]:
    """What judges mail by these settings. Raises ConfigError; a store that is away must not keep mail from flowing."""
    policies, campaigns = PolicyBook(config), CampaignBook()
    try:
        if config.inspect:
            read_once(config.store, sender_lists(policies), decided_campaigns(campaigns))
    except StoreError as error:
        log.warning("the lists of senders and the campaigns are not known yet: %s", error)
    return policies, campaigns, make_inspector(config, policies, campaigns)


def _open(generation: Generation, listeners: dict[str, socket.socket], old: Generation | None) -> None:
    """Fill in the sockets of a generation. Raises ConfigError."""
    mode = int(generation.config.socket_mode, 8)
    before = addresses(old.config) if old else {}
    wanted = addresses(generation.config)
    for setting in generation.inherited.keys() - wanted.keys():
        raise ConfigError(f"{setting}: systemd hands over a socket for it, but it is null; set it, or stop that socket")
    for setting, address in wanted.items():
        if given := generation.inherited.get(setting):
            listeners[setting] = given
            if str(address_of(given)) != str(address):
                log.warning("%s: systemd's socket %s is used instead of %s", setting, address_of(given), address)
        elif old and address == before.get(setting):
            listeners[setting] = old.listeners[setting]
            chmod(listeners[setting], mode)
        else:
            listeners[setting] = bind(address, setting, mode=mode)
