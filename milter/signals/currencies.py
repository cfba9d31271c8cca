"""Names, signs and codes of currencies as they stand beside sums: data, in lower case and without accents.

A sum stands before a name, and before or after a sign or a code.
"""

from __future__ import annotations

SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₿": "BTC"}
# Letters before "$".
DOLLARS = {
    "r": "BRL",
    "ca": "CAD",
    "c": "CAD",
    "cdn": "CAD",
    "au": "AUD",
    "a": "AUD",
    "nz": "NZD",
    "us": "USD",
    "u.s.": "USD",
}
ISO_CODES = "USD EUR GBP CHF PLN CZK SEK NOK DKK RUB TRY JPY KRW CNY BRL CAD AUD NZD INR"
TICKERS = "BTC ETH LTC XMR BCH ZEC XRP TRX BNB USDT USDC DOGE DASH SOL"
CODES = {code.lower(): code for code in f"{ISO_CODES} {TICKERS}".split()} | {
    "sfr": "CHF",
    "rur": "RUB",
    "rmb": "CNY",
    "xbt": "BTC",
    "kr": "SEK",
}
# Codes that are words as well count in capitals only.
IN_CAPITALS = frozenset({"sek", "nok", "try", "cad", "dash", "sol"})
NAMES = {
    "USD": "dollar dollars dollari dolar dolares dolarow dolaru dolary dolara dolari dolarlik bucks "
    "доллар доллара долларов доллары долл",
    "EUR": "euro euros eura eurow евро",
    "GBP": "pound pounds quid livres libras sterline funtow фунт фунта фунтов",
    "CHF": "franken franc francs franchi fr франк франка франков",
    "PLN": "zl zloty zlotych zlote",
    "CZK": "kc korun koruny koruna",
    "SEK": "kronor",
    "DKK": "kroner",
    "RUB": "руб рубль рубля рублей rubel ruble rubles rubli",
    "TRY": "tl lira liras lirasi лир",
    "JPY": "yen иен",
    "KRW": "won вон",
    "CNY": "yuan юаней",
    "BRL": "reais",
    "BTC": "bitcoin bitcoins bitcoiny bitcoinow bitcoinu bitcoina bitcoinen битков биткоин биткоина биткоинов биткоины "
    "биткойн биткойна биткойнов",
    "ETH": "ether ethereum ethers эфир эфира эфиров",
    "LTC": "litecoin litecoins лайткоин лайткоинов",
    "XMR": "monero moneros монеро",
    "USDT": "tether tethers",
    "DOGE": "dogecoin dogecoins",
    "ZEC": "zcash",
    "XRP": "ripple",
}
# Written without blanks around.
WIDE_NAMES = {
    "USD": "美ドル 米ドル ドル 美元 美金 美刀 달러 불",
    "EUR": "ユーロ 欧元 歐元 유로",
    "GBP": "ポンド 英镑 파운드",
    "JPY": "円 エン 엔 日元 日圆",
    "KRW": "ウォン 韩元 韓元 원",
    "CNY": "人民币 人民幣 元 위안 块钱 塊錢",
    "BTC": "比特币 比特幣 ビットコイン 비트코인",
    "ETH": "以太币 以太坊 イーサリアム 이더리움",
    "LTC": "莱特币 ライトコイン 라이트코인",
    "XMR": "门罗币 モネロ 모네로",
    "USDT": "泰达币 テザー 테더",
}
# Words right before a name, and the currency that they make of it: "US-Dollar", "Canadian dollars".
ADJECTIVES = {
    "us": "",
    "american": "",
    "amerikanische": "",
    "amerikanischen": "",
    "amerykanskich": "",
    "schweizer": "",
    "svenska": "",
    "danske": "DKK",
    "canadian": "CAD",
    "australian": "AUD",
}
# Coins of which one is worth much: one comma or dot in a sum is decimal ("1.250 BTC").
COINS = frozenset({"BTC", "ETH", "LTC", "XMR", "BCH", "ZEC", "DASH", "BNB", "SOL"})
CRYPTO = COINS | {"XRP", "TRX", "USDT", "USDC", "DOGE"}
# Signs and abbreviations that several currencies share.
SHARED = frozenset({"$", "¥", "kr"})
