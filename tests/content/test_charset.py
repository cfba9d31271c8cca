"""Text comes out right whatever the label says."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.content.charset import codec_name, decode

GERMAN = "Ich weiß, dass Sie möchten, daß größere Übel für Sie ausbleiben – „schön“ 5 €"
FRENCH = "Éviter d'être déçu à la fenêtre où ça gèle, très bientôt, théâtre"
ITALIAN = "Però è già così che sarà più facile perché non può, lunedì vedrò"
DANISH = "Jeg får ødelagt din computer på sådan måde, hører du, læse øre"
TURKISH = "Bütün kişilere göndereceğim, şifreniz ve videonuz bende, ışık değil çıkış"
POLISH = "Nagrałem film, wyślę go do wszystkich, jeśli nie zapłacisz. Całą książkę złamałem, łatwe hasło"
CZECH = "Nahrál jsem vaše záběry a pošlu je všem, příště bude hůře, zařízení řídím já a mně věřte"
RUSSIAN = "Я записал видео с вами и отправлю его всем вашим контактам. У вас есть сорок восемь часов."
CHINESE = "我录制了你的视频，将发送给你所有的联系人。请在四十八小时内支付比特币。"
TAIWANESE = "我錄製了你的視頻，將發送給你所有的聯絡人。請在四十八小時內支付比特幣。"
JAPANESE = "私はあなたの動画を録画しました。連絡先すべてに送ります。四十八時間以内にビットコインを。"
KOREAN = "당신의 동영상을 녹화했고 모든 연락처에 보내겠습니다. 사십팔 시간 안에 비트코인을 보내십시오."

RIGHT = [
    (GERMAN, "windows-1252"),
    (FRENCH, "ISO-8859-1"),
    (GERMAN, "utf-8"),
    (TURKISH, "iso-8859-9"),
    (POLISH, "iso-8859-2"),
    (CZECH, "windows-1250"),
    (RUSSIAN, "windows-1251"),
    (RUSSIAN, "koi8-r"),
    (RUSSIAN, "cp866"),
    (CHINESE, "gb2312"),
    (CHINESE, "gb18030"),
    (TAIWANESE, "big5"),
    (JAPANESE, "shift_jis"),
    (JAPANESE, "euc-jp"),
    (JAPANESE, "iso-2022-jp"),
    (KOREAN, "euc-kr"),
    (KOREAN, "ks_c_5601-1987"),
    (RUSSIAN, "utf-16"),
    (RUSSIAN, "utf-16le"),
    (GERMAN, "utf-7"),
]
PYTHON_NAME = {"ks_c_5601-1987": "cp949"}


@pytest.mark.parametrize(("text", "label"), RIGHT)
def test_declared_charsets(text: str, label: str) -> None:
    assert decode(text.encode(PYTHON_NAME.get(label, label)), f' "{label.upper()}" ') == text


WRONG = [
    (GERMAN, "utf-8", "iso-8859-1"),
    (RUSSIAN, "utf-8", "windows-1251"),
    (CHINESE, "utf-8", "gb2312"),
    (GERMAN, "cp1252", "us-ascii"),
    (GERMAN, "cp1252", "utf-8"),
    (GERMAN, "cp1252", "x-nonsense"),
    (GERMAN, "cp1252", "idna"),
    (FRENCH, "cp1252", ""),
    (ITALIAN, "cp1252", ""),
    (DANISH, "cp1252", ""),
    (TURKISH, "cp1254", "iso-8859-1"),
    (POLISH, "cp1250", "us-ascii"),
    (POLISH, "iso8859_2", ""),
    (CZECH, "cp1250", "iso-8859-1"),
    (CZECH, "iso8859_2", "us-ascii"),
    (RUSSIAN, "cp1251", "us-ascii"),
    (RUSSIAN, "cp1251", "iso-8859-1"),
    (RUSSIAN, "koi8_r", ""),
    (CHINESE, "gb18030", "us-ascii"),
    (TAIWANESE, "big5", ""),
    (JAPANESE, "cp932", "iso-8859-1"),
    (JAPANESE, "euc_jp", ""),
    (JAPANESE, "iso2022_jp", "us-ascii"),
    (KOREAN, "cp949", "us-ascii"),
    (GERMAN, "utf_16_le", ""),
    (GERMAN, "utf_16_be", "utf-8"),
]


@pytest.mark.parametrize(("text", "real", "label"), WRONG)
def test_wrong_and_missing_labels(text: str, real: str, label: str) -> None:
    assert decode(text.encode(real), label) == text


LETTER = "Спокойно прочитайте это письмо. Потом переведите деньги."


@pytest.mark.parametrize(("real", "label"), [("cp1251", "koi8-r"), ("koi8_r", "windows-1251"), ("cp1251", "koi8-u")])
def test_cyrillic_charsets_taken_for_each_other(real: str, label: str) -> None:
    assert decode(LETTER.encode(real), label) == LETTER
    assert decode(LETTER.upper().encode(real), real) == LETTER.upper()


def test_byte_order_marks_are_no_text() -> None:
    assert decode(codecs.BOM_UTF8 + b"caf\xc3\xa9", "utf-8") == "café"
    assert decode("вид".encode("utf-16"), "us-ascii") == "вид"
    assert decode("вид".encode("utf-32"), "us-ascii") == "вид"


def test_some_broken_bytes_do_not_spoil_utf8() -> None:
    data = RUSSIAN.encode() + b"\xd0 " + RUSSIAN.encode()
    assert decode(data, "utf-8") == f"{RUSSIAN}\ufffd {RUSSIAN}"


def test_markup_does_not_hide_the_charset_of_unlabelled_text() -> None:
    page = b"<html><body class=x>" + b"<td style='a:b'>" * 20 + CHINESE.encode("gb18030") + b"</td>" * 20
    assert CHINESE in decode(page)


@pytest.mark.parametrize("label", ["base64", "rot13", "punycode", "unicode_escape", "zlib", "nonsense", "", "\0"])
def test_codecs_that_are_no_charsets(label: str) -> None:
    assert decode(b"caf\xe9 \\u0041", label) == "café \\u0041"


def test_charsets_by_name() -> None:
    assert codec_name("GB2312") == "gb18030"
    assert codec_name("idna") is None


LABELS = ["utf-8", "us-ascii", "utf-7", "utf-16", "utf-32", "hz", "gb18030", "iso-2022-jp", "iso-2022-kr", "big5"]


@given(st.binary(max_size=200), st.sampled_from(LABELS) | st.text(max_size=12))
def test_no_bytes_fail(data: bytes, label: str) -> None:
    decode(data, label)


@given(
    st.binary(max_size=60).map(lambda junk: b"caf\xe9 " + junk),
    st.sampled_from(["iso-8859-1", "windows-1252", "us-ascii"]),
)
def test_western_text_shows_what_windows_1252_has(data: bytes, label: str) -> None:
    shown = decode(data, label)
    if len(shown) == len(data) and shown.startswith("café"):
        known = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256)}
        assert shown == "".join(known[code] for code in data)


def test_a_label_may_be_long() -> None:
    assert decode("größer".encode("latin_1"), "iso-8859-1" + " " * 10_000) == "größer"
    assert decode("größer".encode("latin_1"), "x" * 1_000_000) == "größer"
