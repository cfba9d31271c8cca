"""All ways to fold a character say the same, and shapes keep pace with the text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.content.letters import CYRILLIC, FOLDED, LATIN, fold_char, shape_char, shapes, transcribe

EVERY_LETTER = [chr(code) for code in range(0x20, 0x2FF)] + [chr(code) for code in range(0x400, 0x4FF)]


@pytest.mark.parametrize("alphabet", [LATIN, CYRILLIC])
def test_an_alphabet_folds_like_the_slow_way(alphabet: object) -> None:
    assert type(alphabet.encoding).__name__ == "EncodingMap", "only that is quick"  # type: ignore[attr-defined]
    for char in EVERY_LETTER:
        packed = alphabet.pack(char)  # type: ignore[attr-defined]
        if packed is not None:
            folded, shape = alphabet.transcribe(char)  # type: ignore[attr-defined]
            assert folded == fold_char(char)
            assert shape.decode() == shape_char(char)


def test_latin_letters_fold_to_ascii() -> None:
    for code in [*range(0x24F), *range(0x1E00, 0x1F00)]:
        char = chr(code)
        if unicodedata.name(char, "").startswith("LATIN"):
            assert fold_char(char).isascii() or fold_char(char) in "ßæœþ", char


@given(st.text(max_size=50) | st.text(alphabet="aé ż1ж.中か한ß—€", max_size=50))
def test_offsets_are_kept(text: str) -> None:
    folded, shape = transcribe(text)
    assert len(folded) == len(shape) == len(shapes(text)) == len(text)
    assert folded == text.translate(FOLDED)
