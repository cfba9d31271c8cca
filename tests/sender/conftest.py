"""Zones for the sender checks: in memory, and served by a real DNS server on loopback; keys and signed mails."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dkim
import dnslib
import nacl.signing
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from milter.config import Dns
from milter.sender.dns import Answer, DnsError, Kind, Resolver

DATA = Path(__file__).parent / "data"
# A record is (type, value); a bare word is a fault of the name: TIMEOUT, SERVFAIL, REFUSED.
Zone = Mapping[str, Sequence[Any]]


def txt(text: str | bytes, ttl: int = 300) -> tuple[str, object, int]:
    """A TXT record, cut into strings of 255 bytes."""
    data = text.encode() if isinstance(text, str) else text
    return ("TXT", [data[at : at + 255] for at in range(0, len(data), 255)] or [b""], ttl)


@dataclass
class MemoryResolver:
    """Answers from a zone of TXT texts; None is a failed look-up. asked counts the questions."""

    zone: Mapping[str, Sequence[str] | None]
    asked: Counter[str] = field(default_factory=Counter)

    async def query(self, name: str, kind: Kind) -> Answer:
        self.asked[f"{kind} {name}"] += 1
        name = name.lower()
        if name not in self.zone:
            return Answer(exists=any(known.endswith(f".{name}") for known in self.zone))
        texts = self.zone[name]
        if texts is None:
            raise DnsError(name)
        return Answer(tuple(text.encode() for text in texts) if kind == "TXT" else ())


class DnsServer(asyncio.DatagramProtocol):
    """A real name server: UDP with truncation, TCP, CNAME, NXDOMAIN with SOA, and faults on demand."""

    NEGATIVE_TTL = 60

    def __init__(self, zone: Zone) -> None:
        self.zone = {name.lower(): records for name, records in zone.items()}
        self.asked: Counter[str] = Counter()
        self.by_tcp = 0

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self.tcp = await asyncio.start_server(self.serve_tcp, "127.0.0.1", 0)
        port: int = self.tcp.sockets[0].getsockname()[1]
        self.udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        return port

    async def stop(self) -> None:
        self.udp.close()
        self.tcp.close()
        await self.tcp.wait_closed()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self.answer(data)
        if reply is None:
            return
        packed = reply.pack()
        if len(packed) > 1232:
            reply = dnslib.DNSRecord.parse(data).reply()
            reply.header.tc = 1
            packed = reply.pack()
        self.udp.sendto(packed, addr)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2))
        reply = self.answer(await reader.readexactly(size))
        self.by_tcp += 1
        if reply:
            packed = reply.pack()
            writer.write(len(packed).to_bytes(2) + packed)
            await writer.drain()
        writer.close()

    def answer(self, data: bytes) -> dnslib.DNSRecord | None:
        request = dnslib.DNSRecord.parse(data)
        name = b".".join(request.q.qname.label).decode("latin-1").lower()
        kind = dnslib.QTYPE[request.q.qtype]
        self.asked[f"{kind} {name}"] += 1
        reply = request.reply()
        fault = self.fill(reply, name, kind, depth=0)
        if fault == "TIMEOUT":
            return None
        if fault:
            reply.header.rcode = getattr(dnslib.RCODE, fault)
        return reply

    def fill(self, reply: dnslib.DNSRecord, name: str, kind: str, depth: int) -> str | None:
        records = self.zone.get(name)
        if records is None:
            self.add_soa(reply)
            return None if any(known.endswith(f".{name}") for known in self.zone) else "NXDOMAIN"
        for record in records:
            if isinstance(record, str) and not reply.rr:
                return record
            if isinstance(record, str):
                continue
            record_kind, value, *ttl = record
            if value == "TIMEOUT" and record_kind == kind:
                return "TIMEOUT"
            if record_kind in (kind, "CNAME") and value != "TIMEOUT":
                data = RDATA[record_kind](value)
                number = getattr(dnslib.QTYPE, record_kind)
                reply.add_answer(dnslib.RR(name, number, ttl=ttl[0] if ttl else 300, rdata=data))
            if record_kind == "CNAME" and depth < 12:
                return self.fill(reply, value.lower().rstrip("."), kind, depth + 1)
        if not reply.rr:
            self.add_soa(reply)
        return None

    def add_soa(self, reply: dnslib.DNSRecord) -> None:
        soa = dnslib.SOA("ns.test", "host.test", (1, 1, 1, 1, self.NEGATIVE_TTL))
        reply.add_auth(dnslib.RR(".", dnslib.QTYPE.SOA, ttl=self.NEGATIVE_TTL, rdata=soa))


RDATA: dict[str, Callable[[Any], Any]] = {
    "A": dnslib.A,
    "AAAA": dnslib.AAAA,
    "MX": lambda value: dnslib.MX(value[1], value[0]),
    "PTR": dnslib.PTR,
    "CNAME": dnslib.CNAME,
    "TXT": dnslib.TXT,
}


@dataclass
class ServedZone:
    """A zone on a server of its own, and a resolver that asks it."""

    server: DnsServer
    resolver: Resolver
    port: int


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """Start a DNS server for a zone: `await serve(zone, timeout=…, cache_size=…)`."""
    started: list[ServedZone] = []

    async def start(zone: Zone, clock: Callable[[], float] | None = None, **settings: Any) -> ServedZone:
        server = DnsServer(zone)
        port = await server.start()
        dns = Dns(servers=(f"127.0.0.1:{port}",), **{"timeout": 2.0, **settings})
        resolver = Resolver(dns, clock) if clock else Resolver(dns)
        started.append(ServedZone(server, resolver, port))
        return started[-1]

    yield start
    for one in started:
        await one.resolver.close()
        await one.server.stop()


@pytest.fixture
def memory() -> type[MemoryResolver]:
    return MemoryResolver


@pytest.fixture(name="txt")
def txt_fixture() -> Callable[..., tuple[str, object, int]]:
    return txt


@pytest.fixture
def data() -> Path:
    return DATA


@dataclass(frozen=True)
class Signer:
    """A test key: signs mails, and tells the TXT record of its public half."""

    algorithm: str
    private: bytes
    record: str
    selector: str = "test"

    def sign(self, mail: bytes, domain: str = "example.org", **options: Any) -> bytes:
        header = dkim.DKIM(mail).sign(
            self.selector.encode(),
            domain.encode(),
            self.private,
            signature_algorithm=self.algorithm.encode(),
            **options,
        )
        return bytes(header) + mail


def rsa_signer(bits: int, algorithm: str = "rsa-sha256") -> Signer:
    key = rsa.generate_private_key(65537, bits)
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Signer(algorithm, private, f"v=DKIM1; k=rsa; p={public}")


@pytest.fixture(scope="session")
def rsa_key() -> Signer:
    return rsa_signer(2048)


@pytest.fixture(scope="session")
def ed25519_key() -> Signer:
    key = nacl.signing.SigningKey.generate()
    public = base64.b64encode(bytes(key.verify_key)).decode()
    return Signer("ed25519-sha256", base64.b64encode(bytes(key)), f"v=DKIM1; k=ed25519; p={public}")


@pytest.fixture(params=["rsa_key", "ed25519_key"])
def signer(request: pytest.FixtureRequest) -> Signer:
    chosen: Signer = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="session")
def new_rsa_signer() -> Callable[..., Signer]:
    return rsa_signer


@pytest.fixture
def dead_server() -> Iterator[str]:
    """An address where nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{silent.getsockname()[1]}"
