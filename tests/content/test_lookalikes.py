"""Letters of other scripts are read as what they show, where they pose as letters of the text's own script."""

import unicodedata

import pytest

from milter.content.lookalikes import LATIN, STRICT, TABLE, reveal

REVEALED = [
    ("the bitсoin", "the bitcoin", True),
    ("it сосо pays", "it coco pays", True),
    ("ΒΙΤCOIN", "BITCOIN", True),
    ("email іs вitсoin", "email is bitcoin", True),
    ("emaіl or waӏӏet", "email or wallet", True),
    ("invaІid emaІl, I said", "invalid emall, I said", True),
    ("see the words сутки and оса, рок in there", "see the words сутки and oca, рок in there", False),
    ("Все", "Все", False),
    ("say привет to Москва", "say привет to Москва", False),
    ("the μm and TNFα and ΔT", "the um and TNFa and ΔT", False),
    ("ваш пapoль и слово", "ваш пароль и слово", True),
    ("ваш bitсоin и слово", "ваш bitcoin и слово", True),
    ("ваш cлово и дело", "ваш слово и дело", False),
    ("ваш bitcoin и SMSки, IPшник", "ваш bitcoin и SMSки, IPшник", False),
    ("私のbitсоin", "私のbitcoin", True),
    ("plain ASCII", "plain ASCII", False),
    ("Größe, Łódź, ünïcödé", "Größe, Łódź, ünïcödé", False),
]


@pytest.mark.parametrize(("text", "revealed", "posed"), REVEALED)
def test_reveal(text: str, revealed: str, posed: bool) -> None:
    assert reveal(text) == (revealed, posed)


def test_the_table_holds_single_letters_for_ascii_letters() -> None:
    assert len(LATIN) > 450
    for char, letter in LATIN.items():
        assert len(char) == len(letter) == 1
        assert letter.isascii()
        assert letter.isalpha()
        assert not char.isascii()
        assert unicodedata.normalize("NFKC", char) != letter
    assert set(LATIN) >= STRICT
    assert all(LATIN[char] == letter for char, letter in zip("асеорхуіј", "aceopxyij", strict=True))


def test_the_table_names_its_source() -> None:
    head = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    for words in ("unicode.org/Public/security", "# Version: ", "# Date: ", "Unicode License v3", "build_confusables"):
        assert any(words in line for line in head)
