"""LMTP in (RFC 2033): as SMTP, but recipients may have different fates, and after the mail each has a reply."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import repeat

from milter.actions.deliver import Mail
from milter.actions.handover import Handover, Part
from milter.actions.nexthop import TROUBLE, Reply, Transaction
from milter.frontends.service import Service
from milter.frontends.smtp import COMMANDS, Incoming, Share, SmtpServer
from milter.frontends.smtp_syntax import Path, RefusedError

# RFC 2033 §4.1
NO_HELO = (500, "5.5.1 This is LMTP, say LHLO")
# RFC 2033 §4.2
NO_RECIPIENTS = (503, "5.5.1 No valid recipients")
# Seconds after a mail's end in which its last recipient's turn must have come: Postfix waits for 600.
PATIENCE = 300.0
UNTRIED = repeat(TROUBLE)


class LmtpServer(SmtpServer):
    """One session. A mail has a share for each policy; they are inspected and handed over one after the other."""

    commands = ("LHLO", *COMMANDS)
    no_recipients = NO_RECIPIENTS
    protocols = ("LMTP", "UTF8LMTP")

    def __init__(self, service: Service) -> None:
        self._handover: Handover
        super().__init__(service)

    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802
        """As EHLO."""
        if not hostname:
            raise RefusedError(501, "5.5.4 Syntax: LHLO hostname")
        await super().smtp_EHLO(hostname)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        """SMTP is spoken elsewhere."""
        raise RefusedError(*NO_HELO)

    smtp_HELO = smtp_EHLO  # noqa: N815

    async def check_helo_needed(self, helo: str = "LHLO") -> bool:
        """Called by MAIL."""
        return await super().check_helo_needed(helo)

    async def _begin(self, sender: Path) -> Part:
        forwarded = self._identity.forwarded
        self._handover = Handover(self._service.hop, sender.path, sender.parameters_as_written, forwarded)
        await self._handover.begin()
        return Part(self._handover)

    def _share_of(self, mail: Incoming, recipient: str) -> Share:
        """With those of the same policy."""
        for share in mail.shares:
            if not share.rcpt_to or self._service.may_share(share.rcpt_to[0], recipient):
                return share
        mail.shares.append(Share(Part(self._handover)))
        return mail.shares[-1]

    def _same_for_all(self, incoming: Incoming, reply: Reply) -> Sequence[Reply]:
        return [reply] * len(incoming.accepted)

    async def _act(self, incoming: Incoming, mails: Sequence[Mail]) -> Sequence[Reply]:
        handover, waiting = self._handover, deque(mails)
        for share in incoming.shares:
            if not share.rcpt_to:
                # The last one to be refused may still hold the open transaction.
                share.transaction.abandon()
        handover.queue_id = mails[0].envelope.queue_id
        handover.deadline = self.loop.time() + PATIENCE
        replies: dict[Transaction, Iterator[Reply]] = {}
        try:
            while waiting and handover.may_go_on:
                mail = waiting.popleft()
                replies[mail.transaction] = iter(await self._replies(mail))
        finally:
            # What is on its way beyond recall is finished for those in it, and for nobody else.
            handover.stopped = True
            for mail in waiting:
                mail.transaction.abandon()
        return [next(replies.get(share.transaction, UNTRIED)) for share in incoming.accepted]

    async def _replies(self, mail: Mail) -> Sequence[Reply]:
        """One for each recipient of a share: the next hop's, or what has become of the mail for all of them."""
        outcome = await self._deliver(mail)
        assert isinstance(mail.transaction, Part)
        return mail.transaction.replies or [outcome.reply] * len(mail.envelope.rcpt_to)
