"""Payment addresses in a text: a pattern proposes, a checksum confirms."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from milter.model import Wallet, Where
from milter.signals import disguise
from milter.signals.checksums import currency_of
from milter.signals.payment_uri import SCHEMES, PaymentRequest, find_payment_requests

TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{25,110}(?![0-9A-Za-z]|@)")
ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|&#?[0-9A-Za-z]{1,8};")
NAMED = re.compile(  # words that make an address without a right checksum worth a mention
    r"b[i1]tco[i1]n|\bbtc|wallet|crypto|krypto|cripto|ethereum|\beth\b|litecoin|\bltc\b|usdt|tether|monero|\bxmr\b|\btrc|\berc|\btron\b"
    r"|\bxrp\b|ripple|doge|dash\b|zcash|bitcoin.?cash|geldbörse|cartera|billetera|carteira|portafogli|portefeuille|portfel|peněžen"
    r"|plånbok|tegnebog|cüzdan|биткои?н|битко[йи]н|кошел|крипто|ビットコイン|ウォレット|仮想通貨|比特币|比特幣|钱包|錢包|비트코인|지갑|암호화폐"
    r"|adress|address|direcci|indirizzo|endereço|adresa|adresse|адрес|アドレス|地址|주소",
    re.IGNORECASE,
)
NEAR = 60
HINTS = tuple(
    word.encode()
    for word in (
        "bitcoin", "btc", "wallet", "bc1", "crypto", "usdt", "monero", "ethereum", "litecoin",
        "биткоин", "кошел", "ビットコイン", "比特币", "비트코인",
    )  # fmt: skip
)
EXPLORERS = (
    "bitcoinabuse.com", "bithomp.com", "bitinfocharts.com", "bitref.com", "blockchain.com", "blockchain.info", "blockchair.com",
    "blockcypher.com", "blockexplorer.com", "blockonomics.co", "blockstream.info", "bscscan.com", "btc.com", "btcscan.org", "chain.so",
    "chainabuse.com", "dogechain.info", "etherscan.io", "explorer.btc.com", "mempool.space", "oklink.com", "tronscan.org", "walletexplorer.com",
    "xmrchain.net", "xrpscan.com",
)  # fmt: skip
LINK = re.compile(r"^(?:[a-z][a-z0-9+.-]*:/{0,2}|www\.)|^[\w.-]+\.[a-z]{2,}/", re.IGNORECASE)
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?([\w.-]+)", re.IGNORECASE)
SCHEME_BEFORE = re.compile(rf"(?:{'|'.join(SCHEMES)})(?::|%3a)(?://|%2f%2f)?(?:pay-)?$", re.IGNORECASE)
CHUNK_BORDER = re.compile(r"[\s<>\"'()\[\]|]")
ETHEREUM = re.compile(r"0[xX][0-9a-fA-F]{40}")
SHAPES = {
    re.compile(r"[13](?![0-9a-f]+$)(?=[0-9A-Za-z]*[a-z])(?=[0-9A-Za-z]*[0-9])[0-9A-Za-z]{25,34}|[bB][cC]1[0-9A-Za-z]{36,62}"): "BTC",
    re.compile(r"[lL][tT][cC]1[0-9A-Za-z]{36,62}"): "LTC",
    ETHEREUM: "ETH",
    re.compile(r"T(?=[0-9A-Za-z]*[a-z])(?=[0-9A-Za-z]*[0-9])[1-9A-HJ-NP-Za-km-z]{33}"): "TRX",
    re.compile(r"[48](?=[0-9A-Za-z]*[a-z])(?=[0-9A-Za-z]*[A-Z])[1-9A-HJ-NP-Za-km-z]{94}"): "XMR",
}

_LOWER_ASCII = bytes(b + 32 if 65 <= b <= 90 else b for b in range(256))
_ALNUM = bytes(120 if chr(b).isalnum() and b < 128 else 32 for b in range(256))
_LONG_RUN = b"x" * 25


@dataclass(frozen=True, slots=True)
class Wallets:
    """Payment addresses of one text, each once, and how they were disguised.

    requests are the payment URIs whose address holds, with the amount they name.
    """

    wallets: tuple[Wallet, ...] = ()
    evasions: frozenset[str] = frozenset()
    requests: tuple[PaymentRequest, ...] = ()


NOTHING = Wallets()
# Address → its currency, and whether the checksum holds.
Found = dict[str, tuple[str, bool]]


def find_wallets(text: str, where: Where) -> Wallets:
    """Payment addresses in readable text (look-alikes and invisible marks are gone already).

    valid: the checksum holds, or, for an Ethereum address in one case, which has none, a word about wallets is near.
    An address with the shape but not the checksum is taken only beside such a word. Linear in the length of the text.
    """
    raw = text.encode("utf-8", "surrogatepass")
    long_run = _LONG_RUN in raw.translate(_ALNUM)
    lower = raw.translate(_LOWER_ASCII)
    hinted = any(hint in lower for hint in HINTS)
    if not long_run and not hinted:
        return NOTHING
    found = dict(_plain(text)) if long_run else {}
    in_one_piece = set(TOKEN.findall(text)) if long_run else set()
    encoded = _encoded(text, in_one_piece) if long_run else {}
    cut_up = _cut_up(text, in_one_piece) if hinted else {}
    if encoded or cut_up:
        found = {address: what for address, what in found.items() if what[1]} | encoded | cut_up
    evasions = {"evasion.encoded_wallet": encoded, "evasion.split_wallet": cut_up}
    return _result(text, where, found, frozenset(name for name, hidden in evasions.items() if hidden))


def _result(text: str, where: Where, found: Found, evasions: frozenset[str]) -> Wallets:
    if not found:
        return NOTHING
    wallets = tuple(Wallet(currency, address, valid, where) for address, (currency, valid) in found.items())
    requests = tuple(r for r in find_payment_requests(text) if r.address in found)
    return Wallets(wallets, evasions, requests)


def _plain(text: str) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Address → (currency, valid) for those written in one piece."""
    for match in TOKEN.finditer(text):
        token, start = match[0], match.start()
        currency = currency_of(token)
        if currency:
            if not _in_link(text, start):
                yield _canonical(token), (currency, True)
            continue
        shape = next((name for pattern, name in SHAPES.items() if pattern.fullmatch(token)), None)
        if shape and _named(text, start, match.end()) and not _in_link(text, start):
            yield _canonical(token), (shape, shape == "ETH" and _one_case(token))


