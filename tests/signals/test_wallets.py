"""Payment addresses in text: plain, disguised, damaged, and what only looks like one."""

import base64
import hashlib

import pytest
from Crypto.Hash import keccak
from hypothesis import assume, example, given
from hypothesis import strategies as st

from milter.model import SIGNALS, Wallet
from milter.signals import find_wallets
from milter.signals.checksums import BASE58, BECH32, RIPPLE58, VERSIONS
from milter.signals.disguise import HEAD

P2PKH = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
P2SH = "3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
CASH = "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
ETHER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ETHER_LOWER = "0xde709f2102306220921060314715629080e2fb77"
MONERO = "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZKKQePHES9khPK"
RIPPLE = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
LITECOIN = "ltc1q63hs8fhry2fhp363nkeq0vcuts9yek2d9av2pl"
TRON = "TDxJdZHK62hMdCdL5NHKLnr9L1N93T7vd9"
ZCASH = "t1XFjhDC6bj8Rdjiqqkgkqy5SbLas2t8xbv"
SPLIT, ENCODED = frozenset({"evasion.split_wallet"}), frozenset({"evasion.encoded_wallet"})


def found(text):
    """{address: (currency, valid)} of a text."""
    return {w.address: (w.currency, w.valid) for w in find_wallets(text, "text").wallets}


@pytest.mark.parametrize(
    ("currency", "address"),
    [
        ("BTC", P2PKH),
        ("BTC", P2SH),
        ("BTC", SEGWIT),
        ("BTC", TAPROOT),
        ("BCH", CASH),
        ("ETH", ETHER),
        ("XMR", MONERO),
        ("XRP", RIPPLE),
        ("LTC", LITECOIN),
        ("TRX", TRON),
        ("ZEC", ZCASH),
        ("DOGE", "DBwMjUEhbdF8uz6mUajhSppNsWqyMj9icB"),
        ("DASH", "XwzQEsi3ademYjadomkGRiHwLapwPoib5k"),
    ],
)
@pytest.mark.parametrize(
    "frame", ["{}", "Send it to {}.", "({}),", "地址{}。", "Adresse:{}\n", "“{}”", "_{}_", "{}?", "<{}>"]
)
def test_an_address_is_found_as_it_stands(currency, address, frame):
    result = find_wallets(frame.format(address), "pdf")
    assert result.wallets == (Wallet(currency, address, True, "pdf"),)
    assert result.evasions == frozenset()


def test_every_currency_is_a_signal_that_rules_can_name():
    currencies = {*VERSIONS.values(), "BCH", "ETH", "XMR", "XRP"}
    assert {f"wallet.{currency.lower()}" for currency in currencies} <= SIGNALS
    assert SPLIT | ENCODED <= SIGNALS


def test_each_address_is_reported_once():
    assert len(find_wallets(f"{P2PKH} or {SEGWIT}, again {P2PKH} {SEGWIT.upper()}", "html").wallets) == 2


def test_bech32_is_reported_in_lower_case():
    result = find_wallets(f"{TAPROOT.upper()} {CASH.upper()}", "text")
    assert {w.address for w in result.wallets} == {TAPROOT, CASH}
    assert not result.evasions


@pytest.mark.parametrize(
    "text",
    [
        f"bitcoin:{P2PKH}?amount=0.15&label=x",
        f"BITCOIN:{SEGWIT.upper()}?amount=0.15",
        f"bitcoincash:{CASH}",
        f"ethereum:{ETHER}?value=1e17",
        f"litecoin:{LITECOIN}",
        f"https://pay.example/?uri=bitcoin:{P2PKH}",
        f"https://pay.example/?uri=bitcoin%3A{P2PKH}",
        f"https://www.blockchain.com/btc/address/{P2PKH}",
        f"https://etherscan.io/address/{ETHER}",
        f"mempool.space/address/{SEGWIT}",
    ],
)
def test_payment_uris_and_block_explorers_count(text):
    result = find_wallets(text, "text")
    assert [w.valid for w in result.wallets] == [True]
    assert not result.evasions


