"""The catalogues say all that the source says, in words of their own language."""

from __future__ import annotations

import importlib.util
import re
from gettext import c2py
from itertools import chain
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message

from milter.content.language import guess
from milter.content.normalise import normalise
from milter.engine.schema import Language
from milter.i18n import LANGUAGES

TOOL = Path(__file__).parents[1] / "tools" / "update_catalogues.py"
SPEC = importlib.util.spec_from_file_location("update_catalogues", TOOL)
assert SPEC
assert SPEC.loader
update_catalogues = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(update_catalogues)

SOURCE: Catalog = update_catalogues.source_texts()
TRANSLATED = LANGUAGES[1:]
CATALOGUES: dict[str, Catalog] = {language: update_catalogues.read(language) for language in TRANSLATED}
# Names, and punctuation that most languages share.
SHARED = {
    "Bitcoin", "Bitcoin Cash", "Ethereum", "Litecoin", "Monero", "Tron", ", ", "; ", ".",
    "{count} byte", "{count} bytes",
}  # fmt: skip
# Words that a language writes like English.
ALIKE = {
    ("de", "in {coin}"),
    ("it", "in {coin}"),
    ("nl", "in {coin}"),
    ("fr", "{count} minute"),
    ("fr", "{count} minutes"),
}
SCRIPTS = {"ru": "[а-яё]", "ja": "[\u3040-\u30ff\u4e00-\u9fff]", "ko": "[가-힣]", "zh": "[\u4e00-\u9fff]"}


def ids(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (tuple, list)) else (message.id,)


def forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (tuple, list)) else (message.string,)


def fields(text: str) -> list[str]:
    """The fields of a text, for instance ["hours"]; each as often as it stands there."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def texts(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def keys(catalogue: Catalog) -> set[tuple[str | None, tuple[str, ...]]]:
    return {(message.context, ids(message)) for message in texts(catalogue)}


def test_there_is_a_catalogue_for_each_language_of_the_rules() -> None:
    assert set(LANGUAGES) == set(Language.__args__)  # type: ignore[attr-defined]
    assert {path.name for path in (update_catalogues.SOURCE / "locale").iterdir()} == set(TRANSLATED)


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_missing_or_doubtful(language: str) -> None:
    assert [ids(message)[0] for message in update_catalogues.open_texts(CATALOGUES[language])] == []
    assert keys(SOURCE) - keys(CATALOGUES[language]) == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_left_over(language: str) -> None:
    assert keys(CATALOGUES[language]) - keys(SOURCE) == set()
    assert not CATALOGUES[language].obsolete


@pytest.mark.parametrize("language", TRANSLATED)
def test_fields_are_neither_mixed_nor_lost(language: str) -> None:
    catalogue = CATALOGUES[language]
    plural = c2py(catalogue.plural_expr)
    wrong = []
    for message in texts(catalogue):
        singular, many = fields(ids(message)[0]), fields(ids(message)[-1])
        for number, form in enumerate(forms(message)):
            # "within an hour" names no number, which is right only in a form that is never said of two or more.
            only_one = len(ids(message)) > 1 and all(plural(n) != number for n in range(2, 300))
            if fields(form) != many and not (only_one and fields(form) == singular):
                wrong.append((ids(message)[0], form))
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_each_number_has_its_form(language: str) -> None:
    catalogue = CATALOGUES[language]
    used = {c2py(catalogue.plural_expr)(n) for n in range(300)}
    assert used == set(range(catalogue.num_plurals))
    plurals = [message for message in texts(catalogue) if len(ids(message)) > 1]
    assert {len(forms(message)) for message in plurals} == {catalogue.num_plurals}


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_left_in_english(language: str) -> None:
    alike = {
        text
        for message in texts(CATALOGUES[language])
        for text in ids(message)
        if text in forms(message) and text not in SHARED and (language, text) not in ALIKE
    }
    assert alike == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_it_is_the_language_it_says(language: str) -> None:
    said = list(chain.from_iterable(forms(message) for message in texts(CATALOGUES[language])))
    assert guess(normalise(" ".join(said[:60])).folded) == language
    if language in SCRIPTS:
        strange = [text for text in said if len(text) > 20 and not re.search(SCRIPTS[language], text, re.IGNORECASE)]
        assert strange == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_blanks_and_ends_are_kept(language: str) -> None:
    """A text neither begins nor ends with a blank of its own, unless it joins others."""
    loose = [
        form for message in texts(CATALOGUES[language]) if not message.context for form in forms(message)
        if form != form.strip() or "  " in form or "\n" in form
    ]  # fmt: skip
    assert loose == []
