"""Which hosts a mail passed, and down to which line that can be trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from milter.evidence.route import read_date, read_hop, trace
from milter.model import Envelope

LOCAL = "from localhost (localhost [127.0.0.1]) by mail.example.org with ESMTP id 1; Tue, 24 Nov 2026 12:00:09 +0100"
INNER = "from mx.example.org (mx.example.org [10.0.0.5]) by mail.example.org id 2; Tue, 24 Nov 2026 12:00:08 +0100"
BORDER = (
    "from helo.test (host.test [203.0.113.9]) (using TLSv1.3 (256/256 bits)) by mx.example.org (Postfix)"
    " with ESMTPS id 4Xy01 for <erika@example.org>; Tue, 24 Nov 2026 11:59:51 +0100 (CET)"
)
FORGED = "from mx.example.org (mx.example.org [192.0.2.2]) by mx.example.org id 9; Tue, 24 Nov 2026 10:00:00 +0000"
AT = datetime(2026, 11, 24, 11, 0, 10, tzinfo=UTC)


def standings(route):
    return [hop.standing for hop in route.hops]


def test_a_received_line_is_read_in_full():
    hop = read_hop(BORDER)
    assert (hop.name, hop.helo, hop.address) == ("host.test", "helo.test", "203.0.113.9")
    assert (hop.by, hop.protocol, hop.queue_id) == ("mx.example.org", "ESMTPS", "4Xy01")
    assert hop.recipient == "erika@example.org"
    assert hop.at == datetime(2026, 11, 24, 10, 59, 51, tzinfo=UTC)
    assert (hop.standing, hop.line, hop.public) == ("claimed", BORDER, True)


@pytest.mark.parametrize("line", ["", ";", "nonsense", "from", "by x; never", "from a by b; 99 Foo 2026", "(((" * 50])
def test_a_line_that_tells_nothing_is_no_fault(line):
    assert read_hop(line).address == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Tue, 24 Nov 2026 12:00:00 +0100 (CET)", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("24 Nov 2026 12:00:00 -0000", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("31 Dec 9999 23:59:59 -1200", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_are_in_utc(text, moment):
    assert read_date(text) == moment


def test_of_a_file_the_first_line_with_a_host_from_outside_is_the_last_to_trust():
    route = trace([LOCAL, INNER, BORDER, FORGED], Envelope(), None)
    assert standings(route) == ["ours", "ours", "handover", "claimed"]
    assert route.handover.address == "203.0.113.9"
    assert not route.witnessed


def test_a_relay_that_is_trusted_belongs_to_our_side():
    relay = FORGED.replace("192.0.2.2", "198.51.100.1")
    route = trace([relay, BORDER, FORGED], Envelope(), None, trusted=[ip_network("198.51.100.0/24")])
    assert standings(route) == ["ours", "handover", "claimed"]


def test_steps_inside_a_host_and_local_deliveries_name_no_address():
    inside = "by mail.example.org with SMTP id abc; Tue, 24 Nov 2026 12:00:10 +0100"
    delivery = "from mail.example.org by mail.example.org with LMTP id xyz; Tue, 24 Nov 2026 12:00:11 +0100"
    assert standings(trace([delivery, inside, BORDER, FORGED], Envelope(), None)) == [
        "ours",
        "ours",
        "handover",
        "claimed",
    ]


def test_a_host_without_an_address_is_not_taken_for_ours():
    route = trace(["from mx.example.org by mail.example.org with SMTP", BORDER], Envelope(), None)
    assert standings(route) == ["handover", "claimed"]
    assert not route.handover.public


def test_the_session_is_the_first_contact_and_every_line_a_claim():
    envelope = Envelope(client_addr="203.0.113.9", client_name="host.test", helo_name="helo.test", queue_id="own1")
    route = trace([BORDER, FORGED], envelope, AT)
    assert standings(route) == ["handover", "claimed", "claimed"]
    session = route.handover
    assert (session.address, session.name, session.helo, session.line) == ("203.0.113.9", "host.test", "helo.test", "")
    assert session.at == AT
    assert route.witnessed


def test_the_line_of_our_own_relay_is_known_by_its_queue_id():
    envelope = Envelope(client_addr="203.0.113.9", queue_id="4Xy01")
    assert standings(trace([BORDER, FORGED], envelope, AT)) == ["handover", "claimed"]


@pytest.mark.parametrize(
    "envelope",
    [Envelope(client_addr="203.0.113.9", queue_id="other"), Envelope(client_addr="203.0.113.8", queue_id="4Xy01")],
)
def test_a_line_that_only_looks_like_that_of_our_relay_is_a_claim(envelope):
    route = trace([BORDER], envelope, AT)
    assert standings(route) == ["handover", "claimed"]
    assert route.handover.address == envelope.client_addr


def test_behind_a_relay_of_ours_its_lines_lead_further():
    route = trace([BORDER, FORGED], Envelope(client_addr="127.0.0.1"), AT)
    assert standings(route) == ["ours", "handover", "claimed"]
    assert route.handover.address == "203.0.113.9"


def test_a_client_in_a_private_network_is_no_relay_of_ours():
    route = trace([BORDER], Envelope(client_addr="192.168.1.7"), AT)
    assert route.handover.address == "192.168.1.7"
    assert not route.handover.public


def test_delays_are_those_between_neighbours_and_may_run_backwards():
    late = FORGED.replace("10:00:00 +0000", "12:00:00 +0000")
    hops = trace([LOCAL, INNER, BORDER, late], Envelope(), None).hops
    assert [hop.delay for hop in hops] == [timedelta(seconds=1), timedelta(seconds=17), timedelta(seconds=-3609), None]


def test_ipv6_and_mail_without_any_line():
    line = "from a.test (unknown [IPv6:2001:db8:77::5]) by mx.example.org with ESMTPS id 1; x"
    assert trace([line], Envelope(), None).handover.address == "2001:db8:77::5"
    assert trace([], Envelope(), None).hops == ()
