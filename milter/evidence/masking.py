"""Passwords of a mail masked in everything that is told of it, also where no word for "password" stands beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from milter.content.message import Message
from milter.content.normalise import normalise
from milter.signals.secrets import MASK, PASSWORD_WORD, find_secrets, mask_secrets

# What would change how the words around it are read or shown: controls, and marks that turn the direction of writing.
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")


class Masker:
    """Called with a text of this mail, gives it without the passwords that stand anywhere in the mail."""

    def __init__(self, message: Message) -> None:
        texts = [form for text in message.texts for form in (text.content, normalise(text.content).plain)]
        secrets = {secret for text in texts for secret in find_secrets(text)}
        self._speaks_of_password = any(PASSWORD_WORD.search(text) for text in texts)
        self._pattern = _any_of(secrets)

    def __call__(self, text: str) -> str:
        """The text without passwords and without signs that cannot be seen."""
        masked = mask_secrets(visible(text))
        return self._pattern.sub(MASK, masked) if self._pattern else masked

    def subject(self, text: str) -> str:
        """The same for a subject, which often is the password of which the text speaks."""
        masked = self(text)
        if not self._speaks_of_password:
            return masked
        beside = " password"
        return mask_secrets(masked + beside).removesuffix(beside)


def visible(text: str) -> str:
    """A text of a stranger without signs that cannot be seen."""
    return UNSEEN.sub(" ", text)


def _any_of(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Matches these as whole words; the longest first, since one may hold another."""
    words = "|".join(re.escape(secret) for secret in sorted(secrets, key=lambda secret: (-len(secret), secret)))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", re.IGNORECASE) if words else None
