"""Payment addresses in a text: a pattern proposes, a checksum confirms.

Works on UTF-8 bytes: two quick searches settle that a text holds nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from milter.content.spotter import Pattern
from milter.model import Wallet, Where
from milter.signals import disguise
from milter.signals.checksums import currency_of
from milter.signals.payment_uri import SCHEMES

TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{25,110}(?![0-9A-Za-z])")
ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|&#?[0-9A-Za-z]{1,8};")
# Letters, digits, and what URL-encoding and entities spell them with.
_RUN_BYTES = bytes(120 if (chr(b).isalnum() and b < 128) or b in b"%&#;" else 32 for b in range(256))
_LONG_RUN = b"x" * 25
HAS_LONG_RUN = Pattern(b"[0-9A-Za-z%&#;]{25}")

# Text read from these breaks lines and misreads letters by itself.
PICTURES = frozenset({"image", "pdf"})
# Without one of these no cut-up address is looked for.
HINT = Pattern(b"coin|btc|bc1|wallet|usdt", ignore_case=True)
OTHER_HINTS = tuple(word.encode() for word in ("итко", "ошел", "コイン", "比特", "코인", "지갑", "钱包"))

# Words that make an address without a right checksum, or one that has none, worth a mention.
NAMED = re.compile(
    r"b[i1]tco[i1]n|\bbtc|wallet|crypto|krypto|cripto|ethereum|\beth\b|litecoin|\bltc\b|usdt|tether|monero|\bxmr\b|\btrc|\berc"
    r"|\btron\b|\bxrp\b|ripple|doge|\bdash\b|zcash|geldbörse|cartera|billetera|carteira|portafogli|portefeuille|portfel|peněžen"
    r"|plånbok|tegnebog|cüzdan|битко|кошел|крипто|コイン|ウォレット|仮想通貨|比特|钱包|錢包|코인|지갑|암호화폐"
    r"|ad+res|direcci|indirizzo|endereço|адрес|アドレス|地址|주소",
    re.IGNORECASE,
)
NEAR = 60
BASE58_MIX = r"(?=[0-9A-Za-z]*?[a-z])(?=[0-9A-Za-z]*?[A-Z])(?=[0-9A-Za-z]+?[0-9])[1-9A-HJ-NP-Za-km-z]"
SHAPES = {
    "BTC": re.compile(
        r"[13](?![0-9a-f]+$)(?=[0-9A-Za-z]*?[a-z])(?=[0-9A-Za-z]+?[0-9])[0-9A-Za-z]{25,34}|[bB][cC]1[0-9A-Za-z]{36,62}"
    ),
    "LTC": re.compile(r"[lL][tT][cC]1[0-9A-Za-z]{36,62}"),
    "ETH": re.compile(r"0[xX][0-9a-fA-F]{40}"),
    "TRX": re.compile(rf"T{BASE58_MIX}{{33}}"),
    "XMR": re.compile(rf"[48]{BASE58_MIX}{{94}}"),
}
SHAPE_OF_FIRST = {
    "1": "BTC",
    "3": "BTC",
    "b": "BTC",
    "B": "BTC",
    "l": "LTC",
    "L": "LTC",
    "0": "ETH",
    "T": "TRX",
    "4": "XMR",
    "8": "XMR",
}

EXPLORER_DOMAINS = """
    bitcoinabuse.com bithomp.com bitinfocharts.com bitref.com blockchain.com blockchain.info blockchair.com
    blockcypher.com blockexplorer.com blockonomics.co blockstream.info bscscan.com btc.com btcscan.org
    chain.so chainabuse.com dogechain.info etherscan.io mempool.space oklink.com tronscan.org
    walletexplorer.com xmrchain.net xrpscan.com
