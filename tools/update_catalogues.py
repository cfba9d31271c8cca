"""Bring the catalogues in milter/locale up to date with the source, and say what still has to be translated.

    python tools/update_catalogues.py            extract, update all catalogues, report
    python tools/update_catalogues.py de         the same, and print what is open in German

Texts are found where they are asked for: gettext, ngettext, pgettext, and msgid for those in tables.
Exit 1 if anything is open.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from milter.i18n import LANGUAGES

SOURCE = Path(__file__).parents[1] / "milter"
KEYWORDS = {"gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "msgid": None}
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt.j2", "jinja2")]
HEADER = "# Texts of the email blackmail filter in LANGUAGE. Made by tools/update_catalogues.py; translated by hand."


def source_texts() -> Catalog:
    """All texts of the source, in the order of their places."""
    texts = Catalog(project="blackmail-filter", charset="utf-8")
    for place, line, message, comments, context in extract_from_dir(SOURCE, METHODS, keywords=KEYWORDS):
        texts.add(message, locations=[(place, line)], auto_comments=comments, context=context)
    return texts


def path_of(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return SOURCE / "locale" / language / "LC_MESSAGES" / "blackmail.po"


def read(language: str) -> Catalog:
    """The catalogue of a language as it is on the disk; an empty one if there is none yet."""
    if not path_of(language).exists():
        return Catalog(
            locale=language,
            project="blackmail-filter",
            version="1",
            msgid_bugs_address="blackmail-filter",
            last_translator="blackmail-filter",
            language_team=str(Locale(language).english_name),
            revision_date=dt.datetime.now(dt.UTC),
            fuzzy=False,
        )
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def open_texts(catalogue: Catalog) -> list[Message]:
    """The messages without a translation, or with a doubtful one."""
    return [message for message in catalogue if message.id and (message.fuzzy or not complete(message))]


def complete(message: Message) -> bool:
    """Whether every form of a message is translated."""
    forms = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return bool(forms) and all(forms)


def update(language: str, texts: Catalog) -> Catalog:
    """Bring one catalogue up to date: texts that are gone from the source go, new ones come empty."""
    catalogue = read(language)
    catalogue.update(texts, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    # Neither a date nor a place of ours would be worth a change in each commit.
    catalogue.header_comment = HEADER.replace("LANGUAGE", Locale(language).english_name or language)
    path_of(language).parent.mkdir(parents=True, exist_ok=True)
    with path_of(language).open("wb") as file:
        write_po(file, catalogue, width=120, include_lineno=False, include_previous=False)
    return catalogue


def main(shown: list[str]) -> int:
    """Update all; print what is open in the languages shown."""
    texts = source_texts()
    left = {language: open_texts(update(language, texts)) for language in LANGUAGES[1:]}
    for language, missing in left.items():
        print(f"{language}: {len(texts) - len(missing)} of {len(texts)}")
        for message in missing if language in shown else ():
            print(f"    {message.id!r}")
    return 1 if any(left.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
