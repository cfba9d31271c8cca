"""What we pass on bears a seal that later hops can check, if a key is configured."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from milter.actions.decide import Decider
from milter.actions.deliver import Delivery, Mail
from milter.actions.headers import Trace
from milter.actions.nexthop import Reply
from milter.actions.sealing import load_seal_key
from milter.config import Arc, Config
from milter.errors import ConfigError
from milter.model import Authentication, Envelope, Verdict

RAW = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
TRACE = Trace("192.0.2.1", "client.example.com", "filter.example.org", "ESMTP", "Q1", datetime(2026, 11, 2, tzinfo=UTC))


class Hop:
    """A transaction that remembers what it was given."""

    committed = False

    def __init__(self) -> None:
        self.taken = b""

    async def data(self, parts: Sequence[bytes]) -> Reply:
        self.taken = b"".join(parts)
        return Reply(250, ("2.0.0 Ok",))

    def abandon(self) -> None:
        pass


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def arc(key: rsa.RSAPrivateKey, tmp_path: Path) -> Arc:
    path = tmp_path / "arc.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return Arc(domain="example.org", selector="filter", key=path)


async def relayed(config: Config, authentication: Authentication) -> bytes:
    async def inspector(raw: bytes, envelope: Envelope) -> Verdict:
        return Verdict(auth=authentication)

    hop = Hop()
    mail = Mail(RAW, Envelope("a@example.com", ("b@example.org",)), TRACE, hop)  # type: ignore[arg-type]
    await Delivery(config, Decider(config, inspector)).deliver(mail)
    return hop.taken


async def test_a_relayed_mail_bears_a_seal_that_holds(arc: Arc, key: rsa.RSAPrivateKey) -> None:
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"filter._domainkey.example.org."
        return b"v=DKIM1; k=rsa; p=" + public

    results = Authentication(spf="pass", results="spf=pass smtp.mailfrom=a@example.com")
    mail = await relayed(Config(hostname="filter.example.org", arc=arc), results)
    assert b"ARC-Seal: i=1; cv=none;" in mail
    assert mail.endswith(RAW)
    assert dkim.arc_verify(mail, dnsfunc=dns)[0] == b"pass"
    assert dkim.arc_verify(mail.replace(b"Hello\r\n", b"Hallo\r\n"), dnsfunc=dns)[0] == b"fail"


async def test_without_a_key_nothing_is_sealed() -> None:
    assert b"ARC-Seal" not in await relayed(Config(hostname="filter.example.org"), Authentication())


async def test_a_broken_chain_is_not_sealed(arc: Arc) -> None:
    assert b"ARC-Seal" not in await relayed(Config(hostname="filter.example.org", arc=arc), Authentication(arc="fail"))


def test_a_key_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "arc.pem"
    with pytest.raises(ConfigError, match=r"arc\.key: .*arc\.pem cannot be read \(No such file"):
        load_seal_key(Arc(domain="example.org", selector="s", key=path))
    path.write_text("no key", encoding="ascii")
    with pytest.raises(ConfigError, match=r"arc\.key: .*arc\.pem: the ARC key is no RSA private key in PEM form"):
        load_seal_key(Arc(domain="example.org", selector="s", key=path))
