"""From the setting `next_hop` to the next hop itself."""

from __future__ import annotations

from milter.actions.hop_access import load_access
from milter.actions.lmtp import LmtpHop
from milter.actions.maildir import MaildirHop
from milter.actions.nexthop import NextHop
from milter.actions.smtp import SmtpHop
from milter.config import Config, LmtpNextHop, MaildirNextHop


def make_next_hop(config: Config) -> NextHop:
    """The configured next hop; connects to nothing yet. Raises ConfigError if its files cannot be used."""
    first = config.next_hop[0]
    if isinstance(first, MaildirNextHop):
        return MaildirHop(first.path)
    access = load_access(config)
    hops = [
        (LmtpHop if isinstance(hop, LmtpNextHop) else SmtpHop)(
            hop.address,
            helo_name=config.hostname,
            timeout=config.next_hop_timeout,
            # Who tries all of them one after the other has waited for no longer than for a single one.
            opening_timeout=config.next_hop_timeout / len(config.next_hop),
            access=access,
        )
        for hop in config.next_hop
        if not isinstance(hop, MaildirNextHop)
    ]
    if len(hops) == 1:
        return hops[0]
    from milter.actions.failover import FailoverHop  # noqa: PLC0415  most servers have one next hop

    return FailoverHop(hops)
