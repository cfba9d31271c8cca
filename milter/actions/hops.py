"""From the setting `next_hop` to the next hop itself."""

from __future__ import annotations

from milter.actions.lmtp import LmtpHop
from milter.actions.maildir import MaildirHop
from milter.actions.nexthop import NextHop
from milter.actions.smtp import SmtpHop
from milter.config import Config, LmtpNextHop, MaildirNextHop


def make_next_hop(config: Config) -> NextHop:
    """The configured next hop; connects to nothing yet."""
    hop = config.next_hop[0]
    if isinstance(hop, MaildirNextHop):
        return MaildirHop(hop.path)
    if isinstance(hop, LmtpNextHop):
        return LmtpHop(hop.address, helo_name=config.hostname, timeout=config.next_hop_timeout)
    return SmtpHop(hop.address, helo_name=config.hostname, timeout=config.next_hop_timeout)
