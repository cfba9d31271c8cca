"""Payment addresses, links and pictures of a mail made harmless to a tap; people can still read what stood there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

from milter.actions.entity import Entity, change_fields, change_leaves
from milter.content.charset import decode
from milter.content.mime import Part
from milter.content.transfer import decode as undo_encoding
from milter.signals.payment_uri import SCHEMES

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".svg", ".avif")
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
SUFFIX = ".defanged"
# Bytes of text in one mail, as transferred, that are searched; what is longer is no letter, and would take seconds.
LONGEST = 524_288
CONTENT = re.compile(rb"content-(type|transfer-encoding|disposition)[ \t]*:", re.IGNORECASE)

COLON, SLASH = r"(?::|&colon;)", r"(?:/|&sol;)"
LINK = re.compile(rf"\b(h)tt(ps?{COLON}{SLASH}{SLASH})([\w.-]*)", re.IGNORECASE)
# Programs make links of these without being asked.
BARE_LINK = re.compile(
    r"(?<![\w@./-])(?:(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,18}(?=/[\w?])|www\.\w[\w.-]*)", re.IGNORECASE
)
PAYMENT_SCHEME = re.compile(rf"(?<![\w-])({'|'.join(SCHEMES)}|lightning){COLON}(?=[\w/?])", re.IGNORECASE)
# Attributes that lead or load somewhere; as data-… they do nothing (HTML, section 3.2.6.6).
ATTRIBUTE = re.compile(
    r"(?<![\w-])(?=(?:href|src|srcset|srcdoc|action|formaction|background|poster|ping|data)\s*=)", re.IGNORECASE
)
CSS_URL = re.compile(r"(?<![\w-])url\s*\(", re.IGNORECASE)
DRAWING = re.compile(r"<(/?)svg\b", re.IGNORECASE)
META_CHARSET = re.compile(r"(<meta\b[^<>]{0,200}?\bcharset\s*=\s*[\"']?)[\w.:-]+", re.IGNORECASE)
ENTITY = re.compile(r"&#(?:x0*([0-9a-f]{2})|0*([0-9]{2,3}))(?:;|(?![0-9a-f]))", re.IGNORECASE)
# What may stand between the letters of an address without being seen, or so that people still take it for one.
BETWEEN = r"(?:[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]|<[^<>]{0,200}>|&(?:nbsp|shy|zwnj|zwj);)*+"


def defanged(content: Entity, wallets: Iterable[str], line_end: bytes) -> Entity:
    """The content of a mail without anything that a tap pays to, opens or loads; the same object if there is nothing.

    wallets: payment addresses that were found in it. Parts without such things stay as they are; of a mail with very
    much text, the parts that are too long become files, like pictures.
    """
    left = LONGEST
    addresses = [_spread(address) for address in dict.fromkeys(wallets) if len(address) > 1]

    def leaf(entity: bytes, part: Part) -> bytes:
        nonlocal left
        size = part.end - part.start
        is_picture = part.content_type.startswith("image/") or part.filename.lower().endswith(PICTURES)
        if is_picture or (part.is_text and size > left):
            return _as_file(entity, part, line_end)
        if not part.is_text:
            return entity
        left -= size
        return _with_text(entity, part, addresses, line_end)

    before = content.fields + line_end + content.body
    after = change_leaves(before, leaf)
    if after == before:
        return content
    fields, body = _cut(after, line_end)
    return Entity(fields, body)


def _cut(entity: bytes, line_end: bytes) -> tuple[bytes, bytes]:
    """Fields and body of what defanged() has put together, whose fields may be none."""
    if entity.startswith(line_end):
        return b"", entity[len(line_end) :]
    fields, _, body = entity.partition(line_end * 2)
    return fields + line_end, body


def _as_file(entity: bytes, part: Part, line_end: bytes) -> bytes:
    """A part as a file that no program shows; its bytes stay as they are."""
    name = NOT_IN_NAMES.sub("_", part.filename).strip("_.") or part.content_type.partition("/")[0]
    fields = [
        b"Content-Type: application/octet-stream",
        b'Content-Disposition: attachment; filename="%b"' % (name[-60:] + SUFFIX).encode(),
    ]
    return _with_fields(entity, part, fields, {b"type", b"disposition"}, line_end) + entity[part.start :]


def _with_text(entity: bytes, part: Part, addresses: list[re.Pattern[str]], line_end: bytes) -> bytes:
    data, _ = undo_encoding(entity, part.start, part.end, part.encoding, part.end - part.start, 0)
    text = decode(data, part.charset)
    harmless = _harmless(text, part, addresses)
    if harmless is None:
        return entity
    options = "; format=flowed" if "format=flowed" in part.headers.get("content-type").lower() else ""
    fields = [
        f"Content-Type: {part.content_type}; charset=utf-8{options}".encode(),
        b"Content-Transfer-Encoding: base64",
    ]
    coded = base64.encodebytes(harmless.encode("utf-8", "replace")).replace(b"\n", line_end)
    return _with_fields(entity, part, fields, {b"type", b"transfer-encoding"}, line_end) + coded


def _harmless(text: str, part: Part, addresses: list[re.Pattern[str]]) -> str | None:
    """The text made harmless; None if it is so already."""
    plain = ENTITY.sub(_ascii, text) if part.is_html else text
    changed = plain
    for address in addresses:
        changed = address.sub(r"\1[.]\2", changed)
    changed = PAYMENT_SCHEME.sub(r"\1[:]", changed)
    changed = BARE_LINK.sub(_broken, LINK.sub(lambda found: f"{found[1]}xx{found[2]}{_broken(found, 3)}", changed))
    if part.is_html:
        changed = ATTRIBUTE.sub("data-", CSS_URL.sub("blocked(", DRAWING.sub(r"<\1x-svg", changed)))
    if changed == plain:
        return None
    return META_CHARSET.sub(r"\1utf-8", changed) if part.is_html else changed


def _spread(address: str) -> re.Pattern[str]:
    """Finds an address also where something stands between its letters, in two halves."""
    middle = len(address) // 2
    first, second = (BETWEEN.join(map(re.escape, half)) for half in (address[:middle], address[middle:]))
    return re.compile(f"({first})({BETWEEN}{second})", re.IGNORECASE)


def _ascii(found: re.Match[str]) -> str:
    """Letters, digits and signs of links that were written as entities; others stay."""
    code = int(found[1], 16) if found[1] else int(found[2])
    letter = chr(code)
    return letter if letter.isascii() and (letter.isalnum() or letter in ":/.-_") else found[0]


def _broken(found: re.Match[str], host: int = 0) -> str:
    """A host name that is none any more; a full stop behind it stays."""
    name = found[host].rstrip(".")
    return name.replace(".", "[.]") + found[host][len(name) :]


def _with_fields(entity: bytes, part: Part, fields: list[bytes], replaced: set[bytes], line_end: bytes) -> bytes:
    """The header of a part, its empty line included, with these fields on top in place of others."""

    def change(line: bytes) -> bytes:
        found = CONTENT.match(line)
        return b"" if found and found[1].lower() in replaced else line

    header = change_fields(entity[: part.start], change)
    if not header.endswith((b"\n\n", b"\n\r\n")) and header not in (b"\n", b"\r\n"):
        header += line_end
    return b"".join(field + line_end for field in fields) + header
