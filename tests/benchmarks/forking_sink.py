#!/usr/bin/env python3
"""An SMTP sink with a process for each connection, so that a large mail on one never holds up another.

usage: forking_sink.py PORT

Postfix's smtp-sink is one process, which reads a large mail for 100 to 250 ms before it looks at anybody else.
"""

from __future__ import annotations

import socketserver
import sys

REPLIES = {b"DATA": b"354 Go ahead", b"QUIT": b"221 Bye"}


class Session(socketserver.StreamRequestHandler):
    """Takes everything, keeps nothing."""

    wbufsize = 0
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """One connection."""
        self._say(b"220 sink ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self._say(b"250-sink", b"250-PIPELINING", b"250 8BITMIME")
                continue
            self._say(REPLIES.get(verb, b"250 Ok"))
            if verb == b"DATA":
                self._skip_message()
                self._say(b"250 Ok")
            elif verb == b"QUIT":
                return

    def _say(self, *lines: bytes) -> None:
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))

    def _skip_message(self) -> None:
        tail = b"\r\n"
        while not tail.endswith(b"\r\n.\r\n"):
            chunk = self.rfile.read1(1 << 20)
            if not chunk:
                return
            tail = (tail + chunk)[-5:]


class Sink(socketserver.ForkingTCPServer):
    """Listens until it is ended."""

    allow_reuse_address = True
    request_queue_size = 128
    max_children = 400


if __name__ == "__main__":
    Sink(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
