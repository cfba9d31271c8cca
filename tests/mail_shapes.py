"""Mails of every structure, charset and transfer encoding."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

# A text that each charset can write, the charset's own letters in front.
LETTERS = {
    "us-ascii": "I filmed you",
    "utf-8": "Ich habe Sie gefilmt. 你好, мир, größer",
    "iso-8859-1": "Ich habe Sie gefilmt. Größer, déjà vu",
    "iso-2022-jp": "あなたを録画しました",
    "gb18030": "我录下了你的视频",
    "koi8-r": "Я записал вас на видео",
}
DEMAND = "Send 900 USD in Bitcoin to https://pay.example.com/now\n.\nFrom me\n\nThe end =20\n"
ENCODINGS = ("7bit", "8bit", "quoted-printable", "base64")
SHAPES = (
    "bare text", "plain", "html", "alternative", "mixed", "related", "alternative in mixed", "mixed without its end",
    "attached mail", "picture alone", "digest", "report", "no boundary", "folded and odd fields",
)  # fmt: skip


class Shape(NamedTuple):
    """A mail, the leaves in it as transferred, and words that a reader finds in it."""

    raw: bytes
    leaves: tuple[bytes, ...]
    letters: str


def shapes() -> Iterator[tuple[str, str, str]]:
    """Every shape with every charset in every encoding that can carry it."""
    for charset in LETTERS:
        for encoding in ENCODINGS:
            if encoding != "7bit" or charset in ("us-ascii", "iso-2022-jp"):
                yield from ((shape, charset, encoding) for shape in SHAPES)


def encoded(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data).replace(b"\n", b"\r\n")
    return binascii.b2a_qp(data, istext=True) if encoding == "quoted-printable" else data


def leaf(kind: str, charset: str, encoding: str) -> bytes:
    text = f"{LETTERS[charset]}\n{DEMAND}".replace("\n", "\r\n")
    if kind == "html":
        text = f"<p>{text}</p>\r\n"
    fields = f"Content-Type: text/{kind};\r\n\tcharset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return fields.encode() + encoded(text.encode(charset), encoding)


PICTURE = (
    b'Content-Type: image/png; name="code.png"\r\nContent-ID: <code@example>\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"
)
STATUS = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: x\r\n"


def multipart(subtype: str, *parts: bytes, end: bool = True, mark: bytes = b"in ner") -> bytes:
    lines = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\nNot shown.\r\n' % (subtype.encode(), mark)
    return head + lines + (b"--" + mark + b"--\r\nNor this.\r\n" if end else b"")


HEAD = (
    b"From: Someone <a@example.com>\r\nTo: b@example.org\r\nSubject: About\r\n you\r\n"
    b"Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n"
)


def make(shape: str, charset: str = "us-ascii", encoding: str = "7bit") -> Shape:
    """A mail of that shape."""
    plain, html = leaf("plain", charset, encoding), leaf("html", charset, encoding)
    letters = LETTERS[charset]
    if shape == "bare text":
        body = f"{LETTERS['us-ascii']}\r\n".encode()
        return Shape(b"From: a@example.com\r\nSubject: x\r\n\r\n" + body, (body,), LETTERS["us-ascii"])
    if shape == "folded and odd fields":
        odd = b"content-language:\r\n de\r\nContent-Description: r\xe9sum\xe9\r\n"
        return Shape(odd + HEAD.replace(b"Subject", b"SUBJECT") + plain, (plain,), letters)
    if shape == "no boundary":
        body = plain.partition(b"\r\n\r\n")[2]
        return Shape(HEAD + b"Content-Type: multipart/mixed\r\n\r\n" + body, (body,), "")
    if shape == "picture alone":
        return Shape(HEAD + PICTURE, (PICTURE,), "")
    mail = b"From: x@example.net\r\nSubject: inner\r\n" + html
    attached = b"Content-Type: message/rfc822\r\n\r\n" + mail
    related = multipart("related", html, PICTURE, mark=b"deeper")
    content, leaves = {
        "plain": (plain, (plain,)),
        "html": (html, (html,)),
        "alternative": (multipart("alternative", plain, html), (plain, html)),
        "mixed": (multipart("mixed", plain, PICTURE), (plain, PICTURE)),
        "related": (related, (html, PICTURE)),
        "alternative in mixed": (
            multipart("mixed", multipart("alternative", plain, related, mark=b"deep"), PICTURE),
            (plain, html, PICTURE),
        ),
        "mixed without its end": (multipart("mixed", plain, html, end=False), (plain, html)),
        "attached mail": (multipart("mixed", plain, attached), (plain, html)),
        "digest": (multipart("digest", b"\r\n" + mail), (html,)),
        "report": (multipart("report", plain, STATUS), (plain, STATUS)),
    }[shape]
    return Shape(HEAD + content, leaves, letters)


SIGNED = (
    b"From: a@example.com\r\nTo: b@example.org\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <2@example.com>\r\nSubject: signed\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256; boundary="s"\r\n\r\n'
    b"--s\r\nContent-Type: text/plain\r\n\r\nPay me\r\n"
    b"--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
)
