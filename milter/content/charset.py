"""Bytes to text, whatever the label says: never fails, never yields nothing for something."""

from __future__ import annotations

import codecs
import io
import re
from encodings.aliases import aliases
from functools import lru_cache

# What Python knows by another name, or what senders mean when they write it (WHATWG Encoding Standard §4.2).
MEANT = {
    "iso8859_1": "cp1252", "latin_1": "cp1252", "ascii": "cp1252", "iso8859_9": "cp1254", "iso8859_11": "cp874",
    "tis_620": "cp874", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "johab": "cp949",
    "shift_jis": "cp932", "iso2022_jp": "iso2022_jp_2", "big5": "big5hkscs",
}  # fmt: skip
ALIASES = {
    "ks_c_5601_1987": "cp949", "ks_c_5601": "cp949", "windows_949": "cp949", "x_windows_949": "cp949",
    "iso_8859_8_i": "iso8859_8", "iso_8859_8_e": "iso8859_8", "iso_8859_6_i": "iso8859_6", "iso_8859_6_e": "iso8859_6",
    "x_sjis": "cp932", "windows_31j": "cp932", "x_euc_jp": "euc_jp", "x_gbk": "gb18030", "x_big5": "big5hkscs",
    "unicode_1_1_utf_7": "utf_7", "x_mac_roman": "mac_roman", "macintosh": "mac_roman", "windows_874": "cp874",
    "x_unicode_2_0_utf_8": "utf_8", "utf8mb4": "utf_8", "cp_1252": "cp1252", "cp_1251": "cp1251",
}  # fmt: skip
# Codecs that are no charsets of mail, some of them slow or lossy on purpose.
NOT_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "rot_13",
                "base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "uu_codec", "zlib_codec"}  # fmt: skip
CHARSETS = set(aliases.values()) | set(aliases) - NOT_CHARSETS
WIDE = {"utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"}
SEVEN_BIT = {"utf_7", "hz"}
LONGEST_LABEL = 80  # characters; no charset has a name as long
SAMPLE = 4096
JAPANESE_ESCAPE = re.compile(rb"\x1b\$[@B(]")
# Single-byte charsets that stand for "not declared": a sender that labels nothing writes one of these.
WEAK = {"cp1252", "cp1254"}


@lru_cache(512)
def codec_name(label: str) -> str | None:
    """Python's name of a charset label, or None if it names no charset."""
    name = re.sub(r"[^a-z0-9]+", "_", label.strip().strip("\"'").lower()).strip("_")
    name = ALIASES.get(name) or aliases.get(name, name)
    if name in NOT_CHARSETS or name not in CHARSETS:
        return None
    return MEANT.get(name, name)


def decode(data: bytes, label: str = "") -> str:
    """Text of a body or header value that was labelled so; wrong and missing labels are put right."""
    declared = codec_name(label[:LONGEST_LABEL]) if label else None
    if data.isascii() and b"\x1b" not in data and b"\0" not in data and declared not in SEVEN_BIT:
        return data.decode("ascii")
    if (wide := _wide(data, declared)) is not None:
        return wide
    if declared in SEVEN_BIT or (declared or "").startswith("iso2022"):
        return data.decode(declared or "ascii", "replace")
    if data.isascii():
        return data.decode("iso2022_jp_2" if JAPANESE_ESCAPE.search(data) else "ascii", "replace")
    return _eight_bit(data, declared)


def unix_lines(text: str) -> str:
    """Text whose lines end in "\n", however they did."""
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)


