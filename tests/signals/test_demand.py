"""What is asked for and until when, in sixteen languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.model import Demand
from milter.signals import find_demand

WALLET = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1450$", "1450", "USD"),
        ("$1,450.00", "1450", "USD"),
        ("1.450 €", "1450", "EUR"),
        ("€ 1.450,-", "1450", "EUR"),
        ("950 US-Dollar", "950", "USD"),
        ("USD 1'450", "1450", "USD"),
        ("US$ 700", "700", "USD"),
        ("$ 900", "900", "USD"),
        ("$500 USD", "500", "USD"),
        ("0.15 BTC", "0.15", "BTC"),
        ("BTC: 0.0756", "0.0756", "BTC"),
        (".15 BTC", "0.15", "BTC"),
        ("1,5 Bitcoin", "1.5", "BTC"),
        ("1.250 BTC", "1.25", "BTC"),
        ("0,02 B7C", "0.02", "BTC"),
        ("4000 Doll4r", "4000", "USD"),
        ("0,05 b-i-t-c-o-i-n", "0.05", "BTC"),
        ("3 Bitcoin Cash", "3", "BCH"),
        ("12 XMR", "12", "XMR"),
        ("500 USDT", "500", "USDT"),
        ("500 euros", "500", "EUR"),
        ("600£", "600", "GBP"),
        ("900 pounds", "900", "GBP"),
        ("CHF 500.-", "500", "CHF"),
        ("2'500 Franken", "2500", "CHF"),
        ("5k usd", "5000", "USD"),
        ("l,2OO$", "1200", "USD"),
        ("2OO €", "200", "EUR"),
        ("900 Canadian dollars", "900", "CAD"),
        ("C$ 900", "900", "CAD"),
        ("A$900", "900", "AUD"),
        ("700 AUD", "700", "AUD"),
        ("500 zł", "500", "PLN"),
        ("3 000 złotych", "3000", "PLN"),
        ("1 200 Kč", "1200", "CZK"),
        ("15 000 korun", "15000", "CZK"),
        ("12 000 kronor", "12000", "SEK"),
        ("8.000 kroner", "8000", "DKK"),
        ("10 000 SEK", "10000", "SEK"),
        ("15 000 рублей", "15000", "RUB"),
        ("2 тыс. руб.", "2000", "RUB"),
        ("900 долларов", "900", "USD"),
        ("5 000 TL", "5000", "TRY"),
        ("₺5.000", "5000", "TRY"),
        ("R$ 3.000,00", "3000", "BRL"),
        ("800 reais", "800", "BRL"),
        ("10万円", "100000", "JPY"),
        ("五万円", "50000", "JPY"),
        ("800ドル", "800", "USD"),
        ("100만원", "1000000", "KRW"),
        ("1,450달러", "1450", "USD"),
        ("오백 달러", "500", "USD"),
        ("3000元", "3000", "CNY"),
        ("三千元", "3000", "CNY"),
        ("3个BTC", "3", "BTC"),
        ("¥50,000 お支払い", "50000", "JPY"),
        ("¥3000 转账", "3000", "CNY"),
        ("0.5ビットコイン", "0.5", "BTC"),
        ("0.5 비트코인", "0.5", "BTC"),
        ("0.5比特币", "0.5", "BTC"),
        ("0,5 биткоина", "0.5", "BTC"),
        ("five hundred dollars", "500", "USD"),
        ("zweitausend Euro", "2000", "EUR"),
        ("deux mille euros", "2000", "EUR"),
        ("dos mil dólares", "2000", "USD"),
        ("cinquecento euro", "500", "EUR"),
        ("dois mil reais", "2000", "BRL"),
        ("две тысячи долларов", "2000", "USD"),
        ("3 mil dólares", "3000", "USD"),
        ("beş bin lira", "5000", "TRY"),
    ],
)
def test_a_sum_and_its_currency(text, amount, currency):
    demand = find_demand(text)
    assert (demand.amount, demand.currency) == (amount, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I hacked you.",
        "Pay 500 now.",
        "I have 3 dogs and try 2 things.",
        "Da$ i$t da$ $chwimmbad 7$d.",
        "The $chool 7 run",
        "da$ 50 Leute",
        "We won 3 games",
        "dash 5 metres, 100 cads",
        "euro zone in 2026",
        "lO €",
        "bitcoin 2.0",
        "$",
        "1" * 30 + "$",
    ],
)
def test_no_sum(text):
    assert find_demand(text).amount is None


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("Bitcoin stood at $60,000 on Monday. Nothing else matters to me. I want you to send 900 USD.", "900", "USD"),
        ("The current fee is 0.15 BTC ($2900).", "2900", "USD"),
        ("Send exactly 0.49 BTC, that is 5,000 USD.", "5000", "USD"),
        ("It is punished with up to 75,000 euros. " + "x " * 60 + "Pay the sum of 3,900 EUR.", "3900", "EUR"),
        (f"A site like this earns 20 USD a month. {'x ' * 120} 700$ to {WALLET}", "700", "USD"),
        ("Pay 1$ up or 0.02 BTC", "0.02", "BTC"),
        ("Ich habe 20 € im Spiel verloren. " + "x " * 60 + "Überweisen Sie 1.350 Euro!", "1350", "EUR"),
    ],
)
def test_of_several_sums_the_one_that_is_asked_for_counts(text, amount, currency):
    demand = find_demand(text)
    assert (demand.amount, demand.currency) == (amount, currency)


def test_a_payment_uri_names_a_sum_where_the_text_does_not():
    demand = find_demand(f"Scan it: bitcoin:{WALLET}?amount=0.15")
    assert (demand.amount, demand.currency) == ("0.15", "BTC")


@pytest.mark.parametrize(("language", "currency"), [("da", "DKK"), ("sv", "SEK")])
def test_kr_is_read_in_the_language_of_the_text(language, currency):
    text = {
        "da": "Jeg har din video, og du skal betale 2000 kr inden i morgen, ellers sender jeg den til dine venner.",
        "sv": "Jag har din video och du ska betala 2000 kr i morgon, annars skickar jag den till alla dina vänner.",
    }[language]
    assert find_demand(text) == Demand("2000", currency, None)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("You have 48 hours.", 48),
        ("48h", 48),
        ("within two days", 48),
        ("a 72-hour limit", 72),
        ("within 3 business days", 72),
        ("5O hours", 50),
        ("48 (forty-eight) hours", 48),
        ("36 h0urs left", 36),
        ("You have one week", 168),
        ("Sie haben 48 Stunden", 48),
        ("innerhalb von 2 Tagen", 48),
        ("achtundvierzig Stunden", 48),
        ("eine Woche Zeit", 168),
        ("3 volle Tage", 72),
        ("Vous avez 48 heures", 48),
        ("sous deux jours", 48),
        ("quarante-huit heures", 48),
        ("Tiene dos días", 48),
        ("48 horas", 48),
        ("Hai 48 ore", 48),
        ("entro due giorni", 48),
        ("binnen 24 uur", 24),
        ("drie dagen", 72),
        ("Você tem 48 horas", 48),
        ("em dois dias", 48),
        ("Masz 48 godzin", 48),
        ("w ciągu trzech dni", 72),
        ("masz dobę", 24),
        ("Máš 48 hodin", 48),
        ("do dvou dnů", 48),
        ("Du har 48 timmar", 48),
        ("inom två dygn", 48),
        ("Du har 48 timer", 48),
        ("inden to dage", 48),
        ("et døgn", 24),
        ("У вас 48 часов", 48),
        ("одни сутки", 24),
        ("двое суток", 48),
        ("у вас есть неделю", 168),
        ("48 saat", 48),
        ("2 gün içinde", 48),
        ("iki gün süreniz var", 48),
        ("48時間以内", 48),
        ("4８時間", 48),
        ("猶予は1日です", 24),
        ("期限は二日。", 48),
        ("3日以内", 72),
        ("一週間", 168),
        ("48시간 안에", 48),
        ("기한은 5일입니다", 120),
        ("3일 이내", 72),
        ("이틀 안에", 48),
        ("你有48小时", 48),
        ("两天内", 48),
        ("三天时间", 72),
        ("2个小时", 2),
    ],
)
def test_time_to_pay(text, hours):
    assert find_demand(text).deadline_hours == hours


@pytest.mark.parametrize(
    "text",
    [
        "I hacked you 3 days ago.",
        "Vor 3 Tagen habe ich es gesehen.",
        "il y a 3 jours",
        "hace 3 días",
        "3 giorni fa",
        "3 dagen geleden",
        "há 3 dias",
        "3 dni temu",
        "před 3 dny",
        "för 3 dagar sedan",
        "for 3 dage siden",
        "3 дня назад",
        "3 gün önce",
        "3日前に",
        "3일 전에",
        "3天前",
        "in the last 48 hours",
        "24 hours a day",
        "every 24 hours",
        "12月3日",
        "12月3日の会議",
        "12월 3일",
        "at 22h",
        "até as 22h",
        "à 6 h",
        "um 6 h",
        "90 days notice",
        "0 hours",
        "hours and days",
        "7h3 video",
        "100 dalmatians, 3 dachshunds",
        "version 1.48 h",
    ],
)
def test_times_behind_the_reader_dates_and_long_times_do_not_count(text):
    assert find_demand(text).deadline_hours is None


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("The site is open 8 hours. You have 48 hours to pay.", 48),
        ("It took me 5 days. Pay within 2 days.", 48),
        ("You have a bit more than two days (50 hours exactly).", 50),
        ("Sie haben etwas mehr als zwei Tage Zeit (genau 50 Stunden).", 50),
        ("Do you see the 2 hours of video? The deadline is 3 days.", 72),
    ],
)
def test_of_several_times_the_one_that_is_given_counts(text, hours):
    assert find_demand(text).deadline_hours == hours


@given(st.text())
def test_any_text_is_read_without_an_error(text):
    demand = find_demand(text)
    assert demand.deadline_hours is None or 1 <= demand.deadline_hours <= 1440


@given(st.integers(10, 99_999), st.sampled_from(["$", "€", "£", " USD", " euro", " Kč", "円", " 달러", " руб."]))
def test_any_sum_is_found_with_any_currency(value, currency):
    assert find_demand(f"Pay {value}{currency} now").amount == str(value)


@given(st.integers(1, 1440))
def test_any_plausible_number_of_hours_is_found(hours):
    assert find_demand(f"You have {hours} hours").deadline_hours == hours


@pytest.mark.parametrize("pattern", ["$", "1 $ ", "48 hours ", "1,", "one ", "円", "1日以内", "fr ", "h ", "十", "b-"])
def test_hostile_text_ends(pattern):
    find_demand(pattern * (100_000 // len(pattern)))
