"""The beginning of a connection to the next hop: TLS where it is due and never less than asked for, and the log-in."""

from __future__ import annotations

import asyncio
import logging
import ssl
from datetime import timedelta

import pytest
import uvloop
from aiosmtpd.smtp import SMTP, AuthResult
from tls_hop import INSIDE, OFFERS, TlsHop

from milter.actions.hops import make_next_hop
from milter.actions.nexthop import Reply
from milter.actions.smtp_connection import SmtpConnection
from milter.config import Config, UnixAddress
from milter.errors import NextHopError
from milter.frontends.sockets import address_of

MESSAGE = [b"Received: x\r\n", b"Subject: y\r\n\r\n.z\r\n"]
SECRET = "correct horse §"
NO_TLS = tuple(offer for offer in OFFERS if offer != "STARTTLS")


@pytest.fixture
async def relay(authority, tmp_path):
    """Our side, as settings make it: `await relay(address, next_hop_tls=...)`; verify believes the authority."""
    opened = []
    password = tmp_path / "password"
    password.write_text(f"{SECRET}\nthe second line does not count\n", encoding="utf-8")

    def start(address, *, login=False, **settings):
        if settings.get("next_hop_tls") == "verify":
            settings.setdefault("next_hop_ca_file", authority.ca_file)
        if login:
            settings["next_hop_auth"] = {"user": "filter", "password_file": password}
        where = f"smtp+unix:{address.path}" if isinstance(address, UnixAddress) else f"smtp://{address}"
        usual = {"next_hop": where, "hostname": "filter.example", "next_hop_timeout": 5.0}
        opened.append(make_next_hop(Config(**usual | settings)))
        return opened[-1]

    yield start
    for ours in opened:
        await ours.close()
    # The servers' side of TLS has its say.
    await asyncio.sleep(0.05)


@pytest.fixture
def far_away(monkeypatch):
    """Loopback counts as some other machine."""
    monkeypatch.setattr(SmtpConnection, "stays_here", False)


async def send(ours, parts=MESSAGE, forwarded=None):
    transaction = await ours.begin("<a@example.org>", [], forwarded or {})
    reply = await transaction.rcpt("<b@example.org>", [])
    assert reply.accepted
    return await transaction.data(parts)


@pytest.mark.parametrize("level", ["opportunistic", "encrypt", "verify"])
async def test_mail_goes_in_tls_and_the_connection_is_kept(serve_hop, relay, authority, far_away, level):
    hop = (await serve_hop(context=authority.certify("127.0.0.1").context)).hop
    ours = relay(hop.address, next_hop_tls=level)
    large = [b"x" * 998 + b"\r\n"] * 2000
    for parts in (MESSAGE, large, MESSAGE):
        assert (await send(ours, parts)).accepted
    assert hop.in_clear == ["EHLO filter.example", "STARTTLS"]
    assert hop.encrypted[:3] == ["EHLO filter.example", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>"]
    assert hop.messages == [b"".join(parts) for parts in (MESSAGE, large, MESSAGE)]
    assert hop.connections == 1


async def test_on_loopback_nothing_is_encrypted_unless_asked_for(serve_hop, relay, authority):
    hop = (await serve_hop(context=authority.certify("127.0.0.1").context)).hop
    assert (await send(relay(hop.address))).accepted
    assert "STARTTLS" not in hop.commands


async def test_off_is_off(serve_hop, relay, authority, far_away):
    hop = (await serve_hop(context=authority.certify("127.0.0.1").context)).hop
    assert (await send(relay(hop.address, next_hop_tls="off"))).accepted
    assert "STARTTLS" not in hop.commands


async def test_opportunistic_takes_a_hop_without_tls(serve_hop, relay, far_away):
    hop = (await serve_hop(offers=NO_TLS)).hop
    assert (await send(relay(hop.address))).accepted
    assert hop.connections == 1


@pytest.mark.parametrize("answers", [{}, {"STARTTLS": "454 4.7.0 TLS not available"}], ids=["handshake", "refused"])
async def test_opportunistic_goes_in_the_clear_when_tls_fails(serve_hop, relay, far_away, caplog, answers):
    hop = (await serve_hop(answers=answers)).hop
    assert (await send(relay(hop.address))).accepted
    assert hop.connections == 2
    assert hop.encrypted == []
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert f"mail for {hop.address} goes in the clear" in line


async def test_opportunistic_waits_for_a_handshake_in_vain_only_so_long(serve_hop, relay, far_away):
    hop = (await serve_hop(answers={"STARTTLS": ["220 Go", "220 Go"]})).hop
    assert (await send(relay(hop.address, next_hop_timeout=0.5))).accepted
    assert hop.connections == 2


@pytest.mark.parametrize("level", ["encrypt", "verify"])
@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"offers": NO_TLS}, "does not offer STARTTLS"),
        ({"answers": {"EHLO": "502 what?"}}, "does not offer STARTTLS"),
        ({"answers": {"STARTTLS": "454 4.7.0 TLS not available"}}, "answers STARTTLS with 454"),
        ({}, "cannot be spoken to in TLS"),
    ],
    ids=["stripped", "helo", "refused", "handshake"],
)
async def test_without_tls_no_mail_leaves(serve_hop, relay, level, settings, what):
    hop = (await serve_hop(**settings)).hop
    with pytest.raises(NextHopError, match=what):
        await send(relay(hop.address, next_hop_tls=level))
    assert [c for c in hop.commands if not c.startswith(("EHLO", "HELO", "STARTTLS"))] == []
    assert hop.connections == 1