def _encoded(text: str, in_one_piece: set[str]) -> Found:
    """Addresses that show only after URL-encoding and entities are undone."""
    if not ENCODED.search(text):
        return {}
    decoded = html.unescape(unquote(text))
    return {a: what for a, what in _plain(decoded) if what[1] and not {a, a.upper()} & in_one_piece}


def _cut_up(text: str, in_one_piece: set[str]) -> Found:
    """Addresses that show only after their pieces are joined, or misread letters repaired."""
    hidden = {}
    for candidate in (*_misread(in_one_piece), *disguise.candidates(text)):
        if candidate not in in_one_piece and (currency := currency_of(candidate)):
            hidden[_canonical(candidate)] = (currency, True)
    return hidden


def _misread(tokens: Iterable[str]) -> Iterator[str]:
    return (disguise.repaired(token) for token in tokens if token[0] in "13blBL" and not currency_of(token))


def _canonical(address: str) -> str:
    """Bech32 and CashAddr have one spelling in two cases."""
    lower = address.lower()
    return lower if lower.startswith(("bc1", "ltc1")) or (address.isupper() and len(address) == 42 and lower[0] in "qp") else address


def _one_case(token: str) -> bool:
    digits = token[2:]
    return digits in (digits.lower(), digits.upper())


def _named(text: str, start: int, end: int) -> bool:
    return bool(NAMED.search(text[max(0, start - NEAR) : start]) or NAMED.search(text[end : end + NEAR]))


def _in_link(text: str, start: int) -> bool:
    """Whether the place is inside a web link that is neither a block explorer's nor a payment URI."""
    chunk = CHUNK_BORDER.split(text[max(0, start - 200) : start])[-1]
    if not LINK.search(chunk) or SCHEME_BEFORE.search(chunk):
        return False
    host = HOST.search(chunk)
    name = host[1].lower() if host else ""
    return not any(name == explorer or name.endswith("." + explorer) for explorer in EXPLORERS)
