"""Numbers in digits of any country, with letters for digits, and in words."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.signals.numbers import decimal, number_at_end
from milter.signals.words import WORDS


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1450", "1450"),
        ("1,450.00", "1450"),
        ("1.450,00", "1450"),
        ("1'450.50", "1450.5"),
        ("1’450", "1450"),
        ("1 450", "1450"),
        ("1.450", "1450"),
        ("1,450", "1450"),
        ("1.234.567", "1234567"),
        ("0.150", "0.15"),
        ("0,5", "0.5"),
        (".15", "0.15"),
        ("12,5", "12.5"),
        ("l,2OO", "1200"),
        ("5O", "50"),
        ("I5o", "150"),
    ],
)
def test_digits(written, value):
    assert decimal(written) == Decimal(value)


@pytest.mark.parametrize("written", ["lO", "O", "", "l.O", "1" * 21])
def test_no_digits_or_too_many_are_no_number(written):
    assert decimal(written) is None


def test_three_decimals_of_a_coin():
    assert decimal("1.250", thousands=False) == Decimal("1.25")
    assert decimal("1.250", thousands=True) == 1250
    assert decimal("1,250,000", thousands=False) == 1_250_000


@pytest.mark.parametrize(
    ("language", "words", "value"),
    [
        ("en", "forty-eight", 48),
        ("en", "two thousand five hundred", 2500),
        ("en", "a hundred and fifty", 150),
        ("de", "achtundvierzig", 48),
        ("de", "eintausendfünfhundert", 1500),
        ("fr", "quarante-huit", 48),
        ("fr", "deux mille cinq cents", 2500),
        ("es", "cuarenta y ocho", 48),
        ("es", "dos mil quinientos", 2500),
        ("it", "quarantotto", 48),
        ("it", "millecinquecento", 1500),
        ("nl", "achtenveertig", 48),
        ("pt", "quarenta e oito", 48),
        ("pt", "dois mil e quinhentos", 2500),
        ("pl", "czterdzieści osiem", 48),
        ("cs", "čtyřicet osm", 48),
        ("sv", "fyrtioåtta", 48),
        ("da", "otteogfyrre", 48),
        ("ru", "сорок восемь", 48),
        ("tr", "kırk sekiz", 48),
        ("zh", "四十八", 48),
        ("ja", "三千五百", 3500),
        ("ja", "五万", 50_000),
        ("ko", "오백", 500),
    ],
)
def test_words(language, words, value):
    from milter.signals.vocabulary import folded  # noqa: PLC0415

    languages = (language,) if language in WORDS else ()
    assert number_at_end("x " + folded(words), languages)[0] == value


def test_a_part_of_a_word_is_no_number():
    assert number_at_end("bone", ("en",)) == (None, 0)
    assert number_at_end("none", ("en",)) == (None, 0)


@given(st.integers(1, 10**9), st.sampled_from([",", ".", " ", "'"]))
def test_grouping_does_not_change_a_number(value, separator):
    assert decimal(f"{value:,}".replace(",", separator)) == value


@given(st.text(alphabet="0123456789lIOo.,' ", max_size=30))
def test_any_run_of_digits_and_separators_is_read_without_an_error(written):
    value = decimal(written.strip(" .,'"))
    assert value is None or value >= 0
