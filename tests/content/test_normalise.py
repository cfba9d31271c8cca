"""Disguised text is read as people read it; ordinary text of all languages is not taken for disguised."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milter.content.normalise import evasions, excerpt, fold, fold_word, normalise, plain

ZWSP, ZWNJ, ZWJ, SHY, CGJ, WJ = "\u200b", "\u200c", "\u200d", "\u00ad", "\u034f", "\u2060"
TESTNET_LIKE = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"  # BIP-21's example address

DISGUISED = [
    # look-alikes: Cyrillic, Greek, Armenian, Cherokee, small capitals, phonetic letters
    ("send bitсоin tоdау", "send bitcoin today", "evasion.lookalike"),
    ("your раsswоrd leaked", "your password leaked", "evasion.lookalike"),
    ("read this еmаil now", "read this email now", "evasion.lookalike"),
    ("ВІТСОІN only, please pay", "bitcoin only please pay", "evasion.lookalike"),
    ("the bιtcοin wallet", "the bitcoin wallet", "evasion.lookalike"),
    ("your αccοunt is hacked", "your account is hacked", "evasion.lookalike"),
    ("the bitcօіո address", "the bitcoin address", "evasion.lookalike"),
    ("the ᏢᎪYment is due", "the payment is due", "evasion.lookalike"),
    ("pay by bɪtcoɪn today", "pay by bitcoin today", "evasion.lookalike"),
    ("my antiʋirus exαctly", "my antivirus exactly", "evasion.lookalike"),
    ("we have the vіdеоs", "we have the videos", "evasion.lookalike"),
    ("send bìtcöin now", "send bitcoin now", "evasion.lookalike"),
    ("your pass𝐰ord", "your password", "evasion.lookalike"),
    ("my waIlet address", "my wallet address", "evasion.lookalike"),
    ("ваш пaрoль у меня", "ваш пароль у меня", "evasion.lookalike"),
    # nothing to see
    (f"b{ZWSP}i{ZWSP}t{ZWSP}coin", "bitcoin", "evasion.invisible"),
    (f"pass{WJ}word and web{ZWNJ}cam", "password and webcam", "evasion.invisible"),
    (f"bit{ZWJ}coin", "bitcoin", "evasion.invisible"),
    (f"b{SHY}i{SHY}t{SHY}c{SHY}o{SHY}i{SHY}n", "bitcoin", "evasion.invisible"),
    ("wa\U000e0069llet pass\U000e0070word", "wallet password", "evasion.invisible"),
    ("pay in \u202enioctib\u202c now", "pay in bitcoin now", "evasion.invisible"),
    # marks on marks
    ("b\u0336i\u0336t\u0336c\u0336o\u0336i\u0336n\u0336", "bitcoin", "evasion.combining"),
    ("p\u0353\u0329\u033aa\u0353\u0329ssword", "password", "evasion.combining"),
    # digits and signs for letters
    ("b1tc0in", "bitcoin", "evasion.leet"),
    ("my p4ssw0rd", "my password", "evasion.leet"),
    ("your pa$$word", "your password", "evasion.leet"),
    ("you m@sturbate", "you masturbate", "evasion.leet"),
    ("the wa11et, the v1deo, the vide0", "the wallet the video the video", "evasion.leet"),
    ("ema¡l with a v¡rus", "email with a virus", "evasion.leet"),
    ("P4SSW0RD", "password", "evasion.leet"),
    ("mon€y", "money", "evasion.leet"),
    ("пар0ль и вид3о", "пароль и видео", "evasion.leet"),
    # letters set apart
    ("b i t c o i n", "bitcoin", "evasion.split_letters"),
    ("b.i.t.c.o.i.n", "bitcoin", "evasion.split_letters"),
    ("p-a-s-s-w-o-r-d", "password", "evasion.split_letters"),
    ("w*e*b*c*a*m", "webcam", "evasion.split_letters"),
    ("b. i. t. c. o. i. n.", "bitcoin", "evasion.split_letters"),
    ("s e n d   m e   b i t c o i n", "send me bitcoin", "evasion.split_letters"),
    ("b i t c o i n\nw a l l e t", "bitcoin wallet", "evasion.split_letters"),
    ("P.A.Y now", "pay now", None),
    # letters left out
    ("mast*rbate", "masturbate", "evasion.masked"),
    ("p*rn and p**n", "porn and porn", "evasion.masked"),
    ("pass*word", "password", "evasion.masked"),
    # letters for digits
    ("5O hours or l0 days, $1,45O", "# hours or # days #", None),
    ("1OOO dollars", "# dollars", None),
]


@pytest.mark.parametrize(("text", "folded", "evasion"), DISGUISED)
def test_disguises_are_seen_through(text: str, folded: str, evasion: str | None) -> None:
    found = normalise(text)
    assert found.folded == f" {folded} "
    assert found.evasions == ({evasion} if evasion else set())


def test_text_in_leet_throughout_is_read_letter_by_letter() -> None:
    text = "1t 1s y0ur f1l3$ 4nd p1ctur3s th4t 4ll 0f th3m w1ll h4v3 1n 48 hours"
    assert normalise(text).folded == " it is your files and pictures that all of them will have in # hours "
    assert fold("mp3 files for the 4th grade") == " mp # files for the # th grade "


def test_a_word_of_one_letter_before_letters_set_apart() -> None:
    assert fold("5 tys. euro w b i t c o i n a c h, szybko") == " # tys euro w bitcoinach szybko "


def test_masked_words_keep_their_endings() -> None:
    assert fold("zapłać w b*tcoinach") == " zaplac w bitcoinach "


def test_a_text_of_only_disguised_words_is_still_latin() -> None:
    cyrillic = str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ")
    text = "Your device was infected. I have access to all your accounts, cameras and contacts. Pay me once."
    assert fold(plain(text.translate(cyrillic)).text) == fold(text)


STYLED = [
    ("𝐛𝐢𝐭𝐜𝐨𝐢𝐧 𝓹𝓪𝓼𝓼𝔀𝓸𝓻𝓭", "bitcoin password"),
    ("ｂｉｔｃｏｉｎ　４８", "bitcoin #"),
    ("ⓑⓘⓣⓒⓞⓘⓝ", "bitcoin"),
    ("🅑🅘🅣🅒🅞🅘🅝 🅿🅰🆈", "bitcoin pay"),
    ("ﬁnal ﬂood", "final flood"),
    ("ᴘᴀʏ ɴᴏᴡ", "pay now"),
    ("٤٨ hours", "# hours"),
]


@pytest.mark.parametrize(("text", "folded"), STYLED)
def test_styled_letters_are_letters(text: str, folded: str) -> None:
    assert normalise(text).folded == f" {folded} "


FOLDED = [
    ("Élève, naïve façade!", "eleve naive facade"),
    ("Straße größer ÜBER", "strasse grosser uber"),
    ("ŁÓDŹ żółć đak øl æble þing œuvre", "lodz zolc dak ol aeble thing oeuvre"),
    ("İstanbul IŞIK ısı", "istanbul isik isi"),
    ("mañana ¿qué?", "manana que"),
    ("Ёлка и йод", "елка и иод"),
    ("Ἀθῆναι ΣΟΦΌΣ", "αθηναι σοφοσ"),
    ("don't, don’t, don´t", "don t don t don t"),
    ("1.450 € 1,450.00 1'450 1 450 000,50", "# # # #"),
    ("48h $850 75$ 50% #1", "# h # # # #"),
    ("10:30 2024-01-05", "# # # # #"),
    ("私はあなたの秘密を 知っています。", "私はあなたの秘密を知っています"),
    ("48時間以内にPCを、払って", "# 時間以内に pc を払って"),
    ("ﾋﾞｯﾄｺｲﾝ", "ビットコイン"),
    ("비트 코인을 보내 주세요!", "비트코인을보내주세요"),
    ("比 特 币，48 小时", "比特币 # 小时"),
    ("pass\u200bword a\u0301b\u0338c", "password abc"),
    ("a, b, c; d, words", "abcd words"),
    ("a b, c, d, e, f", "ab cdef"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "folded"), FOLDED)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == (f" {folded} " if folded else " ")
    assert normalise(text).folded == fold(text)


UNTOUCHED = ["mp3", "h264", "covid19", "3d", "b2b", "utf8", "i18n", "a11y", "x86", "sha256", "win32", "4k", "p2p"]


@pytest.mark.parametrize("name", UNTOUCHED)
def test_names_with_digits_keep_their_letters(name: str) -> None:
    letters = "".join(char for char in name if char.isalpha())
    found = normalise(f"the {name} file")
    assert "".join(found.folded.replace("#", "").split()[1:-1]) == letters
    assert not found.evasions


def test_addresses_and_hashes_stay_in_one_piece() -> None:
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c0f"
    assert fold(f"to {TESTNET_LIKE}, or {digest}") == f" to {TESTNET_LIKE.lower()} or {digest} "


def test_links_and_mail_addresses_are_words_only() -> None:
    assert fold("https://example.com/v1deo?id=p0rn1 b0b.p0rn@example.com") == (
        " https example com v # deo id p # rn # b # b p # rn example com "
    )


INNOCENT = [
    "Sehr geehrte Frau Müller, anbei die Maße für die Straße. Das Passwort und die Passwörter bitte ändern.",
    "Où est-ce que l'élève a oublié son mot de passe ? Il n'y a pas de vidéo.",
    "Zażółć gęślą jaźń, proszę o hasło i portfel Bitcoin.",
    "Добрый день! Привет из Москвы, USB-кабель и Wi-Fi, SMSки, 3D-принтер и iPhone. Пароль: №5.",
    "I met Анна in Москва, she said привет.",
    "Bitcoin и кошелёк: the Russian word рок beside English ones, а также мир.",
    "Καλημέρα, ο κωδικός σας για το e-mail και το Bitcoin.",
    "パスワードを変更してください。ビットコインのＡＴＭ、ＵＳＢケーブル。",
    "비밀번호를 변경하세요. 비트코인 지갑",
    "می‌خواهم نامه‌ای بنویسم",
    "क्‍या हिन्दी में नमस्ते",
    "Family 👨‍👩‍👧‍👦 and heart ❤️ and flag 🏳️‍🌈 for you",
    "Big sale" + f"{ZWNJ}\u00a0" * 60 + "New shoes" + f" {CGJ} {SHY}" * 40 + "Unsubscribe",
    f"Donau{SHY}dampf{SHY}schiff{SHY}fahrts{SHY}gesell{SHY}schaft",
    f"www.exam{ZWSP}ple.com",
    f"Pass{SHY}wort, Konto und Ad{SHY}resse, Kon{SHY}takt",
    "The TNFα level, ΔT = 5 μm, kΩ, α-helix and the β2 agonist; ∑ x² ≤ ½·π",
    "say /ˈbɪtkɔɪn/ and [ˈpɑːswɜːd] like this",
    "WH-1000XM4, RTX3080, Core i7, iPhone15, B2B, MP3, H.264, COVID-19, Log4j, Office365, Level5",
    "Order A1B2C3D4 and X9Z-44Q, tracking 1Z999AA10123456784, commit 4f9a1c2e, size 5XL",
    "U.S.A. e.g. i.e. N.A.T.O. J. R. R. Tolkien, z. B. a) b) c) d)",
    "N E W S L E T T E R  -  W E L C O M E",
    "f*ck this sh*t, 5*3 = 15, *bold* and a*b",
    "user@example.com, me@work, AT&T, C++, $HOME, US$ 5, price!now",
    "Dvořák, Ångström, naïve, Beyoncé, São Paulo, İzmir, Đorđe, Łódź",
    "Xin chào, tiếng Việt có nhiều dấu: mật khẩu, ví điện tử",
    "BİTCOİN cüzdanı ve BITCOIN, şifre",
    "r\u00e9sume\u0301 with one composed and one loose accent, cafe\u0301",
    "Он живёт в за\u0301мке",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_shows_no_evasion(text: str) -> None:
    assert evasions(text) == frozenset()


def test_plain_keeps_case_and_punctuation_for_the_eye() -> None:
    assert plain("Pаy 0.5 ВТС, Now!").text == "Pay 0.5 BTC, Now!"
    assert plain("ASCII stays: As It Is.\n").text == "ASCII stays: As It Is.\n"
    assert plain("Über\u00a0alles „gut“").text == "Über alles „gut“"


def test_wallet_addresses_come_out_of_disguise() -> None:
    disguised = TESTNET_LIKE.replace("M", "М").replace("5", f"5{ZWSP}")
    assert plain(f"Send it to my wallet {disguised} today").text == f"Send it to my wallet {TESTNET_LIKE} today"


WORDS = [
    ("gelöscht", ("geloscht", "geloescht")),
    ("Straße", ("strasse", "strase")),
    ("på", ("pa", "paa")),
    ("æble", ("aeble", "able")),
    ("don't pay", ("don t pay",)),
    ("# hours", ("# hours",)),
    ("ビデオ", ("ビデオ",)),
    ("contraseña", ("contrasena",)),
]


@pytest.mark.parametrize(("word", "spellings"), WORDS)
def test_fold_word_gives_all_spellings(word: str, spellings: tuple[str, ...]) -> None:
    assert fold_word(word) == spellings


def test_spellings_are_bounded() -> None:
    assert len(fold_word("äöüßäöüßäöüß")) <= 16


TEXT = "Hello there, my friend. I know your p4ssw0rd and I will send the\nvidéo to all your friends in 48 hours!"


@pytest.mark.parametrize(
    ("words", "shown"),
    [("password", "p4ssw0rd"), ("video to all", "vidéo to all"), ("# hours", "48 hours!"), ("hello", "Hello")],
)
def test_excerpt_shows_the_readable_words(words: str, shown: str) -> None:
    at = fold(TEXT).find(words)
    found = excerpt(TEXT, at, at + len(words))
    assert shown in found
    assert len(found) <= 160
    assert found.startswith(("… ", "Hello"))
    assert excerpt(TEXT, at, at + len(words), context=0).strip(" …") == shown


def test_excerpt_of_a_long_match_is_cut_at_a_word() -> None:
    text = "word " * 200
    found = excerpt(text, 100, 900)
    assert len(found) <= 160
    assert set(found.split()) == {"word", "…"}


ANY_TEXT = st.text(max_size=80) | st.text(
    alphabet="abeiotcpnsw01345@$*!.,-_#'’ \n·¡€ßæøłıİéñ\u0301\u200b\u00adаеосрхітαοѕAI漢かガ한국ｂ１𝐛①ﬁ²٣\u202e",
    max_size=80,
)
PIECE = [
    "bitcoin", "b1tc0in", "p*rn", "a.b.c", "1 450", "a b c d", "waIlet", "x@y.de", "48h", "5O", "ß", "漢字", "かな 漢",
    "b-i-t", "пaроль", "сосо", "U.S.A.", TESTNET_LIKE, " ", "\n", ".", ",", "'", "#", "-",
]  # fmt: skip
PIECES = st.lists(st.sampled_from(PIECE), max_size=12).map("".join)


@settings(max_examples=400, deadline=None)
@given(ANY_TEXT | PIECES)
def test_folding_again_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " " or (folded[0] == folded[-1] == " " and "  " not in folded)
    assert normalise(text).folded == fold(plain(text).text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(max_codepoint=0x24F), max_size=80))
def test_latin_text_folds_to_ascii(text: str) -> None:
    assert fold(text).isascii()


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT | PIECES, st.integers(0, 90), st.integers(0, 90))
def test_excerpt_never_fails_and_stays_short(text: str, start: int, length: int) -> None:
    assert len(excerpt(plain(text).text, start, start + length)) <= 160


@settings(max_examples=200, deadline=None)
@given(PIECES)
def test_case_does_not_matter(text: str) -> None:
    assert fold("word " + text.lower()).startswith(" word")
    assert fold("Größe ÄÖÜ") == fold("größe äöü")
