"""Payment URIs such as `bitcoin:ADDRESS?amount=0.15` (BIP-21, and EIP-681 for Ethereum)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

SCHEMES = {
    "bitcoin": "BTC",
    "bitcoincash": "BCH",
    "litecoin": "LTC",
    "dogecoin": "DOGE",
    "dash": "DASH",
    "zcash": "ZEC",
    "ethereum": "ETH",
    "monero": "XMR",
    "tron": "TRX",
    "ripple": "XRP",
    "xrpl": "XRP",
}
PAYMENT_URI = re.compile(
    rf"(?<![a-z])({'|'.join(SCHEMES)}):(?://)?(?:pay-)?([0-9a-z]{{25,110}})(?:@\d{{1,9}})?(?:\?([^\s<>\"']{{1,500}}))?",
    re.IGNORECASE,
)
AMOUNT = re.compile(r"(?:^|[?&;])(amount|value|tx_amount)=([0-9.e]{1,40})(?![0-9.e])", re.IGNORECASE)
WEI = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a payment URI asks for; amount is a plain decimal in coins, None where the URI names none."""

    currency: str
    address: str
    amount: str | None


def find_payment_requests(text: str) -> tuple[PaymentRequest, ...]:
    """All payment URIs of a text, in order; addresses are not checked."""
    return tuple(
        PaymentRequest(SCHEMES[scheme.lower()], address, _amount(query))
        for scheme, address, query in PAYMENT_URI.findall(text)
    )


def _amount(query: str) -> str | None:
    found = AMOUNT.search(query)
    if not found:
        return None
    try:
        value = Decimal(found[2])
    except InvalidOperation:
        return None
    if found[1].lower() == "value":
        value /= WEI
    return plain_decimal(value)


def plain_decimal(value: Decimal) -> str | None:
    """`Decimal("1450.00")` → "1450": no exponent, no idle zeros; None for what is not a positive sum."""
    if not 0 < value < Decimal(10) ** 15:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
