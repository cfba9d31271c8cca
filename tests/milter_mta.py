"""An MTA that speaks the milter protocol: it shows mails as Postfix does and carries out the edits it is asked for."""

from __future__ import annotations

import asyncio
import re
import struct

ALL_EDITS, ALL_STEPS = 0x1FF, 0x1FFFFF
# The replies that end the wait for one: continue, accept, reject, tempfail, discard, a reply code.
LAST = b"cartdy"
FIELD_END = re.compile(rb"\r\n(?![ \t])")
LEADING_SPACE = 0x100000
CHUNK = 65535


def packet(letter: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", len(data) + 1) + letter + data


class MilterMta:
    """One connection to a milter."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.steps = 0

    def send(self, letter: bytes, data: bytes = b"") -> None:
        self.writer.write(packet(letter, data))

    async def read(self) -> tuple[bytes, bytes]:
        """One packet; (b"", b"") when the connection is closed."""
        try:
            (length,) = struct.unpack("!I", await self.reader.readexactly(4))
            content = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b"", b""
        return content[:1], content[1:]

    async def negotiate(self, version: int = 6, edits: int = ALL_EDITS, steps: int = ALL_STEPS) -> tuple[int, int, int]:
        """Offer this; what the milter asks for."""
        self.send(b"O", struct.pack("!III", version, edits, steps))
        letter, data = await self.read()
        assert letter == b"O"
        asked = struct.unpack("!III", data)
        self.steps = asked[2]
        return asked

    def connect(self, name: bytes = b"client.example", address: bytes = b"4\0\x19192.0.2.7") -> None:
        self.send(b"C", name + b"\0" + address + (b"\0" if len(address) > 1 else b""))
        self.send(b"H", b"helo.example\0")

    def macros(self, command: bytes, **values: bytes) -> None:
        data = b"".join(name.encode() + b"\0" + value + b"\0" for name, value in values.items())
        self.send(b"D", command + data)

    def begin(self, sender: bytes = b"<a@example.org>", recipients: tuple[bytes, ...] = (b"<b@example.org>",)) -> None:
        self.send(b"M", sender + b"\0SIZE=100\0")
        for recipient in recipients:
            self.send(b"R", recipient + b"\0")
        self.macros(b"T", i=b"4Xyz")

    def show(self, raw: bytes) -> None:
        """Header fields and body chunks of a mail."""
        header, _, body = raw.partition(b"\r\n\r\n")
        for line in FIELD_END.split(header):
            name, _, value = line.partition(b":")
            if not self.steps & LEADING_SPACE:
                value = value.removeprefix(b" ")
            self.send(b"L", name + b"\0" + value.replace(b"\r\n", b"\n") + b"\0")
        for start in range(0, len(body), CHUNK):
            self.send(b"B", body[start : start + CHUNK])

    async def end(self) -> list[tuple[bytes, bytes]]:
        """The end of the message; all replies to it."""
        self.send(b"E")
        replies = [await self.read()]
        while replies[-1][0] not in LAST:
            replies.append(await self.read())
        return replies

    async def mail(self, raw: bytes) -> list[tuple[bytes, bytes]]:
        """A whole mail; the replies to its end."""
        self.begin()
        self.show(raw)
        return await self.end()

    def edited(self, raw: bytes, replies: list[tuple[bytes, bytes]]) -> bytes:
        """What becomes of a mail by the edits that were asked for, as Postfix carries them out."""
        header, _, body = raw.partition(b"\r\n\r\n")
        fields = FIELD_END.split(header)
        space = b"" if self.steps & LEADING_SPACE else b" "
        chunks = [data for letter, data in replies if letter == b"b"]
        for letter, data in replies:
            if letter not in (b"i", b"m"):
                continue
            (number,) = struct.unpack("!I", data[:4])
            name, value, rest = data[4:].split(b"\0")
            assert rest == b""
            assert b"\r" not in value
            line = name + b":" + space + value.replace(b"\n", b"\r\n")
            if letter == b"i":
                fields.insert(number, line)
                continue
            same = [at for at, one in enumerate(fields) if one.partition(b":")[0].lower() == name.lower()]
            fields[same[number - 1] : same[number - 1] + 1] = [line] if value else []
        return b"\r\n".join([*fields, b"", b"".join(chunks) if chunks else body])
