"""What goes to the next hop: changed only where the policy of the recipient says so, and sealed as it goes out."""

from __future__ import annotations

import base64
from dataclasses import replace
from email import message_from_bytes

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from milter.actions import rewrite
from milter.actions.decide import Decider, Decision
from milter.config import Arc, Config, Policy
from milter.model import Action, Authentication, Envelope, RuleMatch, Verdict

RAW = b"From: a@example.com\r\nSubject: pay\r\nX-Blackmail-Flag: NO\r\n\r\nPay me\r\n"
CLEANED = RAW.replace(b"X-Blackmail-Flag: NO\r\n", b"")
TO_ANNA, TO_PAUL = Envelope(rcpt_to=("anna@example.org",)), Envelope(rcpt_to=("paul@example.org",))
ALL = Policy(notice="add", subject_tag=True)


async def decided(config: Config, verdict: Verdict, raw: bytes = RAW, to: Envelope = TO_ANNA) -> Decision:
    async def inspector(raw: bytes, envelope: Envelope) -> Verdict:
        return verdict

    return await Decider(config, inspector).decide(raw, to)


async def test_by_default_only_fields_are_added(sextortion: Verdict) -> None:
    decision = await decided(Config(), sextortion)
    assert decision.mail == CLEANED
    assert decision.rewriting is None
    assert decision.fields.startswith(b"Authentication-Results: ")


async def test_a_flagged_mail_gets_tag_and_notice(sextortion: Verdict) -> None:
    decision = await decided(Config(hostname="filter.example", policy=ALL), sextortion)
    message = message_from_bytes(decision.fields + decision.mail)
    assert message["Subject"] == "[Extortion?] pay"
    assert message["X-Blackmail-Flag"] == "YES"
    notice, original = message.get_payload()
    assert "Do not pay." in notice.get_payload(0).get_payload(decode=True).decode()
    assert original.get_payload() == "Pay me\r\n"


@pytest.mark.parametrize("action", ["accept", "quarantine", "reject"])
async def test_what_is_not_delivered_flagged_stays_as_it_came(sextortion: Verdict, action: Action) -> None:
    decision = await decided(Config(policy=ALL), replace(sextortion, action=action))
    assert (decision.mail, decision.rewriting) == (CLEANED, None)


async def test_an_innocent_mail_of_a_blocked_sender_is_not_called_extortion(sextortion: Verdict) -> None:
    blocked = RuleMatch("policy.block", "policy", 0.0, "header", "a@example.com")
    decision = await decided(Config(policy=ALL), replace(sextortion, score=2.0, reasons=(blocked,)))
    assert (decision.mail, decision.rewriting) == (CLEANED, None)


async def test_each_recipient_by_his_own_policy(sextortion: Verdict) -> None:
    config = Config(
        policies={"anna@example.org": {"notice": "add", "language": "fr"}, "example.org": {"subject_tag": True}}
    )
    anna, paul = await decided(config, sextortion), await decided(config, sextortion, to=TO_PAUL)
    assert b"Ne payez pas." in anna.mail
    assert b"Subject: [Chantage ?] pay" in anna.mail
    assert paul.mail == CLEANED.replace(b"pay", b"[Extortion?] pay", 1)


async def test_a_fault_in_the_notice_costs_no_mail(
    sextortion: Verdict, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(rewrite, "rewrite", fail)
    decision = await decided(Config(policy=ALL), sextortion)
    assert (decision.fate, decision.mail) == ("tag", CLEANED)
    assert b"X-Blackmail-Flag: YES" in decision.fields
    assert "the mail is delivered without a notice" in caplog.text


async def test_a_mail_that_begins_with_a_continuation_keeps_its_notice(sextortion: Verdict) -> None:
    decision = await decided(Config(policy=ALL), sextortion, b' "; boundary="y\r\n' + RAW)
    message = message_from_bytes(decision.fields + decision.mail)
    assert [part.get_content_type() for part in message.get_payload()] == ["multipart/alternative", "text/plain"]


async def test_who_is_meant_always_gets_a_notice_in_place_of_quarantine(sextortion: Verdict) -> None:
    config = Config(policy=Policy(quarantine=True))
    meant = replace(sextortion, personal=True)
    decision = await decided(config, meant)
    assert b"It is not your fault." in decision.mail
    for other in (replace(sextortion), replace(meant, score=9)):
        assert (await decided(config, other)).mail == CLEANED
    assert (await decided(Config(), meant)).mail == CLEANED


@pytest.fixture(scope="module")
def sealing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Arc, bytes]:
    """Settings that seal, and the DNS record of the key."""
    key = rsa.generate_private_key(65537, 2048)
    path = tmp_path_factory.mktemp("arc") / "arc.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return Arc(domain="example.org", selector="filter", key=path), b"v=DKIM1; k=rsa; p=" + public


async def test_the_seal_covers_the_changed_mail(sextortion: Verdict, sealing: tuple[Arc, bytes]) -> None:
    arc, record = sealing
    results = Authentication(dkim="pass", results="dkim=pass header.d=example.com")
    verdict = replace(sextortion, auth=results)
    decision = await decided(Config(hostname="filter.example.org", arc=arc, policy=ALL), verdict)
    mail = decision.fields + decision.mail
    assert b"dkim=pass header.d=example.com" in mail
    assert b"Do not pay." in mail

    def dns(name: bytes, timeout: int = 5) -> bytes:
        return record

    assert dkim.arc_verify(mail, dnsfunc=dns)[0] == b"pass"
    assert dkim.arc_verify(mail.replace(b"Do not pay.", b"Do pay now."), dnsfunc=dns)[0] == b"fail"


@pytest.mark.parametrize("action", ["accept", "quarantine", "reject"])
async def test_in_monitor_mode_the_seal_covers_the_mail_as_it_came(
    sextortion: Verdict, sealing: tuple[Arc, bytes], action: Action
) -> None:
    arc, record = sealing
    monitoring = Config(hostname="filter.example.org", arc=arc, policy=ALL, mode="monitor")
    decision = await decided(monitoring, replace(sextortion, action=action))
    assert (decision.fate, decision.would, decision.mail, decision.rewriting) == ("accept", action, CLEANED, None)
    assert dkim.arc_verify(decision.fields + decision.mail, dnsfunc=lambda name, timeout=5: record)[0] == b"pass"


async def test_monitor_mode_without_fields_does_not_seal(sextortion: Verdict, sealing: tuple[Arc, bytes]) -> None:
    silent = Config(arc=sealing[0], policy=ALL, mode="monitor", monitor_headers=False)
    decision = await decided(silent, sextortion)
    assert (decision.fate, decision.fields, decision.mail) == ("accept", b"", CLEANED)
