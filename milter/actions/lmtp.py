"""Delivery to a next hop by LMTP (RFC 2033), one recipient at a time."""

from __future__ import annotations

from collections.abc import Sequence

from milter.actions.nexthop import Reply
from milter.actions.smtp import SmtpHop, SmtpTransaction

# The client sends the others again at once (RFC 5321 §4.5.3.1.10).
ONE_AT_A_TIME = Reply(452, ("4.5.3 One recipient at a time",))


class LmtpTransaction(SmtpTransaction):
    """One mail to one recipient."""

    _addressed = False

    async def rcpt(self, path: str, parameters: Sequence[str]) -> Reply:
        """Offer the recipient; once one is accepted, others are for the next mail."""
        if self._addressed:
            return ONE_AT_A_TIME
        reply = await super().rcpt(path, parameters)
        self._addressed = reply.accepted
        return reply


class LmtpHop(SmtpHop):
    """Next hop by LMTP, which answers the end of a mail once for each recipient.

    A client of ours hears one answer. So that it is true for all of a mail, a mail has one recipient.
    """

    greetings = ("LHLO",)
    transaction = LmtpTransaction
