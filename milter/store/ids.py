"""Short ids that can be said aloud: two proquints (arXiv:0901.4016), 32 bits."""

from __future__ import annotations

import secrets

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"


def new_id() -> str:
    """A random id, for instance "lusab-babad"; that it is unique is for the database to say."""
    return proquint(secrets.randbits(32))


def proquint(number: int) -> str:
    """32 bits as two words of five letters."""
    return f"{_word(number >> 16)}-{_word(number & 0xFFFF)}"


def as_written(text: str) -> str:
    """The id that somebody typed: in any case, its two words with a dash, a blank or nothing between them."""
    letters = "".join(letter for letter in text.lower() if not letter.isspace() and letter != "-")
    return f"{letters[:5]}-{letters[5:]}" if len(letters) == 10 else text.strip().lower()


def _word(bits: int) -> str:
    letters = [
        CONSONANTS[bits >> 12 & 15],
        VOWELS[bits >> 10 & 3],
        CONSONANTS[bits >> 6 & 15],
        VOWELS[bits >> 4 & 3],
        CONSONANTS[bits & 15],
    ]
    return "".join(letters)