def _wide(data: bytes, declared: str | None) -> str | None:
    """UTF-16 and UTF-32, by byte order mark, label, or zero bytes at every second place; else None."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return data.decode("utf_32", "replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf_16", "replace")
    sample = data[:SAMPLE]
    zeros_low, zeros_high = sample[1::2].count(0), sample[0::2].count(0)
    if declared in WIDE and (zeros_low or zeros_high or not data.isascii()):
        name = "utf_16_be" if declared == "utf_16" and zeros_high > zeros_low else declared
        return data.decode(name or "utf_16", "replace")
    half = len(sample) // 2
    if half > 8 and zeros_low > half * 0.7 and zeros_high < half * 0.1:
        return data.decode("utf_16_le", "replace")
    if half > 8 and zeros_high > half * 0.7 and zeros_low < half * 0.1:
        return data.decode("utf_16_be", "replace")
    return None


def _eight_bit(data: bytes, declared: str | None) -> str:
    # Text in another charset is hardly ever valid UTF-8 by chance, so UTF-8 is believed before the label.
    text = strict(data, "utf_8")
    if text is not None:
        return text.removeprefix("\ufeff")
    if declared and declared not in WEAK and declared != "utf_8":
        text = strict(data, declared)
        if text is not None:
            return _case_restored(data, text, declared) if declared in SWAPPED else text
    if declared == "utf_8" and (text := _damaged_utf8(data)) is not None:
        return text
    name = guess(data) or (declared if declared != "utf_8" else None) or "cp1252"
    if name == "cp1252" and (text := strict(data, name)) is not None:
        return text
    return data.decode(name if name != "cp1252" else "latin_1", "replace").translate(C1)


# The places of latin-1 that windows-1252 fills; its five holes stay, which it cannot decode.
C1 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}


def strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


# Cyrillic charsets that have small letters in each other's places for capitals.
SWAPPED = {"cp1251": "koi8_r", "koi8_r": "cp1251", "koi8_u": "cp1251"}
CASE_SWAPPED = re.compile("(?<![А-яЁё])[а-я][А-Я]{2}")
SWAPPED_WORDS = 2


def _case_restored(data: bytes, text: str, declared: str) -> str:
    """Text in its right charset where "сПОКОЙНО" shows that the label names the other Cyrillic one."""
    if len(CASE_SWAPPED.findall(text)) < SWAPPED_WORDS:
        return text
    capitals = sum(map(str.isupper, text))
    small = sum(map(str.islower, text))
    return data.decode(SWAPPED[declared], "replace") if capitals > 2 * small else text


def _damaged_utf8(data: bytes) -> str | None:
    """UTF-8 with some broken bytes; None if it is broken so often that it is something else."""
    text = data.decode("utf_8", "replace")
    whole = sum(1 for char in text if ord(char) > 127 and char != "\ufffd")
    return text if text.count("\ufffd") <= max(whole, 3) else None


LOW = bytes(range(128))
RUN = re.compile(rb"[\x80-\xff]{3,}")
TAG = re.compile(rb"<[^<>]*>")
CANDIDATES = [
    "gb18030", "big5", "cp949", "cp932", "euc_jp", "cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874",
]  # fmt: skip
GUESSED_ON = 1024
ENOUGH = 20  # 8-bit characters from which a guess is better than windows-1252
# Letters that only one of the Western single-byte charsets has at these places; the second set speaks against it.
WESTERN = (
    ("cp1254", b"\xfd\xfe\xf0\xdd\xde", b"\xe1\xe9\xed\xe6\xfa"),
    ("iso8859_2", b"\xb3\xb9\xbf\xec\xf8\xe8", b"\xe9\xe6\xe5\xe0\xf2"),
)


def guess(data: bytes) -> str | None:
    """The charset of 8-bit text without a useful label; None if it is taken for windows-1252."""
    sample = TAG.sub(b" ", data[:SAMPLE])
    high = sample.translate(None, LOW)
    # Accented letters stand alone in Western words; in other scripts they follow each other.
    if len(b"".join(RUN.findall(sample))) * 2 < len(high):
        return _western(sample)
    if len(high) < ENOUGH:
        return None
    if (cyrillic := _cyrillic(high)) is not None:
        return cyrillic
    import charset_normalizer  # noqa: PLC0415  most mail says what it is written in

    best = charset_normalizer.from_bytes(sample[:GUESSED_ON], cp_isolation=CANDIDATES).best()
    return best.encoding if best is not None else None


def _western(sample: bytes) -> str | None:
    """Turkish and Central European letters within words, which windows-1252 would show as others."""
    inside = b"".join(LONE.findall(sample))
    for name, telling, against in WESTERN:
        hits, misses = (len(inside) - len(inside.translate(None, letters)) for letters in (telling, against))
        if hits >= 3 and hits > misses:
            # ISO 8859-2 has control characters where windows-1250 has letters.
            return "cp1250" if name == "iso8859_2" and CONTROLS.search(sample) else name
    return None


CONTROLS = re.compile(rb"[\x80-\x9f]")
LONE = re.compile(rb"(?<=[a-z])[\x80-\xff](?![\x80-\xff])|[\x80-\xff](?=[a-z])")


def _cyrillic(high: bytes) -> str | None:
    """windows-1251 and KOI8-R have their small letters in each other's places for capitals; text is mostly small."""
    lower_1251 = sum(1 for byte in high if byte >= 0xE0)
    lower_koi8 = sum(1 for byte in high if 0xC0 <= byte < 0xE0)
    if lower_1251 + lower_koi8 < len(high) * 0.95:
        return None
    if lower_1251 > lower_koi8 * 4:
        return "cp1251"
    return "koi8_r" if lower_koi8 > lower_1251 * 4 else None
