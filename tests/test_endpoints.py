"""Addresses of sockets."""

import pytest

from milter.config import Address, address_of_host


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False), ("::ffff:192.0.2.1", False), ("fe80::1%lo", False), ("0.0.0.0", False),
    ],
)  # fmt: skip
def test_what_never_leaves_the_machine(host, loopback):
    assert address_of_host(host).is_loopback == loopback


@pytest.mark.parametrize(("host", "plain"), [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1")])
def test_one_host_has_one_address(host, plain):
    assert str(address_of_host(host)) == plain


def test_a_name_is_no_address():
    with pytest.raises(ValueError, match="relay"):
        address_of_host("relay.example.org")


@pytest.mark.parametrize(
    ("listens", "reached"),
    [("0.0.0.0", "127.0.0.1:25"), ("::", "[::1]:25"), ("192.0.2.1", "192.0.2.1:25"), ("localhost", "localhost:25")],
)
def test_who_listens_everywhere_is_reached_on_loopback(listens, reached):
    assert str(Address(host=listens, port=25).reached_at) == reached
