"""Mails for the benchmarks: generated, of a given size, the same in each run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP

WORDS = """the and to of for in is that with on be this have from are will you our we not as it at by an or was
please meeting report invoice project team update version file server patch review schedule travel budget customer
order delivery account payment confirm attached draft comments release changes question answer week month tomorrow
thanks regards video recording camera contacts friends family password computer device security website""".split()  # noqa: SIM905  a list would be a page long
LETTER = """I hacked your computer and installed a trojan on it. I recorded you through your webcam while you watched
porn. I copied all your contacts. Pay me 1,450 dollars in Bitcoin within 48 hours, my wallet is
1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa, or I will send the video to all your friends. After the payment I delete everything.
Do not go to the police. """


GERMAN = """der die und zu von für in ist das mit auf dem nicht eine wir Sie Ihre als auch es an werden aus er hat dass
bitte Besprechung Bericht Rechnung Projekt Gruppe Änderung Fassung Datei Rechner prüfen Zeitplan Reise Haushalt Kunde
Bestellung Lieferung Konto Zahlung bestätigen Anhang Entwurf Anmerkungen Antwort Woche Monat morgen Grüße Straße
Aufnahme Kamera Freunde Familie Kennwort Gerät Sicherheit Seite über können möchten größere""".split()  # noqa: SIM905


def prose(size: int, seed: int, words: Sequence[str] = WORDS) -> str:
    """Sentences of ordinary words, in lines, at least size characters."""
    generator = random.Random(seed)
    lines, length = [], 0
    while length < size:
        line = " ".join(generator.choice(words) for _ in range(11)).capitalize() + "."
        lines.append(line)
        length += len(line) + 2
    return "\r\n".join(lines)


def _mail(subject: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Paul Example <paul@example.net>"
    mail["To"] = "anna@example.org"
    mail["Subject"] = subject
    mail["Date"] = "Mon, 02 Nov 2026 09:14:00 +0100"
    mail["Message-ID"] = "<1@example.net>"
    return mail


def ham(size: int, seed: int = 1) -> bytes:
    """A plain text mail of about size bytes."""
    mail = _mail("Minutes of the meeting")
    mail.set_content(prose(size - 400, seed))
    return mail.as_bytes()


def german(size: int, seed: int = 6) -> bytes:
    """A plain text mail in German, quoted-printable."""
    mail = _mail("Ergebnisse der Besprechung")
    mail.set_content(prose(size * 9 // 10 - 400, seed, GERMAN), cte="quoted-printable")
    return mail.as_bytes()


def newsletter(size: int, seed: int = 2) -> bytes:
    """A multipart/alternative mail whose HTML makes up most of its size."""
    text = prose(size // 6, seed)
    cells = "".join(
        f'<tr><td style="padding:4px;font-family:Arial,sans-serif"><a href="https://example.com/{n}">{line}</a></td></tr>\r\n'
        for n, line in enumerate(prose(size // 3, seed).split("\r\n"))
    )
    mail = _mail("News of the week")
    mail.set_content(text)
    mail.add_alternative(f"<html><body><table>{cells}</table></body></html>", subtype="html", cte="quoted-printable")
    return mail.as_bytes()


def blackmail(size: int, seed: int = 3) -> bytes:
    """An extortion mail, padded with ordinary words to about size bytes."""
    mail = _mail("Your account")
    mail.set_content(LETTER + "\r\n" + prose(max(size - len(LETTER) - 400, 10), seed))
    return mail.as_bytes()


def with_attachment(size: int) -> bytes:
    """A short text with one binary attachment, size bytes in all."""
    mail = _mail("Pictures")
    mail.set_content(prose(1000, 4))
    mail.add_attachment(
        random.Random(5).randbytes(size * 3 // 4), maintype="image", subtype="jpeg", filename="picture.jpg"
    )
    return mail.as_bytes()


# What comes in: kind and its share.
MIX = ((ham, 0.68), (newsletter, 0.30), (blackmail, 0.02))
