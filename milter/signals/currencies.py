"""Names, signs and codes of currencies as they stand beside sums: data.

Each is a regular expression for text without accents. A sum stands before a name, and before or after a sign or a code.
"""

from __future__ import annotations

SIGNS = {
    "US$": r"us ?\$|\$ ?us(?![a-z])|u\.s\. ?\$",
    "BRL": r"r\$",
    "CAD": r"(?:ca|c|cdn)\$",
    "AUD": r"au?\$",
    "$": r"\$",
    "EUR": "€",
    "GBP": "£",
    "¥": "[¥￥]",
    "RUB": "₽",
    "TRY": "₺",
    "KRW": "₩",
    "BTC": "₿",
}
CODES = {
    "USD": "usd", "EUR": "eur", "GBP": "gbp", "CHF": r"chf|sfr\.?", "PLN": "pln", "CZK": "czk", "SEK": "(?-i:SEK)", "DKK": "dkk",
    "NOK": "(?-i:NOK)", "RUB": "rub|rur", "TRY": "(?-i:TRY)", "JPY": "jpy", "KRW": "krw", "CNY": "cny|rmb", "BRL": "brl", "CAD": "cad",
    "AUD": "aud", "NZD": "nzd", "INR": "inr", "BTC": "btc|xbt", "ETH": "eth", "LTC": "ltc", "XMR": "xmr", "BCH": "bch", "ZEC": "zec",
    "XRP": "xrp", "TRX": "trx", "BNB": "bnb", "USDT": "usdt", "USDC": "usdc", "DOGE": "doge", "DASH": "(?-i:DASH)", "SOL": "(?-i:SOL)",
}  # fmt: skip
NAMES = {
    "CAD": r"canadian dollars?|dollars? canadiens?",
    "AUD": r"australian dollars?",
    "USD": r"(?:(?:us|u\.s\.|american|amerikanische[nr]?|amerykanskich)[ -]?)?(?:dollars?|dollari|dolar(?:es|ow|u|y|a)?)(?: (?:americains|us|americani|estadounidenses))?"
    r"|доллар(?:ов|а|ы)?|долл|bucks|[米美]?(?:ドル|トル)|美元|美金|달러|불",
    "EUR": r"euros?|eura|eurow|евро|ユーロ|欧元|歐元|유로",
    "GBP": r"pounds?(?: sterling)?|quid|livres? sterling|libras?(?: esterlinas)?|sterline|funtow|фунт(?:ов|а)?|ポンド|ホント|英镑|파운드",
    "CHF": r"(?:schweizer )?franken|francs?(?: suisses?)?|franchi(?: svizzeri)?|fr\.|франк(?:ов|а)?",
    "PLN": r"zl|zł|złot(?:ych|e|y)|zlot(?:ych|e|y)",
    "CZK": r"kc|korun(?:y|a)?",
    "SEK": r"kronor|svenska kronor",
    "DKK": r"kroner|danske kroner",
    "kr": r"kr\.?",
    "RUB": r"руб(?:леи|ля|ль|\.)?|rubles?|rubel",
    "TRY": r"tl|turk lirası|turk lirasi|lira(?:s|si|sı)?|лир",
    "JPY": r"円|yen|エン|엔|иен|日元|日圆",
    "KRW": r"원|won|ウォン|韩元|韓元",
    "CNY": r"元|人民[币幣]|yuan|위안|юанеи|块钱|塊錢",
    "BRL": r"reais",
    "BCH": r"bitcoin ?cash",
    "BTC": r"bit-?coin(?:s|y|ow|u|a|en)?|бит(?:коин|коин)(?:ов|а|ы|ах)?|битков|比特[币幣]|ビットコイン|ヒットコイン|비트코인",
    "ETH": r"ether(?:eum|s)?|эфир(?:а|ов)?|以太[坊币幣]|イーサリアム|이더리움",
    "LTC": r"litecoins?|лаиткоин(?:ов|а)?",
    "XMR": r"moneros?|монеро|모네로",
    "USDT": r"tethers?|teth?er|泰达币|테더",
    "DOGE": r"dogecoins?",
    "ZEC": r"zcash",
    "XRP": r"ripple",
}
# Coins of which one is worth much: a comma or dot in the sum is a decimal one ("1.250 BTC").
COINS = frozenset({"BTC", "ETH", "LTC", "XMR", "BCH", "ZEC", "DASH", "BNB", "SOL"})
CRYPTO = COINS | {"XRP", "TRX", "USDT", "USDC", "DOGE"}
