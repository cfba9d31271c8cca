"""What a next hop is: the one place to which mail goes on, and the replies it gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Reply(NamedTuple):
    """An SMTP reply (RFC 5321 §4.2): the code and the text of each line, enhanced status code included."""

    code: int
    lines: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the command did what was asked (2yz)."""
        return 200 <= self.code <= 299

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}"

    def __bytes__(self) -> bytes:
        """The reply as sent, without the last CRLF."""
        head = "".join(f"{self.code}-{line}\r\n" for line in self.lines[:-1])
        return f"{head}{self.code} {self.lines[-1]}".encode("utf-8", "surrogateescape")


class Health(NamedTuple):
    """Whether a next hop answers, and since when (Unix time in seconds)."""

    up: bool
    since: float


# Awaited when all of a mail but its end is on the way: until it returns, the next hop cannot have taken the mail.
BeforeEnd = Callable[[], Awaitable[None]]

TROUBLE = Reply(451, ("4.3.0 Temporary trouble here, please try again later",))

# The extension that a parameter of MAIL or RCPT belongs to, where it is not named like the parameter.
EXTENSIONS = {"BODY": "8BITMIME", "RET": "DSN", "ENVID": "DSN", "NOTIFY": "DSN", "ORCPT": "DSN"}


def extension_of(parameter: str) -> str:
    """The EHLO keyword under which a parameter, as written ("Ret=HDRS"), is offered."""
    name = parameter.partition("=")[0].upper()
    return EXTENSIONS.get(name, name)


def size_limit(offered: str) -> int | None:
    """Bytes of the largest mail, by the argument of SIZE; None: no fixed limit, as 0 or nothing says (RFC 1870 §3)."""
    limit = int(offered) if offered.isdecimal() and len(offered) <= 20 else 0
    return limit or None


class Transaction(Protocol):
    """One mail on its way to the next hop. Each step may raise NextHopError; the mail was not accepted then."""

    @property
    def committed(self) -> bool:
        """Whether the next hop may have the whole mail: from here it must not be broken off."""

    async def rcpt(self, path: str, parameters: Sequence[str]) -> Reply:
        """Offer one recipient; path with its angle brackets, parameters as the client wrote them."""

    async def data(self, parts: Sequence[bytes], before_end: BeforeEnd | None = None) -> Reply:
        """Hand over the message; each part is a sequence of whole lines.

        What before_end raises breaks the mail off, and the next hop has nothing of it.
        """

    def abandon(self) -> None:
        """Take the mail back: nothing of it stays at the next hop. Without effect after data()."""


class NextHop(Protocol):
    """Where mail goes."""

    async def capabilities(self) -> Mapping[str, str]:
        """EHLO keywords in upper case and their arguments. Raises NextHopError."""

    async def begin(self, path: str, parameters: Sequence[str], forwarded: Mapping[str, str]) -> Transaction:
        """Start a mail from the sender path ("<>" is the null sender).

        forwarded are XFORWARD attributes as the client wrote them. Raises NextHopError.
        """

    def health(self) -> Mapping[str, Health]:
        """How each server is that it consists of, by address; one that has not been asked yet is up."""

    async def close(self) -> None:
        """Give up idle connections."""
