"""The gettext catalogue of one language, compiled in memory from its .po file."""

from __future__ import annotations

from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = files("milter") / "locale"
NAME = "LC_MESSAGES/blackmail.po"


def read_catalogue(language: str) -> GNUTranslations:
    """The catalogue of one of the languages other than English."""
    compiled = BytesIO()
    with (LOCALE / language / NAME).open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
