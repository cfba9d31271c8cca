"""Checksums against the vectors that the specifications publish, and against their damaged forms."""

import pytest

from milter.signals.checksums import base58check, currency_of, is_cashaddr, is_eip55, is_segwit

# BIP-173, BIP-350, BIP-84, BIP-86, BIP-341 (wallet test vectors), the Bitcoin wiki's address page, block 0.
BITCOIN = """
    BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4 bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
    bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y BC1SW50QGDZ25J
    bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0
    bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3 bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu
    bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr
    bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh
    bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7
    bc1p2wsldez5mud2yam29q22wgfh9439spgduvct83k3pm50fcxa5dps59h4z5
    bc1pz37fc4cn9ah8anwm4xqqhvxygjf9rjf2resrw8h8w4tmvcs0863sa2e586
    bc1punvppl2stp38f7kwv2u2spltjuvuaayuqsthe34hd2dyy5w4g58qqfuag5
    1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa 17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem 3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX
    1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu 16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb 31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw
"""
# The CashAddr specification: translated legacy addresses, and payloads of 24, 28 and 32 bytes.
BITCOIN_CASH = """
    qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy
    qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq
    pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37
    q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0
    qgagf7w02x4wnz3mkwnchut2vxphjzccwxgjvvjmlsxqwkcw59jxxuz
    qvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq5nlegake
"""
# EIP-55.
ETHEREUM = """
    0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed 0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359
    0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB 0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb
"""
# Monero's documentation on standard and integrated addresses.
MONERO = """
    4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2684Rge
    4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZKKQePHES9khPK
"""
# XRPL: special addresses, and the genesis account.
RIPPLE = """
    rrrrrrrrrrrrrrrrrrrrrhoLvTp rrrrrrrrrrrrrrrrrrrrBZbvji rrrrrrrrrrrrrrrrrNAMEtxvNvQ
    rrrrrrrrrrrrrrrrrrrn5RM1rHd rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh
"""
# No published vectors: derived from test seeds with an independent library.
DERIVED = {
    "LTC": "LdBNCxo2bEfc9sUMmBXVKRzoJBgcstDzng MNL9SHtTGwpw9JoESppPQLGfHtLVssgKcq "
    "ltc1q63hs8fhry2fhp363nkeq0vcuts9yek2d9av2pl",
    "DOGE": "DBwMjUEhbdF8uz6mUajhSppNsWqyMj9icB A8amDSt8FkCRrSKWBXE4pystK5aajJ5HBb 9weJreb41nQG4i7MuLpfdbG5vqnQ4EUbTM",
    "DASH": "XwzQEsi3ademYjadomkGRiHwLapwPoib5k 7hoGatbbBUDnaxeRzV6JMDwdDFGUByRZsW",
    "ZEC": "t1XFjhDC6bj8Rdjiqqkgkqy5SbLas2t8xbv t3f8HZuwKdCzPCtpgt5KuREnKrDxv25WQdz",
    "TRX": "TDxJdZHK62hMdCdL5NHKLnr9L1N93T7vd9",
    "XMR": "89HR4M6TFAKA6ZU2XbpCy5GnngYVuCjz238gqc1JKfLMBvmuzs89dpL92GtoytMuhSDTqLPHDyZQ1SSfPDAVw8zuLW3vqQP",
}
VALID = [
    (currency, address)
    for table in (
        {"BTC": BITCOIN, "BCH": BITCOIN_CASH, "ETH": ETHEREUM, "XMR": MONERO, "XRP": RIPPLE},
        DERIVED,
    )
    for currency, addresses in table.items()
    for address in addresses.split()
]


@pytest.mark.parametrize(("currency", "address"), VALID)
def test_a_published_address_holds(currency, address):
    assert currency_of(address) == currency


@pytest.mark.parametrize(("currency", "address"), VALID)
def test_one_changed_character_breaks_it(currency, address):
    for place, char in enumerate(address):
        changed = next(c for c in "2379acdefZXK" if c.lower() != char.lower())
        changed = changed if address != address.upper() else changed.upper()
        assert currency_of(address[:place] + changed + address[place + 1 :]) is None


@pytest.mark.parametrize(("currency", "address"), VALID)
def test_cut_or_lengthened_addresses_do_not_hold(currency, address):
    assert currency_of(address[:-1]) is None
    assert currency_of(address + "2") is None


@pytest.mark.parametrize(
    "address",
    [
        "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
        "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
        "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
        "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
        "bc1pw5dgrnzv",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
        "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
        "bc1gmk9yu",
        "bc1",
        "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    ],
)
def test_bip_350_invalid_addresses_are_refused(address):
    assert currency_of(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    ],
)
def test_test_networks_are_no_wallets(address):
    assert currency_of(address) is None


def test_an_ethereum_address_in_one_case_has_no_checksum():
    assert not is_eip55("0xde709f2102306220921060314715629080e2fb77")
    assert not is_eip55("0x52908400098527886E0F7030069857D2E4169EE7")


def test_the_human_readable_part_belongs_to_the_checksum():
    assert is_segwit("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc")
    assert not is_segwit("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ltc")


def test_a_mixed_case_payload_is_no_cash_address():
    assert is_cashaddr("QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A")
    assert not is_cashaddr("Qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a")


def test_base58check_keeps_leading_zero_bytes():
    payload = base58check("1111111111111111111114oLvT2")
    assert payload == bytes(21)


@pytest.mark.parametrize("text", ["", "1", "0OIl", "é" * 34, "4" * 95, "4" * 106, "q" * 42, "0x", "0x" + "g" * 40])
def test_what_is_no_address_is_refused_without_an_error(text):
    assert currency_of(text) is None
