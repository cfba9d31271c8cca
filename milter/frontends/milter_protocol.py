"""The milter protocol: an MTA shows its mails, hears what to do with each, and keeps them itself."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from functools import reduce
from ipaddress import ip_address
from itertools import islice
from operator import or_
from typing import TYPE_CHECKING, ClassVar

from milter.actions.decide import Decision
from milter.actions.deliver import REFUSED, Outcome
from milter.actions.headers import forged_fields_removed, split_fields
from milter.actions.nexthop import TROUBLE, Reply
from milter.frontends.memory import NO_ROOM
from milter.frontends.milter_mail import FieldChange, ShownMail, field_changes
from milter.frontends.milter_packets import (
    CONTINUE,
    VERSION,
    Edit,
    MalformedError,
    Negotiation,
    PacketBuffer,
    Step,
    change_header,
    insert_header,
    quarantine,
    read_connect,
    read_header,
    read_macros,
    read_negotiation,
    replace_body,
    reply_code,
    texts,
)
from milter.frontends.service import Service
from milter.frontends.smtp_syntax import ANOTHER_POLICY, TOO_LARGE
from milter.model import Envelope
from milter.observe import stages
from milter.observe.mail_line import mail_done
from milter.reason import sentence

if TYPE_CHECKING:
    from milter.actions.rewrite import Rewriting

READ_SIZE = 256 * 1024
# libmilter's default: between two packets the MTA may wait for all of its client's message.
IDLE_TIMEOUT = 7210.0
# Each changed field costs the MTA a search of the whole mail; honest mail has those of one or two other filters.
MAX_CHANGES = 100

EDITS = Edit.ADD_HEADER | Edit.CHANGE_BODY | Edit.CHANGE_HEADER | Edit.QUARANTINE
NO_REPLY: Mapping[bytes, Step] = {
    b"C": Step.NO_REPLY_CONNECT,
    b"H": Step.NO_REPLY_HELO,
    b"M": Step.NO_REPLY_MAIL,
    b"R": Step.NO_REPLY_RCPT,
    b"U": Step.NO_REPLY_UNKNOWN,
    b"L": Step.NO_REPLY_HEADER,
    b"N": Step.NO_REPLY_EOH,
    b"B": Step.NO_REPLY_BODY,
}
# What tells us nothing is left out. DATA alone is answered: without an answer there, Nagle's algorithm at the MTA and
# our kernel's delayed ACK hold up the content of each mail for 40 ms.
STEPS = reduce(or_, NO_REPLY.values(), Step.NO_UNKNOWN | Step.NO_EOH | Step.LEADING_SPACE)
MACROS = (b"i", b"{auth_authen}")

PASSED = Reply(250, ("2.0.0 Left to the MTA",))
HELD = Reply(250, ("2.0.0 Held by the MTA",))
SENT_APART = Reply(ANOTHER_POLICY[0], ANOTHER_POLICY[1:])
TOO_MANY_FORGED = Reply(550, ("5.6.0 Too many forged header fields",))

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

log = logging.getLogger(__name__)


def milter_connection(service: Service) -> asyncio.StreamReaderProtocol:
    """The protocol of one connection, for loop.create_server."""
    return asyncio.StreamReaderProtocol(
        asyncio.StreamReader(loop=service.loop),
        lambda reader, writer: MilterSession(service, reader, writer).run(),
        loop=service.loop,
    )


class MilterSession:
    """One connection of an MTA: the mails of one client, then perhaps those of another one."""

    def __init__(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._peer = service.peer(writer.transport)
        self._packets = PacketBuffer()
        self._negotiated = False
        # Commands to which the MTA wants a reply.
        self._replied_to: frozenset[bytes] = frozenset()
        self._leading_space = False
        self._macros: dict[bytes, bytes] = {}
        self._client_addr = self._client_name = self._helo_name = ""
        self._client_port = 0
        # Whether a recipient of this mail can be refused without harm to the others.
        self._can_refuse = False
        self._mail: ShownMail | None = None
        self._over = False

    # The connection

    async def run(self) -> None:
        """Answer the MTA until it leaves; whatever it does, one line in the log is all that comes of it."""
        if self._service.refusal(self._peer):
            self._writer.close()
            return
        self._service.enter(self, self._peer)
        try:
            await self._converse()
        except MalformedError as error:
            log.warning("milter client %s: connection closed: %s", self._peer.address, error)
        except TimeoutError:
            log.warning("milter client %s: connection closed: it was silent for too long", self._peer.address)
        except ConnectionError:
            log.debug("milter client went away")
        except Exception:
            log.exception("milter client %s: session failed", self._peer.address)
        finally:
            self._abort(b"")
            self._service.leave(self)
            self._writer.close()

    async def _converse(self) -> None:
        while not self._over:
            async with asyncio.timeout(self._patience):
                await self._writer.drain()
                data = await self._reader.read(READ_SIZE)
            if not data:
                return
            for command, content in self._packets.feed(data):
                await self._obey(command, content)

    @property
    def _patience(self) -> float:
        return self._service.config.command_timeout if self._in_content else IDLE_TIMEOUT

    @property
    def _in_content(self) -> bool:
        return self._mail is not None and self._mail.is_begun

    def say_goodbye(self) -> None:
        """End the session; a mail whose content has begun is finished first."""
        if not self._in_content:
            self._over = True
            self._writer.close()

    def break_off(self) -> None:
        """End the session at once; the MTA still has the mail."""
        self._writer.transport.abort()

    # Commands

    async def _obey(self, command: bytes, content: bytes) -> None:
        if not self._negotiated and command != b"O":
            raise MalformedError("no negotiation")
        if command == b"E":
            await self._end_of_mail(content)
            return
        if command not in self._TAKEN:
            raise MalformedError(f"unknown command {command!r}")
        reply = self._TAKEN[command](self, content)
        if command in self._replied_to:
            self._writer.write(reply or CONTINUE)

    def _negotiate(self, content: bytes) -> None:
        offer = read_negotiation(content)
        if EDITS & ~offer.edits:
            raise MalformedError("it does not let us change mail and quarantine it")
        asked = STEPS & ~Step.NO_REPLY_RCPT if self._service.parts_recipients else STEPS
        granted = asked & offer.steps
        self._negotiated = True
        self._replied_to = frozenset({b"T", *(command for command, step in NO_REPLY.items() if not step & granted)})
        self._leading_space = Step.LEADING_SPACE in granted
        self._writer.write(bytes(Negotiation(min(VERSION, offer.version), EDITS, granted)))

    def _take_macros(self, content: bytes) -> None:
        self._macros |= {name: value for name, value in read_macros(content).items() if name in MACROS}

    def _connect(self, content: bytes) -> None:
        name, address, self._client_port = read_connect(content)
        self._client_name = "" if name.startswith(b"[") or name == b"unknown" else _text(name)
        self._client_addr = _ip_address(_text(address))

    def _helo(self, content: bytes) -> None:
        self._helo_name = _text(texts(content)[0])

    def _begin(self, content: bytes) -> None:
        if self._mail:
            self._mail.drop()
        self._mail = ShownMail(_address(content), self._service.config.max_size, self._service.memory)
        # Mail that was made on its machine has no port, and nobody who would send it again: Postfix would try for ever.
        self._can_refuse = b"R" in self._replied_to and self._client_port != 0

    def _recipient(self, content: bytes) -> bytes | None:
        recipients, recipient = self._open_mail.rcpt_to, _address(content)
        if self._can_refuse and recipients and not self._service.may_share(recipients[0], recipient):
            return reply_code(bytes(SENT_APART))
        # Of a mail with more recipients these tell enough.
        if len(recipients) < self._service.config.max_recipients:
            recipients.append(recipient)
        return None

    def _header(self, content: bytes) -> None:
        name, value = read_header(content)
        self._open_mail.add_field(name, value if self._leading_space else b" " + value)

    def _body(self, content: bytes) -> None:
        self._open_mail.add_body(content)

    def _nothing(self, content: bytes) -> None:
        """A step that tells us nothing, of an MTA that does not leave it out."""

    def _abort(self, content: bytes) -> None:
        if self._mail:
            self._mail.drop()
        self._mail = None
        self._macros.clear()

    def _new_client(self, content: bytes) -> None:
        self._abort(content)
        self._client_addr = self._client_name = self._helo_name = ""

    def _quit(self, content: bytes) -> None:
        self._over = True

    # The letters are libmilter's SMFIC_*.
    _TAKEN: ClassVar[Mapping[bytes, Callable[[MilterSession, bytes], bytes | None]]] = {
        b"O": _negotiate,
        b"D": _take_macros,
        b"C": _connect,
        b"H": _helo,
        b"M": _begin,
        b"R": _recipient,
        b"T": _nothing,
        b"U": _nothing,
        b"L": _header,
        b"N": _nothing,
        b"B": _body,
        b"A": _abort,
        b"K": _new_client,
        b"Q": _quit,
    }

    # The end of a mail

    async def _end_of_mail(self, content: bytes) -> None:
        started, timing = time.perf_counter(), stages.begin()
        self._body(content)
        mail = self._open_mail
        envelope = self._envelope_of(mail)
        outcome, edits = await self._judge(mail, envelope)
        mail_done(envelope, mail.size, outcome, started, timing)
        self._writer.write(edits + CONTINUE if outcome.reply.accepted else reply_code(bytes(outcome.reply)))
        self._abort(b"")
        if self._service.stopping:
            self.say_goodbye()

    async def _judge(self, mail: ShownMail, envelope: Envelope) -> tuple[Outcome, bytes]:
        """What becomes of a mail, and the packets that edit it if the MTA is to keep it."""
        if mail.is_too_large:
            return Outcome("reject", Reply(TOO_LARGE[0], TOO_LARGE[1:])), b""
        if mail.has_no_room:
            return Outcome("defer", Reply(NO_ROOM[0], NO_ROOM[1:])), b""
        raw = bytes(mail)
        decision = await self._service.decider.decide(raw, envelope)
        changes = [] if decision.mail is raw else await asyncio.to_thread(self._changes, mail, decision.rewriting)
        if len(changes) > MAX_CHANGES:
            return Outcome("reject", TOO_MANY_FORGED, decision.verdict), b""
        reply = {"defer": TROUBLE, "reject": REFUSED, "quarantine": HELD}.get(decision.fate, PASSED)
        outcome = Outcome(decision.fate, reply, decision.verdict, would=decision.would)
        self._service.remember(raw, envelope, outcome)
        return outcome, self._edits(decision, changes)

    def _changes(self, mail: ShownMail, rewriting: Rewriting | None) -> list[FieldChange]:
        def change(line: bytes) -> bytes:
            cleaned = forged_fields_removed(line, self._service.config.server_id)
            return rewriting.change(cleaned) if rewriting and cleaned else cleaned

        return list(islice(field_changes(mail, change), MAX_CHANGES + 1))

    def _edits(self, decision: Decision, changes: list[FieldChange]) -> bytes:
        """Old fields are changed first, and the last first: an index counts the fields that are there by then."""
        packets = [change_header(number, name, self._shown(value)) for number, name, value in reversed(changes)]
        packets += [insert_header(name, self._shown(value)) for name, value in reversed(split_fields(decision.fields))]
        if decision.rewriting and decision.rewriting.body is not None:
            packets.append(replace_body(decision.rewriting.body))
        if decision.fate == "quarantine" and decision.verdict:
            packets.append(quarantine(sentence(decision.verdict).encode("ascii", "replace")))
        return b"".join(packets)

    def _envelope_of(self, mail: ShownMail) -> Envelope:
        return Envelope(
            mail_from=mail.mail_from,
            rcpt_to=tuple(mail.rcpt_to),
            client_addr=self._client_addr,
            client_name=self._client_name,
            helo_name=self._helo_name,
            queue_id=_text(self._macros.get(b"i", b"")) or self._service.new_queue_id(),
            authenticated=bool(self._macros.get(b"{auth_authen}")),
        )

    # State

    @property
    def _open_mail(self) -> ShownMail:
        if self._mail is None:
            raise MalformedError("content of a mail that was not begun")
        return self._mail

    def _shown(self, value: bytes) -> bytes:
        """A value as the MTA wants it."""
        return value if self._leading_space else value.removeprefix(b" ")


def _text(value: bytes) -> str:
    return _CONTROL.sub("?", value.decode("utf-8", "surrogateescape"))


def _address(content: bytes) -> str:
    """The address of MAIL or RCPT, which come with ESMTP parameters behind it."""
    return _text(texts(content)[0]).removeprefix("<").removesuffix(">")


def _ip_address(text: str) -> str:
    """In plain form; "" if it is none."""
    try:
        return str(ip_address(text.removeprefix("IPv6:")))
    except ValueError:
        return ""
