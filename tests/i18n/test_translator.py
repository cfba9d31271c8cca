"""Texts, numbers, money and dates in sixteen languages; English without any library."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import pytest

from milter.i18n import LANGUAGES, supported, translator

NOON = dt.datetime(2026, 11, 24, 12, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("asked", "language"),
    [("de", "de"), ("de-AT", "de"), ("pt_BR", "pt"), ("ZH-Hant-TW", "zh"), ("xx", "en"), ("", "en"), (None, "en")],
)
def test_a_code_means_one_of_the_languages(asked: str | None, language: str) -> None:
    assert supported(asked) == language
    assert translator(asked).language == language


def test_an_unknown_text_stays_as_it_is() -> None:
    assert translator("de").gettext("no such text") == "no such text"


@pytest.mark.parametrize(
    ("language", "number", "money", "coins", "day"),
    [
        ("en", "1,450", "1,450 USD", "0.15 BTC", "November 24, 2026"),
        ("de", "1.450", "1.450 US-Dollar", "0,15 BTC", "24. November 2026"),
        ("fr", "1\u202f450", "1\u202f450 dollars des États-Unis", "0,15 BTC", "24 novembre 2026"),
        ("ru", "1\xa0450", "1\xa0450 долларов США", "0,15 BTC", "24 ноября 2026\u202fг."),
        ("ja", "1,450", "1,450米ドル", "0.15BTC", "2026年11月24日"),
        ("zh", "1,450", "1,450美元", "0.15BTC", "2026年11月24日"),
    ],
)
def test_numbers_money_and_dates(language: str, number: str, money: str, coins: str, day: str) -> None:
    words = translator(language)
    assert words.number(1450) == number
    assert words.money(Decimal("1450"), "USD") == money
    assert words.money(Decimal("0.15"), "BTC") == coins
    assert words.date(NOON) == day


def test_no_decimal_of_a_sum_is_lost() -> None:
    assert translator("de").money(Decimal("0.01534217"), "BTC") == "0,01534217 BTC"
    assert translator("en").money(Decimal("0.01534217"), "BTC") == "0.01534217 BTC"


def test_a_moment_names_its_time_zone() -> None:
    assert translator("de").datetime(NOON) == "24. November 2026, 12:05:00 UTC"


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", {1: "within an hour", 2: "within 2 hours"}),
        ("pl", {1: "w ciągu godziny", 5: "w ciągu 5 godzin"}),
        ("ru", {1: "в течение 1 часа", 21: "в течение 21 часа", 48: "в течение 48 часов"}),
        ("ja", {1: "1時間以内に", 48: "48時間以内に"}),
    ],
)
def test_plural_forms(language: str, forms: dict[int, str]) -> None:
    words = translator(language)
    found = {n: words.ngettext("within an hour", "within {hours} hours", n).format(hours=n) for n in forms}
    assert found == forms


@pytest.mark.parametrize(("language", "joined"), [("de", "Eins. Zwei."), ("ja", "一。二。"), ("zh", "一。二。")])
def test_sentences_are_joined_as_the_language_does(language: str, joined: str) -> None:
    parts = joined.split(" ") if " " in joined else [joined[:2], joined[2:]]
    assert translator(language).joined(parts) == joined


def test_countries_have_names() -> None:
    assert translator("de").country("GB") == "Vereinigtes Königreich"
    assert translator("de").country("QQ") == "QQ"


def test_english_and_the_import_need_no_babel() -> None:
    """A server that speaks English, as the header does, neither loads a catalogue nor the library."""
    code = (
        "import sys\n"
        "from milter.frontends import service\n"
        "from milter.model import Demand, RuleMatch, Verdict\n"
        "from milter.reason import sentence\n"
        "rule = RuleMatch('demand.pay', 'demand', 1.0, 'text', '')\n"
        "print(sentence(Verdict(action='tag', reasons=(rule,), demand=Demand('1450', 'USD', 120))))\n"
        "print('babel' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Demands 1,450 USD within 5 days.", "False"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_be_loaded(language: str) -> None:
    assert translator(language).gettext("Bomb threat")
    assert (translator(language).gettext("Bomb threat") == "Bomb threat") == (language == "en")