"""
EXPLORERS = frozenset(EXPLORER_DOMAINS.split())
CHUNK_BORDER = re.compile(r"[\s<>\"'()\[\]|]")
LINK = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.|mailto:)|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/", re.IGNORECASE)
HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?([\w.-]+)", re.IGNORECASE)
SCHEME_BEFORE = re.compile(rf"(?:{'|'.join(SCHEMES)})(?::|%3a)(?://|%2f%2f)?(?:pay-)?$", re.IGNORECASE)

# Address → its currency, and whether the checksum holds.
Found = dict[str, tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Wallets:
    """Payment addresses of one text, each once, and how they were disguised."""

    wallets: tuple[Wallet, ...] = ()
    evasions: frozenset[str] = frozenset()


NOTHING = Wallets()


def find_wallets(text: str, where: Where) -> Wallets:
    """Payment addresses in readable text (look-alikes and invisible marks are gone already).

    valid: the checksum holds, or, for an Ethereum address in one case, which has none, a word about wallets is near.
    An address with the shape but not the checksum is taken only beside such a word. Linear in the length of the text.
    """
    raw = text.encode("utf-8", "surrogatepass")
    long_run = HAS_LONG_RUN.is_in(raw)
    hinted = where in PICTURES or _is_hinted(raw, text)
    if not long_run and not hinted:
        return NOTHING
    plain, encoded, tokens = _in_one_piece(raw) if long_run else ({}, {}, set())
    cut_up = _cut_up(raw, tokens) if hinted else {}
    if encoded or cut_up:
        plain = {address: what for address, what in plain.items() if what[1]}
    hidden = {"evasion.encoded_wallet": encoded, "evasion.split_wallet": cut_up if where not in PICTURES else {}}
    return Wallets(
        tuple(Wallet(currency, a, valid, where) for a, (currency, valid) in (plain | encoded | cut_up).items()),
        frozenset(name for name, addresses in hidden.items() if addresses),
    )


def _is_hinted(raw: bytes, text: str) -> bool:
    return HINT.is_in(raw) or (len(raw) > len(text) and any(hint in raw for hint in OTHER_HINTS))


def _in_one_piece(raw: bytes) -> tuple[Found, Found, set[str]]:
    """Addresses as written, those that show once URL-encoding and entities are undone, and all strings looked at."""
    plain: Found = {}
    encoded: Found = {}
    tokens: set[str] = set()
    for start, end in _long_runs(raw.translate(_RUN_BYTES)):
        run = raw[start:end].decode("ascii")
        literal = run if run.isalnum() else ENCODED.sub(lambda code: " " * len(code[0]), run)
        for match in TOKEN.finditer(literal):
            tokens.add(match[0])
            if found := _judge(raw, match[0], start + match.start(), start + match.end()):
                plain[_canonical(match[0])] = found
        for token in TOKEN.findall(html.unescape(unquote(run))) if literal != run else ():
            if token not in tokens and (currency := currency_of(token)) and not _in_link(raw, start):
                encoded[_canonical(token)] = (currency, True)
    return plain, encoded, tokens


def _long_runs(runs: bytes) -> Iterator[tuple[int, int]]:
    start = runs.find(_LONG_RUN)
    while start >= 0:
        end = runs.find(b" ", start)
        end = len(runs) if end < 0 else end
        yield start, end
        start = runs.find(_LONG_RUN, end)


def _judge(raw: bytes, token: str, start: int, end: int) -> tuple[str, bool] | None:
    """What an unbroken string is: (currency, valid), or None where it is no address worth a mention."""
    currency = currency_of(token)
    if currency:
        return None if raw[end : end + 1] == b"@" or _in_link(raw, start) else (currency, True)
    shape = SHAPE_OF_FIRST.get(token[0])
    if not shape or not SHAPES[shape].fullmatch(token) or not _is_named(raw, start, end):
        return None
    if raw[max(0, start - 1) : start] in (b"%", b"+", b"/", b"=") or raw[end : end + 1] in (b"+", b"/", b"=", b"@"):
        return None
    return None if _in_link(raw, start) else (shape, shape == "ETH" and _one_case(token[2:]))


def _cut_up(raw: bytes, tokens: set[str]) -> Found:
    """Addresses that show only after their pieces are joined, or misread letters repaired."""
    hidden = {}
    for candidate in (*_misread(tokens), *disguise.candidates(raw)):
        if candidate not in tokens and (currency := currency_of(candidate)):
            hidden[_canonical(candidate)] = (currency, True)
    return hidden


def _misread(tokens: Iterable[str]) -> Iterator[str]:
    return (disguise.repaired(token) for token in tokens if token[0] in "13blBLI" and not currency_of(token))


def _canonical(address: str) -> str:
    """Bech32 and CashAddr have one spelling in two cases."""
    return address.lower() if address.isupper() and len(address) >= 42 else address


def _one_case(digits: str) -> bool:
    return digits in (digits.lower(), digits.upper())


def _is_named(raw: bytes, start: int, end: int) -> bool:
    before = raw[max(0, start - 4 * NEAR) : start].decode("utf-8", "ignore")[-NEAR:]
    after = raw[end : end + 4 * NEAR].decode("utf-8", "ignore")[:NEAR]
    return bool(NAMED.search(before) or NAMED.search(after))


def _in_link(raw: bytes, start: int) -> bool:
    """Whether the place is inside a web link that is neither a block explorer's nor a payment URI."""
    chunk = CHUNK_BORDER.split(raw[max(0, start - 300) : start].decode("utf-8", "ignore"))[-1]
    if not LINK.match(chunk) or SCHEME_BEFORE.search(chunk):
        return False
    host = HOST.match(chunk)
    labels = host[1].lower().split(".") if host else []
    return ".".join(labels[-2:]) not in EXPLORERS
