"""The real client, from the envelope or the newest Received line of a relay of ours."""

from ipaddress import ip_network

import pytest

from milter.model import Envelope
from milter.sender.client import find_client, read_handover
from milter.sender.fields import cut

TRUSTED = (ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("192.0.2.0/28"))
BORDER = "from evil.test (host.evil.test [203.0.113.9]) by mx.example.org (Postfix) with ESMTPS id 4XyZ01; Mon, 6 Jan"
INNER = "from mx.example.org (mx.example.org [192.0.2.1]) by filter.example.org (Postfix) with ESMTP id 4Abc02"
FORGED = "from mx.example.org (mx.example.org [192.0.2.2]) by mx.example.org (Postfix) with ESMTP id 4Fff03"


def fields(*lines):
    return cut("".join(f"{line}\r\n" for line in (*lines, "", "body")).encode()).fields


def received(*lines):
    return fields(*(f"Received: {line}" for line in lines))


def find(client_addr, *lines, helo="", queue_id=""):
    envelope = Envelope(client_addr=client_addr, helo_name=helo, queue_id=queue_id)
    return find_client(envelope, received(*lines), TRUSTED)


@pytest.mark.parametrize(
    ("addr", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("IPv6:2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", ""),
        ("fe80::1", ""),
        ("192.168.0.9", ""),
    ],
)
def test_a_client_named_by_the_envelope(addr, expected):
    client = find(addr, BORDER, helo="evil.test")
    assert (client.address, client.helo, client.ours) == (expected, "evil.test", False)


def test_a_loopback_peer_leads_to_the_newest_line_of_a_relay():
    client = find("127.0.0.1", INNER, BORDER, FORGED, helo="localhost")
    assert (client.address, client.helo) == ("203.0.113.9", "evil.test")


def test_a_user_who_logged_in_is_ours_wherever_he_is():
    envelope = Envelope(client_addr="203.0.113.9", helo_name="laptop.test", authenticated=True)
    client = find_client(envelope, received(BORDER), TRUSTED)
    assert (client.address, client.above, client.ours) == ("", (), True)


def test_lines_below_the_hand_over_are_never_read():
    assert find("127.0.0.1", BORDER, "from a (a [198.51.100.1]) by b with ESMTP id 1").address == "203.0.113.9"


@pytest.mark.parametrize(
    ("line", "address", "helo"),
    [
        ("from [203.0.113.5] (unknown [203.0.113.9]) by mx", "203.0.113.9", "[203.0.113.5]"),
        ("from x.test (x.test [IPv6:2001:db8::9]) (using TLSv1.3 (256/256 bits)) by mx", "2001:db8::9", "x.test"),
        ("from [203.0.113.9] (helo=[203.0.113.5]) by mx with esmtp", "203.0.113.9", "[203.0.113.5]"),
        ("from x.test ([203.0.113.9] helo=y.test) by mx with esmtps", "203.0.113.9", "y.test"),
        ("from unknown (HELO y.test) (203.0.113.9) by mx with SMTP", "203.0.113.9", "y.test"),
        ("from x.test (203.0.113.9) by mx.example.org (192.0.2.1) with Microsoft SMTP Server", "203.0.113.9", "x.test"),
        ("from x.test (x.test [203.0.113.9] (may be forged)) by mx (8.15.2) with ESMTP", "203.0.113.9", "x.test"),
        ("from x.test (evil@[203.0.113.5] [203.0.113.9]) by mx (8.15.2) with ESMTP", "203.0.113.9", "x.test"),
        ("from [203.0.113.9] by mx with ESMTP", "203.0.113.9", "[203.0.113.9]"),
    ],
)
def test_the_ways_servers_write_it(line, address, helo):
    client = find("127.0.0.1", line)
    assert (client.address, client.helo) == (address, helo)


@pytest.mark.parametrize("line", ["from x.test by mx with ESMTP", "from x.test (bad) by mx", "from by"])
def test_a_line_without_address_ends_the_search(line):
    assert find("127.0.0.1", line, BORDER).address == ""


def test_mail_made_by_ourselves():
    assert find("127.0.0.1").ours
    assert find("127.0.0.1", INNER).ours
    assert find("127.0.0.1", "by mx.example.org (Postfix, from userid 1000) id 4Abc").ours
    assert not find("127.0.0.1", BORDER).ours
    assert not find("").ours


def test_local_delivery_is_passed_over():
    lmtp = "from mx.example.org by mx.example.org (Dovecot) with LMTP id xyz for <bob@example.org>"
    assert find("127.0.0.1", lmtp, BORDER).address == "203.0.113.9"


def test_an_unknown_peer_has_no_client():
    assert find("", BORDER).address == ""
    assert find("not an address", BORDER).address == ""


# --- what stands above the hand-over --------------------------------------------------------------------------


def above(envelope, *lines):
    return [field.text() for field in find_client(envelope, fields(*lines), TRUSTED).above]


def test_only_what_our_relays_put_on_top_counts():
    lines = ("X-A: 1", f"Received: {INNER}", "X-B: 2", f"Received: {BORDER}", "X-C: forged")
    assert above(Envelope(client_addr="127.0.0.1"), *lines) == ["1", INNER, "2"]
    assert above(Envelope(), *lines) == ["1", INNER, "2"]


def test_a_named_client_needs_the_line_with_our_queue_id():
    lines = ("X-A: 1", f"Received: {BORDER}", "X-C: forged")
    assert above(Envelope(client_addr="203.0.113.9", queue_id="4XyZ01"), *lines) == ["1"]
    assert above(Envelope(client_addr="203.0.113.9", queue_id="other"), *lines) == []
    assert above(Envelope(client_addr="203.0.113.9"), *lines) == []
    assert above(Envelope(client_addr="203.0.113.8", queue_id="4XyZ01"), *lines) == []


def test_a_mail_in_a_file_without_lines_is_all_top():
    assert above(Envelope(), "X-A: 1") == ["1"]
    assert above(Envelope(client_addr="127.0.0.1"), "X-A: 1") == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (BORDER, ("203.0.113.9", "evil.test", "host.evil.test")),
        ("from evil.test (unknown [IPv6:2001:db8::9]) by mx.example.org", ("2001:db8::9", "evil.test", "")),
        ("from host.evil.test ([203.0.113.9] helo=evil.test) by mx", ("203.0.113.9", "evil.test", "host.evil.test")),
        ("from [203.0.113.9] (helo=evil.test) by mx with esmtp", ("203.0.113.9", "evil.test", "")),
        ("from unknown (HELO evil.test) (203.0.113.9) by mx with SMTP", ("203.0.113.9", "evil.test", "")),
        ("from evil.test (203.0.113.9) by mx.example.org (192.0.2.1) with SMTP", ("203.0.113.9", "evil.test", "")),
    ],
)
def test_a_received_line_tells_address_helo_and_name(line, told):
    handover = read_handover(line)
    assert (str(handover.address), handover.helo, handover.name) == told


def test_a_received_line_without_an_address_tells_nothing():
    assert read_handover("from evil.test by mx.example.org with SMTP") is None
    assert read_handover("by mx.example.org with SMTP id 1") is None