@pytest.mark.parametrize(
    ("names", "validity", "what"),
    [
        (("other.example",), {}, "IP address mismatch"),
        (("127.0.0.1",), {"begins": timedelta(days=-3), "ends": timedelta(days=-2)}, "expired"),
    ],
)
async def test_verify_looks_at_name_and_time(serve_hop, relay, authority, names, validity, what):
    hop = (await serve_hop(context=authority.certify(*names, **validity).context)).hop
    with pytest.raises(NextHopError, match=what):
        await send(relay(hop.address, next_hop_tls="verify"))
    assert hop.encrypted == []


async def test_verify_believes_no_stranger(serve_hop, relay, authority):
    hop = (await serve_hop(context=authority.certify("127.0.0.1").context)).hop
    with pytest.raises(NextHopError, match="unable to get local issuer"):
        await send(relay(hop.address, next_hop_tls="verify", next_hop_ca_file=None))


async def test_verify_goes_by_the_name_in_the_setting(serve_hop, relay, authority):
    hop = (await serve_hop(context=authority.certify("localhost").context)).hop
    named = f"smtp://localhost:{hop.address.port}"
    assert (await send(relay(hop.address, next_hop_tls="verify", next_hop=named))).accepted


async def test_old_tls_does_not_count(serve_hop, relay, authority):
    context = authority.certify("127.0.0.1").context
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    hop = (await serve_hop(context=context)).hop
    with pytest.raises(NextHopError, match="cannot be spoken to in TLS"):
        await send(relay(hop.address, next_hop_tls="encrypt"))


async def test_what_was_offered_in_the_clear_is_forgotten(serve_hop, relay, authority):
    context = authority.certify("127.0.0.1").context
    hop = (await serve_hop(context=context, offers=("STARTTLS", "XFORWARD ADDR", "EVIL"), inside=("8BITMIME",))).hop
    ours = relay(hop.address, next_hop_tls="encrypt")
    assert await ours.capabilities() == {"8BITMIME": ""}
    assert (await send(ours, forwarded={"ADDR": "192.0.2.1"})).accepted
    assert not any(command.startswith("XFORWARD") for command in hop.commands)


async def test_xforward_offered_in_tls_is_used(serve_hop, relay, authority):
    context = authority.certify("127.0.0.1").context
    hop = (await serve_hop(context=context, offers=("STARTTLS",), inside=("XFORWARD ADDR",))).hop
    assert (await send(relay(hop.address, next_hop_tls="encrypt"), forwarded={"ADDR": "192.0.2.1"})).accepted
    assert "XFORWARD ADDR=192.0.2.1" in hop.encrypted


@pytest.mark.parametrize("injected", [b"250 Ok\r\n", b"250-hop\r\n250 EVIL\r\n250-half", b"250 Ok\r\n" * 2])
async def test_replies_injected_before_the_handshake_are_thrown_away(serve_hop, relay, authority, injected):
    """CVE-2011-0411 from the client's side: they would be taken for replies that came in TLS."""
    context = authority.certify("127.0.0.1").context
    hop = (await serve_hop(context=context, injected=injected, answers={"RCPT": "550 5.1.1 no"})).hop
    ours = relay(hop.address, next_hop_tls="verify")
    assert "EVIL" not in await ours.capabilities()
    transaction = await ours.begin("<a@example.org>", [], {})
    assert await transaction.rcpt("<b@example.org>", []) == Reply(550, ("5.1.1 no",))
    transaction.abandon()