@pytest.mark.parametrize(
    "text",
    [
        f"https://track.example/c/{P2PKH}",
        f"https://track.example/c?id={SEGWIT}&x=1",
        f"www.shop.example/r/{P2SH}/open",
        f"shop.example/{P2PKH}",
        f"<{P2PKH}@mail.example>",
        f"mailto:{P2PKH}@mail.example",
        f"http://blockchain.info.example/{P2PKH}",
        f"https://track.example/c/%31{P2PKH[1:]}",
    ],
)
def test_links_and_message_ids_do_not_count(text):
    assert found(f"bitcoin wallet: {text}") == {}


# --- disguises -------------------------------------------------------------------------------------------------


def in_pieces(address, size, separator):
    return separator.join(address[i : i + size] for i in range(0, len(address), size))


DISGUISES = {
    "two lines": lambda a: f"{a[: len(a) // 2]}\n{a[len(a) // 2 :]}",
    "cited lines": lambda a: f"{a[: len(a) // 2]}\n> {a[len(a) // 2 :]}",
    "single characters": " ".join,
    "groups of four": lambda a: in_pieces(a, 4, " "),
    "dashes": lambda a: in_pieces(a, 5, "-"),
    "dots": lambda a: in_pieces(a, 3, "."),
    "asterisks": lambda a: in_pieces(a, 6, "*") + " (remove the *)",
    "underscores": lambda a: in_pieces(a, 1, "_"),
    "long dashes": lambda a: in_pieces(a, 7, " — "),
    "deleted spaces": lambda a: in_pieces(a, 9, "  ") + " and delete all spaces",
    "parts": lambda a: f"(part 1) {a[:15]} (part 2) {a[15:]}",
    "halves": lambda a: f"the first half is {a[:17]} and the second half is {a[17:]}",
    "Teile": lambda a: f"Teil 1: {a[:12]}\nTeil 2: {a[12:]}",
    "quotes": lambda a: f'"{a[:14]}" + "{a[14:]}"',
    "then": lambda a: f"{a[:14]} and then {a[14:]}",
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("address", [P2PKH, P2SH, SEGWIT, TAPROOT, CASH, ETHER, MONERO, RIPPLE, LITECOIN, TRON, ZCASH])
def test_a_cut_up_address_is_put_together(address, disguise):
    result = find_wallets(f"Pay to my bitcoin wallet: {DISGUISES[disguise](address)} !!", "text")
    assert [w.address for w in result.wallets if w.valid] == [address]
    assert result.evasions == SPLIT


@pytest.mark.parametrize("where", ["image", "pdf"])
def test_text_from_pictures_is_put_together_without_a_hint_and_is_no_evasion(where):
    result = find_wallets(f"{P2PKH[:20]}\n{P2PKH[20:]}", where)
    assert [w.address for w in result.wallets] == [P2PKH]
    assert result.evasions == frozenset()
    assert find_wallets(f"{P2PKH[:20]}\n{P2PKH[20:]}", "text").wallets == ()


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (P2PKH.replace("1", "l"), P2PKH),
        (P2PKH.replace("1", "I"), P2PKH),
        ("17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem".replace("1", "l"), "17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem"),
        ("3AX2bhwx614koKMz1hkfVfhMSUC9diDeSo".replace("o", "0"), "3AX2bhwx614koKMz1hkfVfhMSUC9diDeSo"),
        (SEGWIT.replace("0", "o"), SEGWIT),
        (SEGWIT[:20] + SEGWIT[20:].upper(), SEGWIT),
        (TAPROOT.replace("l", "1"), TAPROOT),
    ],
)
def test_misread_letters_are_repaired_where_the_checksum_then_holds(written, address):
    result = find_wallets(f"bitcoin: {written}", "text")
    assert [(w.address, w.valid) for w in result.wallets] == [(address, True)]
    assert result.evasions == SPLIT


@pytest.mark.parametrize(
    "text",
    [
        "%31" + P2PKH[1:],
        "".join(f"&#{ord(c)};" for c in P2PKH),
        "".join(f"&#x{ord(c):x};" for c in P2PKH),
        "".join(f"%{ord(c):02X}" for c in P2PKH),
        P2PKH[:20] + "%" + f"{ord(P2PKH[20]):02x}" + P2PKH[21:],
    ],
)
def test_url_encoding_and_entities_are_undone(text):
    result = find_wallets(f"Send bitcoin to {text} today", "text")
    assert [w.address for w in result.wallets] == [P2PKH]
    assert result.evasions == ENCODED


