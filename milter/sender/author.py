"""Mailboxes in address fields (RFC 5322 §3.4), read as mail programs read them, also where they are malformed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from milter.addresses import QUOTED_PAIR, normal_address
from milter.content.charset import decode
from milter.content.headers import FOLDING, decode_value

# Longer fields hold no more that a reader would look at.
MAX_LENGTH = 32_768
OFTEN = 256  # bytes of fields that are likely to come again
# A quote that is never closed is a character like others.
TOKEN = re.compile(r'"(?:\\.|[^"\\])*+"|\\.|[^"\\()<>,;:]+|.', re.S)
# The two forms of nearly every mailbox, without anything that needs a closer look.
SIMPLE = re.compile(r'\s*(?:"([^"\\]*)"|([^"\\()<>,;:@]*?))\s*<([^\s"\\()<>,;:@]+@[A-Za-z0-9.-]+)>\s*')
BARE = re.compile(r'\s*([^\s"\\()<>,;:@]+@[A-Za-z0-9.-]+)\s*')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """name: the display name as shown; address: lower case, its domain in A-labels, "" if there is none."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The domain of the address; "" if it has none."""
        return self.address.rpartition("@")[2] if "@" in self.address else ""


def parse_mailboxes(fields: Iterable[bytes]) -> tuple[Mailbox, ...]:
    """All mailboxes of these fields (values as received), members of groups included."""
    return tuple(box for field in fields for box in (_known if len(field) <= OFTEN else _boxes)(field))


def _boxes(field: bytes) -> tuple[Mailbox, ...]:
    return tuple(_read(decode(FOLDING.sub(b" ", field[:MAX_LENGTH]))))


_known = lru_cache(4096)(_boxes)  # the same people write to the same people


def _read(field: str) -> list[Mailbox]:
    if simple := SIMPLE.fullmatch(field):
        name = " ".join((simple[1] or simple[2] or "").split())
        return [Mailbox(decode_value(name.encode()) if name else "", normal_address(simple[3]))]
    if bare := BARE.fullmatch(field):
        return [Mailbox("", normal_address(bare[1]))]
    return _Reader().read(field)


class _Reader:
    """Reads one address field; the phrase is what stands before "<", a comment what stands in brackets."""

    def __init__(self) -> None:
        self.found: list[Mailbox] = []
        self.group = ""
        self._clear()

    def _clear(self) -> None:
        self.phrase: list[str] = []
        self.comments: list[str] = []
        self.angle: list[str] | None = None
        self.inside_angle = False
        self.depth = 0

    def read(self, field: str) -> list[Mailbox]:
        for token in TOKEN.findall(field):
            self._take(token)
        self._end_mailbox()
        return self.found

    def _take(self, token: str) -> None:
        if self.depth or (token == "(" and not self.inside_angle):
            self._take_comment(token)
        elif self.inside_angle:
            self._take_angle(token)
        elif token == "<":
            self.angle = []
            self.inside_angle = True
        elif token in (",", ";"):
            self._end_mailbox()
            if token == ";":
                self.group = ""
        elif token == ":" and self.angle is None:
            self.group = _unquoted(self.phrase)
            self._clear()
        else:
            self.phrase.append(token)

    def _take_comment(self, token: str) -> None:
        self.depth += {"(": 1, ")": -1}.get(token, 0)
        self.comments.append(" " if token in "()" else token)

    def _take_angle(self, token: str) -> None:
        if token == ">":
            self.inside_angle = False
        elif self.angle is not None:
            self.angle.append(token)

    def _end_mailbox(self) -> None:
        phrase = _unquoted(self.phrase)
        comment = _unquoted(self.comments)
        if self.angle is None:
            name, address = comment, "".join(self.phrase)
        else:
            # A source route (RFC 5322 §4.4) leads to the address behind its colon.
            name, address = phrase or comment, "".join(self.angle).rpartition(":")[2]
        if phrase or comment or self.angle:
            # Encoded words are read only now: what they hide is no syntax (RFC 2047 §5).
            self.found.append(Mailbox(decode_value(f"{self.group} {name}".encode()), normal_address(address)))
        self._clear()


def _unquoted(tokens: list[str]) -> str:
    """Tokens as text: quotes gone, escapes read, runs of blanks made one."""
    parts = (
        QUOTED_PAIR.sub(r"\1", token.strip('"') if token.startswith('"') and len(token) > 1 else token)
        for token in tokens
    )
    return " ".join("".join(parts).split())
