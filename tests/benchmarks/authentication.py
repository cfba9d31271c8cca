"""Does a large mail hold up a small one? Run: python tests/benchmarks/authentication.py [ROUNDS]

Both are signed and pass SPF, DKIM and DMARC from a zone in memory. Each round measures a 4 KB mail alone and one that
comes at the same time as a large mail, one after the other; the table gives medians. Exit 1 if a delay is above 50 ms.
"""

from __future__ import annotations

import asyncio
import base64
import statistics
import sys
import time

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from milter.config import Config
from milter.content.headers import split_headers
from milter.model import Authentication, Envelope
from milter.sender.dns import Answer, Kind
from milter.sender.verify import authenticate

HEAD = (
    b"From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: Report\r\nMessage-ID: <1@example.org>\r\n\r\n"
)
LINE = b"Attached are the figures of the last quarter, line by line, as they were.\r\n"
ENVELOPE = Envelope("alice@example.org", ("bob@example.net",), client_addr="192.0.2.1", helo_name="mx.example.org")
SETTINGS = Config(hostname="mx.example.net")
LIMIT = 0.050


class Zone:
    """A zone in memory."""

    def __init__(self, key_record: str) -> None:
        self.texts = {
            "example.org": "v=spf1 ip4:192.0.2.1 -all",
            "_dmarc.example.org": "v=DMARC1; p=reject",
            "test._domainkey.example.org": key_record,
        }

    async def query(self, name: str, kind: Kind) -> Answer:
        """The one record of that name."""
        text = self.texts.get(name)
        return Answer((text.encode(),)) if text and kind == "TXT" else Answer(exists=False)


def signed(body: bytes, key: bytes) -> bytes:
    """A mail with that body and a relaxed signature."""
    signer = dkim.DKIM(HEAD + body)
    return bytes(signer.sign(b"test", b"example.org", key, canonicalize=(b"relaxed", b"relaxed"))) + HEAD + body


async def check(raw: bytes, zone: Zone) -> float:
    """Seconds that all sender checks of one mail take."""
    began = time.perf_counter()
    headers = split_headers(raw, 0, len(raw))[0]
    found: Authentication = await authenticate(raw, ENVELOPE, headers, resolver=zone, settings=SETTINGS)
    if (found.spf, found.dkim, found.dmarc) != ("pass", "pass", "pass"):
        raise AssertionError(found)
    return time.perf_counter() - began


async def measure(large: bytes, small: bytes, zone: Zone, rounds: int) -> tuple[float, float, float]:
    """Medians in seconds: the small mail alone, beside the large one, and the large one itself."""
    alone, beside, whole = [], [], []
    for _ in range(rounds):
        alone.append(await check(small, zone))
        slow = asyncio.create_task(check(large, zone))
        await asyncio.sleep(0.005)
        beside.append(await check(small, zone))
        whole.append(await slow)
    return statistics.median(alone), statistics.median(beside), statistics.median(whole)


def main() -> int:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    zone = Zone("v=DKIM1; p=" + base64.b64encode(public).decode())
    small = signed(LINE * (4096 // len(LINE)), private)
    size = 25_000_000
    bodies = {
        "25 MB of text": LINE * (size // len(LINE)),
        "25 MB of base64": (base64.b64encode(bytes(57)) + b"\r\n") * (size // 78),
        "25 MB of blank lines": b"\r\n" * (size // 2) + b"end\r\n",
    }
    asyncio.run(measure(small, small, zone, 3))
    late = False
    print(
        f"{'beside a mail of':24}{'4 KB alone':>12}{'4 KB beside':>12}{'delay':>10}{'large mail':>12}   (ms, medians)"
    )
    for name, body in bodies.items():
        alone, beside, whole = asyncio.run(measure(signed(body, private), small, zone, rounds))
        late |= beside - alone > LIMIT
        columns = (alone, beside, beside - alone, whole)
        print(
            f"{name:24}"
            + "".join(f"{seconds * 1000:{width}.1f}" for seconds, width in zip(columns, (12, 12, 10, 12), strict=True))
        )
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