def test_an_encoded_colon_alone_is_no_disguise():
    assert find_wallets(f"https://pay.example/?u=bitcoin%3A{P2PKH}", "text").evasions == frozenset()


# --- damaged, and without a checksum ---------------------------------------------------------------------------

DAMAGED = P2PKH[:-1] + "b"


@pytest.mark.parametrize(
    "text",
    [
        f"bitcoin address: {DAMAGED}",
        f"BTC {DAMAGED}",
        f"{DAMAGED} (my wallet)",
        f"биткоин кошелёк {DAMAGED}",
        f"ビットコイン: {DAMAGED}",
        f"比特币地址 {DAMAGED}",
        f"비트코인 주소 {DAMAGED}",
        f"indirizzo {DAMAGED}",
    ],
)
def test_a_damaged_address_counts_beside_a_word_for_it(text):
    assert found(text) == {DAMAGED: ("BTC", False)}


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("btc " + SEGWIT[:-1] + "5", "BTC"),
        ("litecoin " + LITECOIN[:-1] + "2", "LTC"),
        ("ETH " + ETHER[:-1] + "D", "ETH"),
        ("USDT TRC20 " + TRON[:-1] + "8", "TRX"),
        ("monero " + MONERO[:94] + "z", "XMR"),
    ],
)
def test_damaged_addresses_of_other_currencies(text, currency):
    assert list(found(text).values()) == [(currency, False)]


@pytest.mark.parametrize(
    "text",
    [
        f"Ticket {DAMAGED} was closed.",
        f"bitcoin {'x ' * 40} {DAMAGED}",
        f"wallet pass: https://app.example/w/{DAMAGED}",
        "bitcoin 2.0 md5 3f0c1d5e6b7a8901234567890abcdef1",
        "bitcoin commit 1f2e3d4c5b6a79880123456789abcdef01234567",
        "wallet app build 1234567890123456789012345678",
        f"BTC {DAMAGED}@mail.example",
        f"btc +{DAMAGED}=",
    ],
)
def test_what_only_has_the_shape_is_left_alone(text):
    assert found(text) == {}


@pytest.mark.parametrize("word", ["ETH", "usdt", "Wallet", "address", "адрес", "crypto", "地址"])
def test_an_ethereum_address_in_one_case_needs_a_word_beside_it(word):
    assert found(f"{word}: {ETHER_LOWER}") == {ETHER_LOWER: ("ETH", True)}
    assert found(f"reference: {ETHER_LOWER}") == {}


# --- near misses -----------------------------------------------------------------------------------------------

PGP = """-----BEGIN PGP SIGNATURE-----

iQIzBAEBCgAdFiEEp3rW1kZ8b1a2c3d4e5f6g7h8i9jFAmXk1234ACgkQi9j0a1b2
c3D4eRAAq1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c2v3b4n5m6Q7W8
=aB3d
-----END PGP SIGNATURE-----"""


@pytest.mark.parametrize(
    "text",
    [
        "Order 1234567890, invoice R-2026-000123, parcel 1Z999AA10123456784, wallet case black",
        "IBAN DE89 3704 0044 0532 0130 00, SEPA payment by bitcoin is not possible",
        "Message-ID: <CAF1A2b3C4d5E6f7G8h9I0j1K2l3M4n5O6p7Q8r9S0t1U2v3W4x@mail.example>",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 wallet.dat",
        "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad bitcoin: fix build",
        "txid 4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b bitcoin",
        "DKIM-Signature: b=Uq2oV1c3k4L5m6N7o8P9q0R1s2T3u4V5w6X7y8Z9a0B1c2D3e4F5g6H7i8J9k0L bitcoin",
        "Tel. +49 30 1234567 / 0171 2345678, wallet found in the tram",
        "1 of 3: bitcoin prices rose 4.5 % in May, 3 of 10 analysts say",
        f"bitcoin\n{PGP}",
        "",
    ],
)
def test_numbers_hashes_and_signatures_are_no_wallets(text):
    assert find_wallets(text, "text").wallets == ()


# --- properties ------------------------------------------------------------------------------------------------


