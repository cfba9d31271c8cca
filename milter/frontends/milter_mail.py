"""A mail as an MTA shows it to a milter, field by field, and the edits that the MTA is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from milter.frontends.memory import MailMemory

# Bytes of the line below the header.
EMPTY_LINE = 2
# More header fields make no honest mail.
MAX_FIELDS = 10_000


@dataclass(slots=True)
class ShownMail:
    """A mail between MAIL and the end of its body; of one that is too large, or has no room, only the size is kept.

    Values of fields are as in the mail, leading space and folds included.
    """

    mail_from: str
    max_size: int
    memory: MailMemory
    rcpt_to: list[str] = field(default_factory=list)
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    size: int = EMPTY_LINE
    is_too_large: bool = False
    has_no_room: bool = False
    # Counted by memory.
    taken: int = 0

    @property
    def is_begun(self) -> bool:
        """Whether any of its content was shown."""
        return self.size > EMPTY_LINE

    def add_field(self, name: bytes, value: bytes) -> None:
        """The next field of the header."""
        if len(self.fields) >= MAX_FIELDS:
            self._refuse_size()
        if self._has_room(len(name) + len(value) + 3):
            self.fields.append((name, value))

    def add_body(self, chunk: bytes) -> None:
        """The next part of the body."""
        if self._has_room(len(chunk)):
            self.body += chunk

    def _has_room(self, size: int) -> bool:
        self.size += size
        if self.size > self.max_size:
            self._refuse_size()
        if self.is_too_large or self.has_no_room:
            return False
        if self.memory.take(size):
            self.taken += size
            return True
        self.has_no_room = True
        self.drop()
        return False

    def _refuse_size(self) -> None:
        self.is_too_large = True
        self.drop()

    def drop(self) -> None:
        """Forget the content."""
        self.memory.give_back(self.taken)
        self.taken = 0
        self.fields.clear()
        self.body.clear()

    def __bytes__(self) -> bytes:
        """The mail as received, but for the MTA's own changes."""
        return b"".join([*(_line(name, value) for name, value in self.fields), b"\r\n", self.body])


class FieldChange(NamedTuple):
    """A new value for the field of that name and number, from 1; empty: the field is taken out."""

    number: int
    name: bytes
    value: bytes


def field_changes(mail: ShownMail, change: Callable[[bytes], bytes]) -> Iterator[FieldChange]:
    """What makes of each field, line end included, what change makes of it, in the order of the mail."""
    seen: Counter[bytes] = Counter()
    for name, value in mail.fields:
        seen[name.lower()] += 1
        line = _line(name, value)
        changed = change(line)
        if not changed:
            yield FieldChange(seen[name.lower()], name, b"")
        elif changed != line:
            # Behind a bare CR: the field itself stays, and an empty value would take it out.
            yield FieldChange(seen[name.lower()], name, changed[len(name) + 1 : -2] or b" ")


def _line(name: bytes, value: bytes) -> bytes:
    return name + b":" + value + b"\r\n"
