"""The PROXY protocol: a load balancer names its client before all else.

www.haproxy.org/download/1.8/doc/proxy-protocol.txt, versions 1 and 2
"""

from __future__ import annotations

import asyncio
import logging
from ipaddress import IPv4Address, IPv6Address

from aiosmtpd.proxy_protocol import V2_CMD, get_proxy

# It is sent with the very first segment.
HEADER_SECONDS = 10.0

# It would write a line of its own about each bad header.
logging.getLogger("mail.debug").setLevel(logging.CRITICAL)


class MissingHeaderError(Exception):
    """A host that should begin with a PROXY header did not, or its header is malformed."""


async def proxied_address(reader: asyncio.StreamReader, patience: float) -> str | None:
    """The source address in the header that comes first; None if the host speaks for itself (LOCAL, UNKNOWN).

    Reads the header and nothing behind it, for at most patience seconds. Raises MissingHeaderError.
    """
    try:
        async with asyncio.timeout(min(patience, HEADER_SECONDS)):
            header = await get_proxy(reader)
    except TimeoutError:
        raise MissingHeaderError("no PROXY header in time") from None
    if not header.valid:
        raise MissingHeaderError(header.error)
    if header.command == V2_CMD.LOCAL or not isinstance(header.src_addr, IPv4Address | IPv6Address):
        return None
    return str(header.src_addr)