def base58(data, digits=BASE58):
    number, text = int.from_bytes(data), ""
    while number:
        number, rest = divmod(number, 58)
        text = digits[rest] + text
    return digits[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def base58check(payload, digits=BASE58):
    return base58(payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4], digits)


def bech32(prefix, version, program):
    """By the reference code's algorithm, bit by bit (BIP-173, BIP-350)."""
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    values = [version, *(int(bits[i : i + 5], 2) for i in range(0, len(bits), 5))]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    residue = 1
    for value in expanded + values + [0] * 6:
        top = residue >> 25
        residue = (residue & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            residue ^= generator if top >> i & 1 else 0
    residue ^= 0x2BC830A3 if version else 1
    values += [residue >> 5 * (5 - i) & 31 for i in range(6)]
    return f"{prefix}1" + "".join(BECH32[value] for value in values)


def eip55(data):
    digest = keccak.new(digest_bits=256, data=data.hex().encode()).hexdigest()
    return "0x" + "".join(c.upper() if int(d, 16) > 7 else c for c, d in zip(data.hex(), digest, strict=False))


def monero(keys):
    payload = bytes([18]) + keys
    payload += keccak.new(digest_bits=256, data=payload).digest()[:4]
    blocks = (payload[i : i + 8] for i in range(0, len(payload), 8))
    return "".join(base58(b).rjust(11 if len(b) == 8 else 7, "1") for b in blocks)


def has_checksum(address):
    """An Ethereum address with digits only, or letters of one case, has none."""
    return not address.startswith("0x") or address[2:] not in (address[2:].lower(), address[2:].upper())


def bytes_of(size):
    return st.binary(min_size=size, max_size=size)


ADDRESSES = st.one_of(
    st.builds(lambda v, h: base58check(v + h), st.sampled_from(sorted(VERSIONS)), bytes_of(20)),
    st.builds(lambda h: base58check(b"\0" + h, RIPPLE58), bytes_of(20)),
    st.builds(lambda p, h: bech32(p, 0, h), st.sampled_from(["bc", "ltc"]), bytes_of(20) | bytes_of(32)),
    st.builds(lambda p, h: bech32(p, 1, h), st.sampled_from(["bc", "ltc"]), bytes_of(32)),
    st.builds(eip55, bytes_of(20)),
    st.builds(monero, bytes_of(64)),
)


@given(ADDRESSES, st.sampled_from(sorted(DISGUISES)))
def test_any_address_survives_any_disguise(address, disguise):
    assume(len(address) > 25 and has_checksum(address) and HEAD.match(address.encode()))
    result = find_wallets(f"My wallet (BTC or other): {DISGUISES[disguise](address)} !!", "text")
    assert address in [w.address for w in result.wallets if w.valid]


@given(ADDRESSES, st.text(max_size=40), st.text(max_size=40))
@example(P2PKH, "http:", "")
def test_an_address_between_blanks_is_found_in_any_text(address, before, after):
    assume(len(address) > 25 and has_checksum(address))
    assert address in found(f"{before} {address} {after}")


@given(
    st.binary(min_size=200, max_size=2000), st.sampled_from(["b64", "b58", "hex", "b32", "b85"]), st.integers(20, 110)
)
def test_random_text_is_never_a_valid_wallet(data, alphabet, width):
    encoders = {"b64": base64.b64encode, "b32": base64.b32encode, "b85": base64.b85encode, "hex": bytes.hex}
    encoded = base58(data) if alphabet == "b58" else encoders[alphabet](data)
    text = encoded if isinstance(encoded, str) else encoded.decode("ascii")
    lines = "\n".join(text[i : i + width] for i in range(0, len(text), width))
    assert not any(valid for _, valid in found(f"bitcoin wallet\n{lines}\n").values())


@given(st.text())
def test_any_text_is_read_without_an_error(text):
    find_wallets(f"bitcoin {text}", "text")
    find_wallets(text, "text")


@pytest.mark.parametrize(
    "pattern", ["bc1q", "1 1 1 1 ", "bc1q ", "1A", "0x0", "%31", "&#49;", "4", "(part 1) 3", "a1B2c3 "]
)
def test_hostile_text_ends(pattern):
    text = "btc " + pattern * (250_000 // len(pattern))
    assert not any(w.valid for w in find_wallets(text, "text").wallets)