async def test_requiretls_counts_where_certificates_do(serve_hop, relay, authority):
    context = authority.certify("127.0.0.1").context
    hop = (await serve_hop(context=context, offers=(*OFFERS, "REQUIRETLS"))).hop
    assert "REQUIRETLS" in INSIDE
    assert "REQUIRETLS" not in await relay(hop.address, next_hop_tls="off").capabilities()
    assert "REQUIRETLS" not in await relay(hop.address, next_hop_tls="encrypt").capabilities()
    ours = relay(hop.address, next_hop_tls="verify")
    assert "REQUIRETLS" in await ours.capabilities()
    transaction = await ours.begin("<a@example.org>", ["REQUIRETLS", "RET=HDRS"], {})
    assert (await transaction.rcpt("<b@example.org>", ["NOTIFY=NEVER"])).accepted
    transaction.abandon()
    assert "MAIL FROM:<a@example.org> REQUIRETLS RET=HDRS" in hop.encrypted


async def test_a_next_hop_that_leaves_in_tls_before_the_end_is_known_to_have_nothing(serve_hop, relay, authority):
    served = await serve_hop(context=authority.certify("127.0.0.1").context)
    transaction = await relay(served.hop.address, next_hop_tls="verify").begin("<a@example.org>", [], {})
    await transaction.rcpt("<b@example.org>", [])

    async def before_end() -> None:
        for writer in served.hop.writers:
            writer.close()
        await asyncio.sleep(0.1)

    with pytest.raises(NextHopError):
        await transaction.data(MESSAGE, before_end)
    assert not transaction.committed


async def test_a_connection_that_the_next_hop_ends_is_closed_at_once(serve_hop, relay, authority):
    """While TLS says goodbye, what is written would be lost."""
    hop = (await serve_hop(context=authority.certify("127.0.0.1").context)).hop
    connection = await relay(hop.address, next_hop_tls="encrypt").connect()
    assert not connection.closed
    connection.eof_received()
    assert connection.closed
    with pytest.raises(NextHopError):
        connection.write(b".\r\n")


async def test_a_connection_closed_while_idle_in_tls_costs_no_mail(serve_hop, relay, authority):
    served = await serve_hop(context=authority.certify("127.0.0.1").context)
    ours = relay(served.hop.address, next_hop_tls="encrypt")
    await send(ours)
    await served.hop.close()
    assert (await send(ours)).accepted
    assert len(served.hop.messages) == 2


async def test_unix_sockets_and_ipv6(serve_hop, relay, authority, tmp_path):
    context = authority.certify("::1").context
    hop = (await serve_hop(host="::1", context=context)).hop
    assert (await send(relay(hop.address, next_hop_tls="verify"))).accepted
    assert hop.in_clear == ["EHLO filter.example", "STARTTLS"]
    server = await asyncio.start_unix_server(hop.serve, tmp_path / "smtp")
    address = UnixAddress(path=tmp_path / "smtp")
    for level in ("opportunistic", "encrypt"):
        assert (await send(relay(address, next_hop_tls=level))).accepted
    server.close()
    assert hop.in_clear.count("STARTTLS") == 2
    assert len(hop.messages) == 3


@pytest.mark.parametrize(
    ("offered", "answers"),
    [
        ("AUTH LOGIN PLAIN", [f"\0filter\0{SECRET}"]),
        ("AUTH CRAM-MD5 login", ["filter", SECRET]),
    ],
)
async def test_a_log_in(serve_hop, relay, authority, far_away, offered, answers):
    hop = (await serve_hop(context=authority.certify("127.0.0.1").context, inside=(*INSIDE, offered))).hop
    ours = relay(hop.address, login=True)
    for _ in range(2):
        assert (await send(ours)).accepted
    assert hop.logins == answers
    assert hop.in_clear == ["EHLO filter.example", "STARTTLS"]


async def test_a_log_in_on_loopback_needs_no_tls(serve_hop, relay):
    hop = (await serve_hop(offers=("AUTH PLAIN",))).hop
    assert (await send(relay(hop.address, login=True))).accepted
    assert hop.logins == [f"\0filter\0{SECRET}"]


