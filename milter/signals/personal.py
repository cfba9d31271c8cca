"""Signs that a threat means this one reader and is no mass bluff; the rule `context.personal` weighs them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.utils import getaddresses

from milter.content.message import Message
from milter.model import Envelope, Signal
from milter.signals.minors import minor_pattern
from milter.signals.vocabulary import folded, language_of

# Bytes as transferred, below which an image is a logo, a smiley or a tracking pixel.
PHOTO = 40_000
PHOTO_TYPES = frozenset({"image/jpeg", "image/png", "image/heic", "image/heif", "image/webp", "image/gif"})
# Characters of text beside an image that make the image more than the carrier of the text.
TEXT_BESIDE = 200
# A shorter name may be any word of a line.
NAME = 5
EXCERPT = 80


def personal_signs(message: Message, envelope: Envelope, own: Iterable[str]) -> tuple[Signal, ...]:
    """`context.known_thread`, `context.photos` and `context.minor`; own holds the author's own texts, undisguised."""
    said = list(own)
    return (*_thread(message, envelope), *_photos(message, said), *_minor(said))


def _thread(message: Message, envelope: Envelope) -> Iterator[Signal]:
    """A reply that cites a mail of the recipient, under a line that names the recipient as its author."""
    headers = message.headers
    if not (headers.get("In-Reply-To") or headers.get("References")):
        return
    bodies = [text for text in message.texts if text.where in ("text", "html")]
    if not any(text.quoted for text in bodies):
        return
    recipients = [*getaddresses(headers.all("To")), *(("", address) for address in envelope.rcpt_to)]
    naming = _naming(recipients)
    if naming and any(naming.search("\n" + text.content) for text in bodies):
        yield Signal("context.known_thread", "header", headers.get("Subject")[:EXCERPT])


def _naming(recipients: Iterable[tuple[str, str]]) -> re.Pattern[str] | None:
    """What stands over a cited mail of one of these: <address>, "… name wrote:", or "From: name"."""
    forms = set()
    for name, address in recipients:
        if "@" in address:
            forms.add(rf"\n[^\n]{{0,200}}[<\[(:：]\s?(?:mailto:)?{re.escape(address)}(?![\w.-])")
        if len(name) >= NAME:
            named = re.escape(name)
            forms.add(rf"\n[^\n]{{0,200}}{named}[^\n]{{0,40}}[:：]\s*(?:\n|\Z)|\n[^\n:：]{{1,20}}[:：] ?{named}")
    return re.compile("|".join(sorted(forms)), re.IGNORECASE) if forms else None


def _photos(message: Message, said: list[str]) -> Iterator[Signal]:
    """Pictures or films beside a text; an image that carries the text itself has little text beside it."""
    if max(map(len, said), default=0) < TEXT_BESIDE:
        return
    for part in message.attachments:
        picture = part.content_type in PHOTO_TYPES or part.content_type.startswith("video/")
        if picture and part.size >= PHOTO:
            yield Signal("context.photos", "image", part.filename[:EXCERPT])
            return


def _minor(said: list[str]) -> Iterator[Signal]:
    """A reader who is under age, by age, school or class; or pictures of the reader's child."""
    for text in said:
        found = minor_pattern(language_of(text)).search(folded(text).lower())
        if found:
            yield Signal("context.minor", "text", found[0][:EXCERPT])
            return
