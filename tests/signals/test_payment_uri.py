"""Payment URIs and what they ask for."""

from decimal import Decimal

import pytest

from milter.signals.payment_uri import PaymentRequest, find_payment_requests, plain_decimal

BITCOIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
ETHER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize(
    ("uri", "request_"),
    [
        (f"bitcoin:{BITCOIN}", PaymentRequest("BTC", BITCOIN, None)),
        (f"bitcoin:{BITCOIN}?amount=0.15", PaymentRequest("BTC", BITCOIN, "0.15")),
        (f"bitcoin:{BITCOIN}?label=Help&amount=20.30000000", PaymentRequest("BTC", BITCOIN, "20.3")),
        (f"BITCOIN:{BITCOIN}?AMOUNT=50", PaymentRequest("BTC", BITCOIN, "50")),
        (f"litecoin://{BITCOIN}?amount=1.5", PaymentRequest("LTC", BITCOIN, "1.5")),
        (f"ethereum:{ETHER}?value=2.014e18", PaymentRequest("ETH", ETHER, "2.014")),
        (f"ethereum:pay-{ETHER}@1?value=100000000000000000", PaymentRequest("ETH", ETHER, "0.1")),
        (f"monero:{BITCOIN}?tx_amount=0.9", PaymentRequest("XMR", BITCOIN, "0.9")),
        (f"bitcoin:{BITCOIN}?amount=1.2.3", PaymentRequest("BTC", BITCOIN, None)),
        (f"bitcoin:{BITCOIN}?amount=0", PaymentRequest("BTC", BITCOIN, None)),
        (f"bitcoin:{BITCOIN}?req-amount=5", PaymentRequest("BTC", BITCOIN, None)),
    ],
)
def test_amounts_are_read_as_bip_21_and_eip_681_write_them(uri, request_):
    assert find_payment_requests(f"Scan <{uri}> now") == (request_,)


@pytest.mark.parametrize(
    "text", ["", "bitcoin: a new kind of money", "notbitcoin:" + BITCOIN, "bitcoin:short?amount=1"]
)
def test_other_text_has_none(text):
    assert find_payment_requests(text) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1450.00", "1450"),
        ("0.150", "0.15"),
        ("1E+3", "1000"),
        ("1000", "1000"),
        ("0", None),
        ("-5", None),
        ("1E+20", None),
    ],
)
def test_amounts_are_plain_decimals(value, text):
    assert plain_decimal(Decimal(value)) == text
