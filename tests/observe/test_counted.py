"""Where things are counted: each place asks for the counts, and does without where there are none."""

from unittest.mock import Mock, call

import pytest

from milter.actions.decide import Decider
from milter.config import Config, Dns
from milter.model import Envelope, Refusal
from milter.observe import meter
from milter.sender.dns import Answer, DnsError, Resolver


@pytest.fixture
def counts(monkeypatch):
    monkeypatch.setattr(meter, "counts", Mock())
    return meter.counts


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ((Answer(exists=False), 60.0, ""), "answer"),
        ((None, 60.0, "TXT example.org: NoNameservers"), "failure"),
        ((None, 60.0, "TXT example.org: LifetimeTimeout"), "timeout"),
    ],
)
async def test_questions_to_the_dns(counts, monkeypatch, found, result):
    async def look_up(self, name, kind):
        return found

    monkeypatch.setattr(Resolver, "_look_up", look_up)
    resolver = Resolver(Dns(servers=("192.0.2.53",)))
    for _ in range(3):
        if found[0]:
            await resolver.query("example.org", "TXT")
        else:
            with pytest.raises(DnsError):
                await resolver.query("example.org", "TXT")
    assert counts.mock_calls == [call.dns(result), call.dns_cache_hit(), call.dns_cache_hit()]


@pytest.mark.parametrize("on_error", ["accept", "tempfail"])
async def test_faults_of_the_scanner(counts, on_error):
    async def broken(raw, envelope):
        raise ValueError

    await Decider(Config(on_error=on_error), broken).decide(b"Subject: x\r\n\r\n", Envelope())
    assert counts.mock_calls == [call.fault()]


async def test_sessions_and_mails_in_hand(counts, start_hop, start_filter, connect):
    client = await connect(await start_filter(await start_hop()))
    await client.hello()
    assert counts.mock_calls == [call.sessions(1)]
    await client.send(b"Subject: x\r\n\r\nHello\r\n")
    assert call.in_hand(1, 21) in counts.mock_calls
    await client.ask("QUIT")
    assert await client.reply() == ""
    assert counts.mail.call_count == 1
    assert [seen for seen in counts.mock_calls if seen[0] in ("sessions", "in_hand")][-2:] in (
        [call.in_hand(0, 0), call.sessions(0)],
        [call.sessions(0), call.in_hand(0, 0)],
    )


async def test_refused_sessions(counts, start_hop, start_filter, connect):
    running = await start_filter(await start_hop(), trusted_clients=["192.0.2.0/24"])
    assert (await (await connect(running)).reply()).startswith("554 ")
    assert call.refused(Refusal.NOT_TRUSTED) in counts.mock_calls
