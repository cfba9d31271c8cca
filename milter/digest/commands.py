"""Commands by mail: a mail to digest.command_address with a token in it is carried out, answered, and not relayed.

Nobody is answered who may not have written: with a valid token the answer goes to the recipient whose token it is;
else to the sender, once a day, if SPF, DMARC or a login shows that it is genuine.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_address

from milter.actions.nexthop import NextHop, Reply
from milter.addresses import normal_address, without_detail
from milter.config import Config
from milter.content.message import Message, read
from milter.digest.deeds import ELSEWHERE, EXPIRED, INVALID, TEXTS, carry_out, subject_of
from milter.digest.opened import Office, office
from milter.digest.send import hand_over, may_be_told
from milter.digest.tokens import TOKEN, Expired, Order, Tokens, signing_keys
from milter.errors import NextHopError
from milter.model import Envelope, Inspector, Verdict
from milter.sender.author import parse_mailboxes

ANSWER = "answer"
BULK = {"bulk", "junk", "list", "auto_reply"}
DONE = "2.0.0 Ok: done"

log = logging.getLogger(__name__)


class Commands:
    """Takes commands for one process; inspector judges whether a sender is genuine."""

    def __init__(self, config: Config, hop: NextHop, inspector: Inspector | None, now: Callable[[], datetime]) -> None:
        self._config = config
        self._hop = hop
        self._inspector = inspector
        self._now = now
        self._address = normal_address(config.digest.command_address or "")

    def is_for_us(self, recipient: str) -> bool:
        """Whether a mail to that address is a command."""
        return bool(self._address) and normal_address(recipient) == self._address

    async def take(self, raw: bytes, envelope: Envelope) -> Reply:
        """Carry out what a mail asks for; the reply for its client. Raises StoreError."""
        message = await asyncio.to_thread(read, raw)
        ok = Reply(250, (DONE,))
        if not envelope.mail_from or _automatic(message):
            log.info("%s: not a command: nobody has written it", envelope.queue_id)
            return ok
        now = self._now()
        keys = await asyncio.to_thread(signing_keys, self._config.store, make=False)
        order, fault = _order(message, Tokens(keys, valid_days=self._config.digest.valid_days), now)
        if order is None:
            await self._object(fault, raw, envelope, message, now)
            return ok
        async with office(self._config, now) as opened:
            await self._obey(order, opened, envelope, message)
        return ok

    async def _obey(self, order: Order, opened: Office, envelope: Envelope, message: Message) -> None:
        mail, recipient = await asyncio.to_thread(subject_of, opened.store, order)
        if not recipient:
            log.info("%s: %s is not kept any more", envelope.queue_id, mail.id)
            return
        if not _written_by(recipient, envelope, message):
            log.warning("%s: a command for <%s> came from another address", envelope.queue_id, recipient)
            text = ELSEWHERE
        else:
            done = await carry_out(order, opened, self._hop)
            log.info("%s: %s of %s: %s", envelope.queue_id, order.purpose, mail.id, done.outcome)
            text = TEXTS[done.outcome]
        language = opened.desk.language(recipient, [mail])
        await self._answer(opened, recipient, text, language, mail.id)

    async def _object(self, fault: str, raw: bytes, envelope: Envelope, message: Message, now: datetime) -> None:
        """Say that a command is not valid, once a day, to a sender who is genuine."""
        sender = envelope.mail_from
        if not self._config.store.exists or not may_be_told(sender, self._config):
            return
        if not await self._genuine(raw, envelope, message):
            log.info("%s: no valid command, and nobody is told: the sender is not proven", envelope.queue_id)
            return
        async with office(self._config, now) as opened:
            day = now.date().isoformat()
            if await asyncio.to_thread(opened.store.mailings.claim, sender, ANSWER, day, now=now):
                await self._answer(opened, sender, fault, opened.desk.language(sender))

    async def _genuine(self, raw: bytes, envelope: Envelope, message: Message) -> bool:
        """Logged in, sent by a host that is trusted by name, or proven for the domain of the envelope's sender."""
        if envelope.authenticated:
            return True
        if envelope.client_addr and any(
            ip_address(envelope.client_addr) in network for network in self._config.trusted_clients
        ):
            return True
        verdict = await self._inspector(raw, envelope) if self._inspector else Verdict()
        if verdict.auth.spf == "pass":
            return True
        return verdict.auth.dmarc == "pass" and normal_address(envelope.mail_from) == _author(message)

    async def _answer(self, opened: Office, recipient: str, text: str, language: str, mail_id: str = "") -> None:
        """What was done stays done if nobody can be told."""
        raw = opened.composer.answer(recipient, text, language, mail_id)
        try:
            reply = await hand_over(self._hop, recipient, raw)
        except NextHopError as error:
            log.warning("an answer to <%s> was not sent: %s", recipient, error)
        else:
            if reply and not reply.accepted:
                log.warning("an answer to <%s> was refused: %s", recipient, reply)


def _order(message: Message, tokens: Tokens, now: datetime) -> tuple[Order | None, str]:
    """The one order of a mail, or what is wrong: of several nobody knows which is meant."""
    found = TOKEN.findall(message.headers.get("Subject"))
    if not found:
        own = [text.content for text in message.texts if not text.quoted and text.where == "text"]
        found = [token for text in own for token in TOKEN.findall(text)]
    orders: set[Order] = set()
    fault = INVALID
    for token in dict.fromkeys(found):
        try:
            order = tokens.read(token, now=now)
        except Expired:
            fault = EXPIRED
        else:
            orders |= {order} if order and order.purpose != "view" else set()
    return (next(iter(orders)), "") if len(orders) == 1 else (None, fault)


def _automatic(message: Message) -> bool:
    """Whether a program has answered (RFC 3834): one that quotes our mail must not release anything."""
    headers = message.headers
    submitted = headers.get("Auto-Submitted").strip().lower()
    return (
        submitted not in ("", "no")
        or headers.get("Precedence").strip().lower() in BULK
        or any(name in headers for name in ("List-Id", "X-Autoreply", "X-Autorespond"))
    )


def _author(message: Message) -> str:
    boxes = parse_mailboxes([value for name, value in message.headers.raw if name.lower() == "from"])
    return normal_address(boxes[0].address) if len(boxes) == 1 else ""


def _written_by(recipient: str, envelope: Envelope, message: Message) -> bool:
    own = without_detail(normal_address(recipient))
    return own in {without_detail(one) for one in (normal_address(envelope.mail_from), _author(message))}
