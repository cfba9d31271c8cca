"""Checksums of payment addresses: which currency, if any, a string of letters and digits really belongs to.

Sources: Bitcoin base58check (version bytes as in each coin's chainparams and SLIP-0044 wallets), BIP-173 and BIP-350
(bech32, bech32m), the CashAddr specification, EIP-55, the Monero base58 scheme (CryptoNote CNS007), XRPL base58.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE58 = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

# Version bytes of base58check payloads that hold a 20-byte hash.
VERSIONS = {
    b"\x00": "BTC",
    b"\x05": "BTC",
    b"\x30": "LTC",
    b"\x32": "LTC",
    b"\x1e": "DOGE",
    b"\x16": "DOGE",
    b"\x4c": "DASH",
    b"\x10": "DASH",
    b"\x41": "TRX",
    b"\x1c\xb8": "ZEC",
    b"\x1c\xbd": "ZEC",
}
SEGWIT_PREFIXES = {"bc1": "BTC", "ltc1": "LTC"}
MONERO_NETWORKS = (18, 19, 42)  # main net: standard, integrated, subaddress
MONERO_LENGTHS = (95, 106)
BECH32M = 0x2BC830A3

_DIGITS58 = {c: i for i, c in enumerate(BASE58)}
_RIPPLE_DIGITS = {c: i for i, c in enumerate(RIPPLE58)}
_QUINTETS = {c: i for i, c in enumerate(BECH32)}


def currency_of(address: str) -> str | None:
    """The currency (ticker) whose checksum this address carries; None without one, or where none could hold.

    An Ethereum address in one case has no checksum (EIP-55) and is not confirmed here.
    """
    head = address[:4].lower()
    if head.startswith("0x"):
        return "ETH" if is_eip55(address) else None
    for prefix, currency in SEGWIT_PREFIXES.items():
        if head.startswith(prefix):
            return currency if is_segwit(address, prefix[:-1]) else None
    if len(address) in MONERO_LENGTHS:
        return "XMR" if is_monero(address) else None
    if len(address) >= 42:
        return "BCH" if is_cashaddr(address) else None
    return _base58_currency(address)


def _base58_currency(address: str) -> str | None:
    if address.startswith("r"):
        payload = base58check(address, _RIPPLE_DIGITS)
        return "XRP" if payload is not None and len(payload) == 21 and payload[0] == 0 else None
    payload = base58check(address)
    return VERSIONS.get(payload[:-20]) if payload is not None else None


def base58check(text: str, digits: dict[str, int] = _DIGITS58) -> bytes | None:
    """The payload of a base58check string (double SHA-256, 4 bytes), or None."""
    number = 0
    for char in text:
        if char not in digits:
            return None
        number = number * 58 + digits[char]
    zero = next(iter(digits))
    leading = len(text) - len(text.lstrip(zero))
    raw = bytes(leading) + number.to_bytes((number.bit_length() + 7) // 8)
    payload, checksum = raw[:-4], raw[-4:]
    return payload if sha256(sha256(payload).digest()).digest()[:4] == checksum else None


def _syndromes(generators: Sequence[int]) -> tuple[int, ...]:
    """What to add for each value of the five bits that are shifted out of a BCH code."""
    table = []
    for top in range(32):
        value = 0
        for bit, generator in enumerate(generators):
            value ^= generator if top >> bit & 1 else 0
        table.append(value)
    return tuple(table)


_BECH32_SYNDROMES = _syndromes((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3))
_CASHADDR_SYNDROMES = _syndromes((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470))


def _polymod(values: Sequence[int], syndromes: Sequence[int], shift: int) -> int:
    mask = (1 << shift) - 1
    residue = 1
    for value in values:
        residue = (residue & mask) << 5 ^ value ^ syndromes[residue >> shift]
    return residue


def _quintets(data: str) -> list[int] | None:
    """Five-bit values of bech32 characters in one case; None for others."""
    lower = data.lower()
    if data not in (lower, data.upper()) or not set(lower) <= _QUINTETS.keys():
        return None
    return [_QUINTETS[char] for char in lower]


def _byte_length(quintets: Sequence[int]) -> int | None:
    """How many bytes these five-bit values hold; None where the padding is too long or not zero."""
    size, padding = divmod(5 * len(quintets), 8)
    clean = padding < 5 and not (quintets and quintets[-1] & ((1 << padding) - 1))
    return size if clean else None


def is_segwit(address: str, prefix: str) -> bool:
    """Whether it is a witness address of that human-readable part (BIP-173 for version 0, BIP-350 for others)."""
    values = _quintets(address[len(prefix) + 1 :])
    whole_case = address in (address.lower(), address.upper())
    if not values or len(values) < 8 or len(address) > 90 or not whole_case:
        return False
    expanded = [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix)]
    version, program = values[0], values[1:-6]
    size = _byte_length(program)
    if size is None or version > 16 or not (size in (20, 32) if version == 0 else 2 <= size <= 40):
        return False
    return _polymod(expanded + values, _BECH32_SYNDROMES, 25) == (BECH32M if version else 1)


def is_cashaddr(payload: str) -> bool:
    """Whether it is a CashAddr payload, the part after `bitcoincash:`."""
    values = _quintets(payload)
    if not values or len(values) < 42:
        return False
    size = _byte_length(values[:-8])
    version = values[0] << 3 | values[1] >> 2
    code = version & 7
    expected = (20 + 4 * code) if code < 4 else 8 * (code + 1)
    if size != expected + 1 or version > 127:
        return False
    prefix = [ord(char) & 31 for char in "bitcoincash"]
    return _polymod([*prefix, 0, *values], _CASHADDR_SYNDROMES, 35) == 1


def is_eip55(address: str) -> bool:
    """Whether it is an Ethereum address in mixed case whose case is its checksum."""
    digits = address[2:]
    lower = digits.lower()
    if len(digits) != 40 or not set(lower) <= set("0123456789abcdef") or digits in (lower, digits.upper()):
        return False
    digest = _keccak(lower.encode()).hex()
    return all(c.isdigit() or c.isupper() == (int(d, 16) > 7) for c, d in zip(digits, digest, strict=False))


def is_monero(address: str) -> bool:
    """Whether it is a Monero main net address: blocks of 11 characters for 8 bytes, 4 bytes of Keccak-256."""
    raw = bytearray()
    for start in range(0, len(address), 11):
        block = address[start : start + 11]
        number = 0
        for char in block:
            if char not in _DIGITS58:
                return False
            number = number * 58 + _DIGITS58[char]
        size = 8 if len(block) == 11 else 5
        if number >> 8 * size:
            return False
        raw += number.to_bytes(size)
    return raw[0] in MONERO_NETWORKS and _keccak(bytes(raw[:-4]))[:4] == bytes(raw[-4:])


def _keccak(data: bytes) -> bytes:
    from Crypto.Hash import keccak  # noqa: PLC0415  few mails have an address that needs it, each start would pay for it

    return keccak.new(digest_bits=256, data=data).digest()
