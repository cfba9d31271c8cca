"""Ways to hide a blackmail letter from filters that leave it readable: letter in, mail out."""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.entities import codepoint2name

from letters import Letter, cited, mail, page

LATIN = frozenset(["cs", "da", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr"])
EAST_ASIAN = frozenset(["ja", "ko", "zh"])
ALL = LATIN | EAST_ASIAN | {"ru"}
# Addresses and links stay usable when the words around them are disguised.
WORD = re.compile(r"(?:\S*(?:://|@|\.me/)\S*|\b(?:bc1[0-9a-z]{20,}|[13][0-9A-Za-z]{25,34})\b)|([^\W\d_]+)")
# Parts of words that a filter looks for first.
KEYS = re.compile(
    r"\b(?:bitcoin|video|vidéo|vídeo|wideo|webcam|kamera|password|passwort|hacke?|porno?|wallet|wachtwoord|senha|hasło|heslo"
    r"|lösenord|şifre|биткоин|видео|пароль|камер)[^\W\d_]*|ビットコイン|動画|비트코인|영상|比特币|视频",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Trick:
    """A disguise, and the languages in whose script it can be written. addressed: it needs a payment address.

    charset: the letter must be writable in it.
    """

    name: str
    mail: Callable[[Letter], bytes]
    languages: frozenset[str] = ALL
    addressed: bool = False
    charset: str = "utf-8"

    def fits(self, letter: Letter) -> bool:
        if letter.language not in self.languages or (self.addressed and letter.address is None):
            return False
        return letter.body.encode(self.charset, "ignore").decode(self.charset) == letter.body


def words(text: str, disguise: Callable[[str], str]) -> str:
    """The text with each word disguised, addresses and links aside."""
    return WORD.sub(lambda found: disguise(found[1]) if found[1] else found[0], text)


def woven(filler: str, every: int) -> Callable[[str], str]:
    """Put a filler after so many letters within each word."""
    return lambda word: filler.join(word[at : at + every] for at in range(0, len(word), every))


def letters(source: str, target: str) -> Callable[[str], str]:
    table = str.maketrans(source, target)
    return lambda word: word.translate(table)


def written(disguise: Callable[[str], str]) -> Callable[[Letter], bytes]:
    """A trick that changes the words of a plain letter."""
    return lambda letter: mail(letter, words(letter.body, disguise).encode())


def marked_up(disguise: Callable[[str], str]) -> Callable[[Letter], bytes]:
    """A trick that changes the words of an HTML letter."""
    return lambda letter: page(letter, words(letter.body, disguise))


SMALL = "abcdefghijklmnopqrstuvwxyz"
ASCII = SMALL + SMALL.upper()


def leet(table: dict[int, str], most: int) -> Callable[[str], str]:
    """Digits for the first so many letters of a word that have one."""

    def disguise(word: str) -> str:
        left = most
        said = []
        for char in word:
            new = char.translate(table) if left and len(word) > 2 else char
            left -= new != char
            said.append(new)
        return "".join(said)

    return disguise


def inside_leet(word: str) -> str:
    return word[:1] + leet(LEET, 1)(word[1:-1]) + word[-1:] if len(word) > 4 else word


LEET = str.maketrans("aeios", "43105")


def wrong_digits(letter: Letter) -> bytes:
    body = re.sub(r"(?<![\w.@/])\d[\d.,' ]*(?![\w@])", lambda n: n[0].replace("0", "O").replace("1", "l"), letter.body)
    return mail(letter, body.encode())


def keys(disguise: Callable[[str], str]) -> Callable[[Letter], bytes]:
    """A trick that changes only the words that filters look for."""
    return lambda letter: mail(letter, KEYS.sub(lambda found: disguise(found[0]), letter.body).encode())


def masked(word: str) -> str:
    return f"{word[:1]}*{word[2:]}"


def reversed_words(word: str) -> str:
    return f"\u202e{word[::-1]}\u202c"


def encoded(name: str, encode: Callable[[bytes], bytes]) -> Callable[[Letter], bytes]:
    headers = f"Content-Transfer-Encoding: {name}\n"
    return lambda letter: mail(letter, encode(letter.body.encode()), headers=headers)


def charset(real: str, label: str) -> Callable[[Letter], bytes]:
    return lambda letter: mail(letter, letter.body.encode(real), f"text/plain; charset={label}")


def entities(form: str) -> Callable[[str], str]:
    return lambda word: "".join(format(ord(char), form).join(("&#", ";")) for char in word)


def hex_entities(word: str) -> str:
    return "".join(f"&#x{ord(char):x};" for char in word)


def named_entities(word: str) -> str:
    return "".join(f"&{codepoint2name[ord(c)]};" if ord(c) in codepoint2name else c for c in word)


def parts(kind: str, *contents: tuple[str, str]) -> Callable[[Letter], bytes]:
    """A multipart of (content type, text); "{}" in a text is the letter."""

    def build(letter: Letter) -> bytes:
        body = letter.body
        said = "".join(f"--cut\nContent-Type: {type_}\n\n{text.replace('{}', body)}\n" for type_, text in contents)
        return mail(letter, f"{said}--cut--\n".encode(), f'multipart/{kind}; boundary="cut"')

    return build


UTF8 = "text/plain; charset=utf-8"
HARMLESS = "Hello,\n\nhere are the minutes of the meeting on Tuesday, and who took part.\n\nKind regards\n"


def address(disguise: Callable[[str], str], hint: str = "") -> Callable[[Letter], bytes]:
    def build(letter: Letter) -> bytes:
        found = letter.address or ""
        return mail(letter, letter.body.replace(found, disguise(found) + hint).encode())

    return build


def grouped(gap: str) -> Callable[[str], str]:
    return woven(gap, 4)


def percent(text: str) -> str:
    return "".join(f"%{ord(char):02X}" for char in text)


def headed(headers: str, above: str = "", below: str = "") -> Callable[[Letter], bytes]:
    return lambda letter: mail(letter, f"{above}{letter.body}{below}".encode(), headers=headers)


FORWARD = """---------- Forwarded message ---------
From: Somebody <somebody@example.net>
Date: Mon, 2 Nov 2026 at 09:14
Subject: Hello
To: <reader@example.org>

"""
BOUNCE = """This is the mail system at host mx.example.org.

I'm sorry to have to inform you that your message could not be delivered.

"""
REPLY = """

On Mon, 2 Nov 2026 at 09:14, Reader <reader@example.org> wrote:
> Thank you for the offer, I will answer next week.
> Kind regards
"""
WHITE = '<span style="color:#fff;background:#ffffff">qz</span>'
TRICKS = (
    Trick("Cyrillic look-alikes", written(letters("aceopxyiAEOPCTHKMB", "асеорхуіАЕОРСТНКМВ")), LATIN),
    Trick("Greek look-alikes", written(letters("oviABEHIKMNOPTXZ", "ονιΑΒΕΗΙΚΜΝΟΡΤΧΖ")), LATIN),
    Trick("Latin look-alikes", written(letters("аеорсхАЕОРСТНКМВ", "aeopcxAEOPCTHKMB")), frozenset({"ru"})),
    Trick("full width", written(letters(ASCII, "".join(chr(ord(c) + 0xFEE0) for c in ASCII))), LATIN | EAST_ASIAN),
    Trick(
        "mathematical",
        written(letters(ASCII, "".join(chr(0x1D400 + (ord(c) - 65 if c < "a" else ord(c) - 71)) for c in ASCII))),
        LATIN,
    ),
    Trick("small capitals", written(letters(SMALL, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡxʏᴢ")), LATIN),
    Trick("zero width", written(woven("\u200b", 2))),
    Trick("word joiner", written(woven("\u2060", 1))),
    Trick("soft hyphens", written(woven("\u00ad", 1))),
    Trick("struck through", written(woven("\u0336", 1))),
    Trick("marks", written(woven("\u0301\u0323", 1)), LATIN | {"ru"}),
    Trick("leet", written(inside_leet), LATIN),
    Trick("leet at the edges", written(leet(LEET, 2)), LATIN),
    Trick("Cyrillic leet", written(leet(str.maketrans("оз", "03"), 1)), frozenset({"ru"})),
    Trick("letters for digits", wrong_digits),
    Trick("letters apart by dots", keys(woven(".", 1)), LATIN | {"ru"}),
    Trick("letters apart by blanks", keys(woven(" ", 1))),
    Trick("letters apart by dashes", keys(woven("-", 1)), LATIN | {"ru"}),
    Trick("letters apart by middle dots", keys(woven("・", 1)), EAST_ASIAN),
    Trick("masked", keys(masked), LATIN),
    Trick("right to left", written(reversed_words)),
    Trick("base64", encoded("base64", base64.encodebytes)),
    Trick("quoted-printable", encoded("quoted-printable", quopri.encodestring)),
    Trick("UTF-8 called Latin-1", charset("utf-8", "iso-8859-1")),
    Trick("UTF-8 called ASCII", charset("utf-8", "us-ascii")),
    Trick("UTF-8 called KOI8-R", charset("utf-8", "koi8-r")),
    Trick("UTF-8 called nothing known", charset("utf-8", "x-none")),
    Trick("UTF-16", charset("utf-16", "utf-8")),
    Trick("windows-1252 called UTF-8", charset("cp1252", "utf-8"), LATIN - {"cs", "pl", "tr"}, charset="cp1252"),
    Trick("windows-1250 called UTF-8", charset("cp1250", "utf-8"), frozenset({"cs", "pl"}), charset="cp1250"),
    Trick("windows-1254 called UTF-8", charset("cp1254", "utf-8"), frozenset({"tr"}), charset="cp1254"),
    Trick("windows-1251 called KOI8-R", charset("cp1251", "koi8-r"), frozenset({"ru"}), charset="cp1251"),
    Trick("windows-1251 called UTF-8", charset("cp1251", "utf-8"), frozenset({"ru"}), charset="cp1251"),
    Trick("Shift JIS called UTF-8", charset("cp932", "utf-8"), frozenset({"ja"}), charset="cp932"),
    Trick("EUC-KR called UTF-8", charset("cp949", "utf-8"), frozenset({"ko"}), charset="cp949"),
    Trick("GBK called Latin-1", charset("gbk", "iso-8859-1"), frozenset({"zh"}), charset="gbk"),
    Trick("zero-size filler", marked_up(woven('<font style="font-size:0px">qz</font>', 3))),
    Trick("white filler", marked_up(woven(WHITE, 3))),
    Trick("hidden filler", marked_up(woven('<i style="display:none">qz</i>', 3))),
    Trick("comments", marked_up(woven("<!-- x -->", 2))),
    Trick("empty tags", marked_up(woven("<b></b>", 1))),
    Trick("decimal entities", marked_up(entities("d"))),
    Trick("hexadecimal entities", marked_up(hex_entities)),
    Trick("named entities", marked_up(named_entities), LATIN),
    Trick("entities in plain text", written(entities("d"))),
    Trick("last of three parts", parts("mixed", (UTF8, HARMLESS), ("image/png", "none"), (UTF8, "{}"))),
    Trick("harmless alternative", parts("alternative", (UTF8, HARMLESS), ("text/html; charset=utf-8", "<p>{}</p>"))),
    Trick("harmless page", parts("alternative", (UTF8, "{}"), ("text/html", f"<p>{HARMLESS}</p>"))),
    Trick("attached text", parts("mixed", (UTF8, "\n"), (f'{UTF8}; name="letter.txt"', "{}"))),
    Trick("address on two lines", address(lambda a: f"{a[:17]}\n{a[17:]}"), addressed=True),
    Trick("address spaced", address(grouped(" ")), addressed=True),
    Trick("address dashed", address(grouped("-")), addressed=True),
    Trick("address starred", address(lambda a: f"{a[:9]}*{a[9:]}", " (remove the *)"), addressed=True),
    Trick("address URL-encoded", address(percent), addressed=True),
    Trick("address in entities", address(entities("d")), addressed=True),
    Trick("from the reader", headed("From: reader@example.org\nTo: reader@example.org\n")),
    Trick("fake bounce", headed("From: MAILER-DAEMON@example.org\nSubject: Undelivered Mail\n", BOUNCE)),
    Trick("fake reply", headed("Subject: Re: your offer\n", "", REPLY)),
    Trick("fake forward", headed("Subject: Fwd: Hello\n", FORWARD)),
    Trick("wholly cited", lambda letter: mail(letter, cited(letter.body).encode())),
    Trick("wholly in a block quote", lambda letter: page(letter, f"<blockquote>{letter.body}</blockquote>")),
    Trick("text in a link", lambda letter: page(letter, f'<a href="https://a.example/">{letter.body}</a>')),
)