@pytest.mark.parametrize("level", ["off", "opportunistic"])
@pytest.mark.parametrize("offers", [("AUTH PLAIN",), ("AUTH PLAIN", "STARTTLS")])
async def test_a_password_never_goes_in_the_clear(serve_hop, relay, far_away, level, offers):
    hop = (await serve_hop(offers=offers)).hop
    with pytest.raises(NextHopError, match="without it we do not log in"):
        await send(relay(hop.address, login=True, next_hop_tls=level))
    assert hop.logins == []
    assert not any(command.startswith(("AUTH", "MAIL")) for command in hop.commands)


async def test_a_refused_log_in_names_user_and_code(serve_hop, relay):
    hop = (await serve_hop(offers=("AUTH PLAIN",), answers={"AUTH": f"535 5.7.8 not with {SECRET}"})).hop
    with pytest.raises(NextHopError) as caught:
        await send(relay(hop.address, login=True))
    assert str(caught.value) == "next hop does not let 'filter' log in: 535"
    assert not any(command.startswith("MAIL") for command in hop.commands)


@pytest.mark.parametrize("offers", [(), ("AUTH",), ("AUTH CRAM-MD5 XOAUTH2",)])
async def test_who_lets_nobody_log_in_gets_no_mail(serve_hop, relay, offers):
    hop = (await serve_hop(offers=offers)).hop
    with pytest.raises(NextHopError, match="does not let us log in by PLAIN or LOGIN"):
        await send(relay(hop.address, login=True))


class Box:
    """What an aiosmtpd server is given."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append((session.authenticated, server.transport.get_extra_info("cipher")[1], envelope.content))
        return "250 2.0.0 Ok"


@pytest.fixture
async def aiosmtpd(authority):
    """An aiosmtpd server that takes mail in TLS from who logs in, and no other."""
    box = Box()

    def login(server, session, envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == ("filter", SECRET), handled=False)

    context = authority.certify("127.0.0.1").context

    def protocol():
        return SMTP(
            box, tls_context=context, require_starttls=True, authenticator=login, auth_required=True, hostname="hop"
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    box.address = address_of(server.sockets[0])
    yield box
    server.close()


async def test_aiosmtpd_takes_our_tls_and_our_log_in(aiosmtpd, relay):
    ours = relay(aiosmtpd.address, login=True, next_hop_tls="verify")
    for _ in range(3):
        assert await send(ours) == Reply(250, ("2.0.0 Ok",))
    assert aiosmtpd.mails == [(True, "TLSv1.3", b"".join(MESSAGE))] * 3


async def test_aiosmtpd_refuses_another_password(aiosmtpd, relay, tmp_path):
    ours = relay(aiosmtpd.address, login=True, next_hop_tls="verify")
    (tmp_path / "password").write_text("guessed", encoding="utf-8")
    other = relay(aiosmtpd.address, login=True, next_hop_tls="verify")
    with pytest.raises(NextHopError, match=r"^next hop does not let 'filter' log in: 535$"):
        await send(other)
    assert (await send(ours)).accepted


def test_uvloop_has_a_tls_of_its_own(authority):
    """It is what `serve` runs on."""

    async def scenario() -> None:
        good = TlsHop(context=authority.certify("127.0.0.1").context, injected=b"250 Ok\r\n")
        bad = TlsHop()
        servers = [await asyncio.start_server(hop.serve, "127.0.0.1", 0, limit=2**28) for hop in (good, bad)]
        for hop, server in zip((good, bad), servers, strict=True):
            hop.address = address_of(server.sockets[0])
        usual = {"next_hop_tls": "verify", "next_hop_ca_file": authority.ca_file, "next_hop_timeout": 5.0}
        ours = make_next_hop(Config(next_hop=f"smtp://{good.address}", **usual))
        large = [b"x" * 998 + b"\r\n"] * 2000
        for parts in (MESSAGE, large, MESSAGE):
            assert (await send(ours, parts)).accepted
        assert good.messages == [b"".join(parts) for parts in (MESSAGE, large, MESSAGE)]
        assert (good.connections, good.in_clear[1:]) == (1, ["STARTTLS"])
        await good.close()
        assert (await send(ours)).accepted
        await ours.close()
        with pytest.raises(NextHopError, match="cannot be spoken to in TLS"):
            await send(make_next_hop(Config(next_hop=f"smtp://{bad.address}", **usual)))
        for server in servers:
            server.close()
        await asyncio.sleep(0.05)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
