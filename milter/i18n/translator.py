"""`translator(language)`: all that a text in one language needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from gettext import NullTranslations
from typing import NamedTuple

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "cs", "sv", "da", "ru", "tr", "ja", "ko", "zh")
# Sums as they are demanded: as many decimals as were named (0.0153 BTC).
SUM = "#,##0.########"


class Translator(NamedTuple):
    """One of the sixteen languages. Texts are named by their English words, with fields as in `str.format`."""

    language: str
    catalogue: NullTranslations

    def gettext(self, text: str) -> str:
        """A text."""
        return self.catalogue.gettext(text)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """A text that depends on a number."""
        return self.catalogue.ngettext(singular, plural, count)

    def pgettext(self, context: str, text: str) -> str:
        """A text that has several meanings in English."""
        return self.catalogue.pgettext(context, text)

    def number(self, value: int | Decimal) -> str:
        """A number with its separators: "1,450" in English, "1.450" in German."""
        if self.language == "en":
            return f"{value:,}"
        from babel.numbers import format_decimal  # noqa: PLC0415  English does without

        return format_decimal(value, format=SUM, locale=self.language)

    def money(self, amount: Decimal, currency: str) -> str:
        """A sum with the name of its currency, or its code where it has none or in English: "1.450 US-Dollar"."""
        if self.language == "en":
            return f"{amount:,} {currency}"
        from babel.numbers import format_currency  # noqa: PLC0415

        return format_currency(
            amount, currency, format=SUM, locale=self.language, currency_digits=False, format_type="name"
        )

    def date(self, day: dt.date) -> str:
        """A day in words: "24. November 2026"."""
        from babel.dates import format_date  # noqa: PLC0415

        return format_date(day, "long", locale=self.language)

    def datetime(self, moment: dt.datetime) -> str:
        """A moment with its time zone: "24. November 2026, 21:05:00 UTC"."""
        from babel.dates import format_datetime  # noqa: PLC0415

        return format_datetime(moment, "long", locale=self.language)

    def joined(self, sentences: Iterable[str]) -> str:
        """Sentences one after another; Japanese and Chinese put no blank between them."""
        return ("" if self.language in ("ja", "zh") else " ").join(sentences)

    def country(self, code: str) -> str:
        """The name of a country by its ISO 3166 code; the code itself if it has none."""
        from babel import Locale  # noqa: PLC0415

        return str(Locale(self.language).territories.get(code, code))


def msgid(text: str) -> str:
    """Mark a text for the catalogues that is translated where it is used."""
    return text


def supported(language: str | None) -> str:
    """The one of the sixteen languages that a code ("de", "pt-BR", "zh_TW") means; else English."""
    code = (language or "en").replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else "en"


def translator(language: str | None) -> Translator:
    """The translator of a language, as `supported` reads it."""
    return _translator(supported(language))


@cache
def _translator(language: str) -> Translator:
    if language == "en":
        return Translator(language, NullTranslations())
    from milter.i18n.catalogue import read_catalogue  # noqa: PLC0415  English does without Babel

    return Translator(language, read_catalogue(language))
