"""How single characters fold: lower case, no accents or strokes, digits and punctuation told apart.

Most mail fits into an alphabet of 256 characters. There the whole text is packed into one byte a character,
so that folding is a table look-up in C; anything else goes through a dictionary that fills itself.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

# Letters that fold to two: they stay one character while offsets matter, and are spelled out at the end.
EXPANDED = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
STROKED = dict(
    zip("ıøłđðħŧŋĸſəɛɔɓɖɗƒɠɨɩɫɲɵʊʉʋƴƶǥȝƙƥƭʼ", "iolddhtnkseeobddfgiilnouuvyzgykpt'", strict=True)
)
LEET_SIGNS = "@$!|*€£¢¡+•●∗✱"
INNER = ".,'"  # signs inside numbers
APOSTROPHES = "’‘ʼ′´`"


@lru_cache(4096)
def fold_char(char: str) -> str:
    """One character folded to one: a letter, "#" for a digit, a sign of INNER, or a blank."""
    if char in EXPANDED or char in INNER or char == "#":
        return char
    if char in APOSTROPHES:
        return "'"
    category = unicodedata.category(char)
    if category[0] == "L":
        return fold_letter(char)
    if category == "Nd":
        return "#"
    # Marks of Indic and South-East Asian scripts are part of the word.
    return char if category[0] == "M" else " "


def fold_letter(char: str) -> str:
    """A letter in lower case without its marks. Kana and Hangul are not taken apart."""
    small = char.casefold()
    if small == "ss":
        return "ß"
    if char == "µ":  # the sign of Latin keyboards, which casefold takes for the Greek letter
        return "u"
    small = small[0]
    code = ord(small)
    if code < 0x530 or 0x1E00 <= code < 0x2000:
        small = unicodedata.normalize("NFD", small)[0]
    small = STROKED.get(small, small)
    if small.isascii() or small in EXPANDED or not unicodedata.name(small, "").startswith("LATIN"):
        return small
    return _latin_by_name(small)


def _latin_by_name(char: str) -> str:
    """The ASCII letter that the Unicode name of a rare Latin letter tells ("LATIN SMALL LETTER TURNED A")."""
    words = unicodedata.name(char).split(" WITH ")[0].split()
    return words[-1].lower() if len(words[-1]) == 1 else " "


def lower_char(char: str) -> str:
    """Like fold_char, but digits and punctuation stay as they are."""
    return fold_letter(char) if char.isalpha() else char


def shape_char(char: str) -> str:
    """What stands here: "a" letter, "0" digit, "@" leet sign, ":" other; "I", ".", "-" and blank are themselves."""
    if char.isspace():
        return " "
    if char in LEET_SIGNS:
        return "@"
    if char in "I.-":
        return char
    return "a" if char.isalpha() else "0" if char.isdecimal() else ":"


class CharTable(dict[int, str]):
    """A table for str.translate that asks a function once for each character it has not seen."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, code: int) -> str:
        self[code] = value = self.function(chr(code))
        return value


FOLDED = CharTable(fold_char)
LOWERED = CharTable(lower_char)


@dataclass(frozen=True, slots=True)
class Alphabet:
    """256 characters, and what each byte that stands for one of them folds to."""

    encoding: object
    folded: str
    shapes: bytes

    def pack(self, text: str) -> bytes | None:
        """One byte a character, or None if the text does not fit."""
        try:
            return codecs.charmap_encode(text, "strict", self.encoding)[0]  # type: ignore[arg-type]
        except UnicodeEncodeError:
            return None

    def transcribe(self, text: str) -> tuple[str, bytes] | None:
        """The folded text and its shapes, both as long as the text, or None if it does not fit."""
        try:
            packed = codecs.charmap_encode(text, "milter.fold", self.encoding)[0]  # type: ignore[arg-type]
        except UnicodeEncodeError:
            return None
        return codecs.charmap_decode(packed, "strict", self.folded)[0], packed.translate(self.shapes)


def _fold_rare(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: a rare character becomes what it folds to, if that is ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    folded = "".join(map(fold_char, error.object[error.start : error.end]))
    if not folded.isascii():
        raise error
    return folded, error.end


def _fold_any(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler for shapes: what is in no alphabet counts as punctuation."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return ":" * (error.end - error.start), error.end


codecs.register_error("milter.fold", _fold_rare)
codecs.register_error("milter.shape", _fold_any)


def _alphabet(extra: str) -> Alphabet:
    """ASCII without its control characters, and up to 156 more characters in the places left."""
    chars = [chr(code) for code in range(128)]
    # NUL keeps its place: only then is the look-up made in C.
    free = [code for code in range(1, 256) if code not in range(32, 127) and code not in (9, 10, 13)]
    chars += [""] * 128
    for code, char in zip(free, extra.ljust(len(free), "\ufffe"), strict=True):
        chars[code] = char
    return Alphabet(
        encoding=codecs.charmap_build("".join(chars)),
        folded="".join(map(fold_char, chars)),
        shapes="".join(map(shape_char, chars)).encode("ascii"),
    )


_TYPOGRAPHIC = "\xa0–—‘’‚“”„…•€£§«»°·´¡¿©®²³½×†‹›№→"
_LATIN = (
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"
    "ĄąĆćČčĎďĐđĘęĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŤťŮůŰűŹźŻżŽžĂăȚțȘș"
)
_CYRILLIC = (
    "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя"
    "ІіЇїЄєҐґЎўЈјЉљЊњЋћЂђЏџЅѕ"
)
LATIN = _alphabet(_LATIN + _TYPOGRAPHIC)
CYRILLIC = _alphabet(_CYRILLIC + _TYPOGRAPHIC)
# ASCII text needs no packing: these are tables for bytes.translate.
ASCII_FOLDED = bytes(ord(fold_char(chr(code))) if code < 128 else 32 for code in range(256))
ASCII_SHAPES = bytes(ord(shape_char(chr(code))) if code < 128 else 58 for code in range(256))


def shapes(text: str) -> bytes:
    """The shapes of any text, one a character; what fits into no alphabet counts as punctuation."""
    if text.isascii():
        return text.encode().translate(ASCII_SHAPES)
    for alphabet in (LATIN, CYRILLIC):
        if (packed := alphabet.pack(text)) is not None:
            return packed.translate(alphabet.shapes)
    packed = codecs.charmap_encode(text, "milter.shape", LATIN.encoding)[0]  # type: ignore[arg-type]
    return packed.translate(LATIN.shapes)


def transcribe(text: str) -> tuple[str, bytes]:
    """The text folded character by character, and its shapes; both have the length of the text."""
    if text.isascii():
        data = text.encode()
        return data.translate(ASCII_FOLDED).decode(), data.translate(ASCII_SHAPES)
    for alphabet in (LATIN, CYRILLIC):
        if (found := alphabet.transcribe(text)) is not None:
            return found
    return text.translate(FOLDED), shapes(text)
