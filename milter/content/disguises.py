"""Words disguised within one run of non-blank characters: leet, masks, letters set apart, letters for digits."""

from __future__ import annotations

import re
from functools import lru_cache

from milter.content.letters import EXPANDED, FOLDED, LOWERED

# Beginnings and middles of words that extortion hides; a disguise that uncovers one of them is no accident.
STEMS = re.compile(
    "bitcoin|crypto|krypto|litecoin|monero|ethereum|wallet|passw|contrasen|porn|masturb|webcam|camera|kamera|video"
    "|hack|trojan|malware|spyware|virus|infect|record|money|payment|dollar|account|contact|friend|famil|email"
    "|address|adresse|device|nude|naked|sexual|pervert|secret|delete|destroy|publish|police|polizei|explos|bomb"
    "|victim|blackmail|ransom|embarrass|transfer|geld|konto|kontakt"
    "|senha|haslo|heslo|losenord|wachtwoord|adgangskode|sifre|billetera|carteira|portfel|portemonnee"
    "|парол|видео|биткоин|биткойн|кошел|камер|деньг|взлом|аккаунт|вирус|порно|секрет"
)
# Words that a mask may hide; stems do not do here, since "v*rus" must not become "viru".
MASKED_WORDS = (
    "bitcoin", "bitcoins", "password", "passwords", "passwort", "passworter", "porn", "porno", "porns",
    "pornography", "pornographic", "masturbate", "masturbated", "masturbates", "masturbating", "masturbation",
    "webcam", "webcams", "camera", "cameras", "kamera", "video", "videos", "wallet", "hacked", "hacker",
    "hackers", "hacking", "trojan", "malware", "virus", "money", "dollar", "dollars", "sex", "sexual",
    "sexually", "nude", "nudes", "naked", "pervert", "dick", "penis", "pussy", "cock", "cum", "orgasm", "jerk",
    "jerking", "wank", "wanking", "bomb", "kill", "killed", "dead", "murder", "police", "payment", "contacts",
    "friends", "family", "wichsen", "wichst", "onaniert", "onanieren",
)  # fmt: skip
LEET = str.maketrans("01345678@$!|€£¢¡+", "oieasgtbasilelcit")
LEET_WITH_L = str.maketrans("01345678@$!|€£¢¡+", "oleasgtbasilelcit")
LEET_CYRILLIC = str.maketrans("0346@€", "озчбае")
LEET_CYRILLIC_WITH_E = str.maketrans("0346@€", "оечбае")

_LETTER = r"[^\W\d_]"
LINK = re.compile(r"://|^[wW]{3}\.|[\w.+-]@[\w-]+\.[A-Za-z]{2}")
NUMERAL = re.compile(r"(?=\D*\d)[\doOlI]+(?:[.,'’][\doOlI]+)*")
SPELLED = re.compile(rf"(?<!{_LETTER}){_LETTER}([.*·•_-]){_LETTER}(?!{_LETTER})(?:\1{_LETTER}(?!{_LETTER}))++")
MASKED = re.compile(r"(?<![a-z])[a-z]++(?:[*•●∗✱]++[a-z]++)++")
PART = re.compile(r"[^\W_](?:[\w@$!|€£¢¡+]*[^\W_])?")
LEET_PART = re.compile(r"[\w@$]+")
CAPITAL_FOR_L = re.compile("(?<=[a-z])I")
SPLIT = re.compile(r"([a-z0-9]{20,})")  # tells addresses and hashes from what stands around them


def undisguise(chunk: str) -> tuple[str | None, str]:
    """A run of non-blank characters folded to words, and the evasion it shows ("" if none).

    None instead of words: nothing is disguised, character by character it folds to what it says.
    """
    if len(chunk) > LONGEST_RUN:
        # Longer runs are encoded data, unless they are written like words; a cache must not keep them.
        return _undisguised(chunk) if written(chunk) else (None, "")
    return _cached(chunk)


def _undisguised(chunk: str) -> tuple[str | None, str]:
    if LINK.search(chunk):
        return None, ""
    if NUMERAL.fullmatch(chunk.strip("\"'()[]{}<>,.;:!?$€£¥-–—*+")):
        return " # ", ""
    found: set[str] = set()
    straight = chunk.translate(LOWERED)
    word = _with_l_for_capital_i(chunk, straight, found) if "I" in chunk else straight
    word = SPELLED.sub(lambda m: _joined(m[0], found), word)
    word = MASKED.sub(lambda m: _unmasked(m[0], found), word)
    word = PART.sub(lambda m: _unleeted(m[0], chunk, found), word)
    if word == straight and not any(map(is_token, PART.findall(word))):
        return None, ""
    folded = " ".join(piece if is_token(piece) else words(piece) for piece in SPLIT.split(word))
    return f" {folded} ", min(found, default="")


_cached = lru_cache(8192)(_undisguised)

# What is written in leet throughout has so many such words, and so large a share of all.
FEWEST_LEET = 3
LEAST_SHARE = 12
LEETED = re.compile(rf"(?=(?:\d*{_LETTER}){{2}})(?=\D*[013457]+{_LETTER})(?:{_LETTER}|[013457](?![0-9.,]))+")


def is_leet(chunks: list[str], count: int) -> bool:
    """Whether a text of so many words, of which these hold digits, is written in leet: "4ll d1n3 kontakter"."""
    if len(chunks) < FEWEST_LEET or len(chunks) * LEAST_SHARE < count:
        return False
    short = (chunk.strip("\"'()[]<>,.;:!?-") for chunk in chunks if len(chunk) <= LONGEST_WORD)
    leeted = sum(1 for chunk in short if LEETED.fullmatch(chunk) and written(chunk))
    return leeted >= FEWEST_LEET and leeted * LEAST_SHARE >= count


def read_leet(chunk: str) -> tuple[str | None, str]:
    """Like undisguise, for text that is written in leet: each digit beside a letter is one."""
    if len(chunk) > LONGEST_RUN or LINK.search(chunk):
        return undisguise(chunk)
    read = LEET_PART.sub(lambda found: _spelled(found[0]), chunk)
    if read == chunk:
        return undisguise(chunk)
    folded = undisguise(read)[0] or f" {words(read)} "
    return folded, "evasion.leet" if hides_stem(chunk.lower(), read.lower()) else ""


def _spelled(part: str) -> str:
    small = part.lower()
    if len(part) > LONGEST_WORD or not (written(part) or part == small):
        return part
    if NUMERAL.fullmatch(part) and 2 * sum(map(str.isdigit, part)) >= len(part):
        return part
    word = small.translate(tables(small)[0])
    return word if word.isalpha() and any(map(str.isalpha, part)) else part


def words(text: str) -> str:
    """Lower-case text folded without looking for disguises."""
    return NUMBER.sub(" # ", text.translate(FOLDED)).translate(SEPARATED)


NUMBER = re.compile("#(?:[#.,']*#)?(?: ###(?!#))*(?:[.,]#+)?")  # thousands may be set apart by blanks
SEPARATED = str.maketrans({".": " ", ",": " ", "'": " "} | EXPANDED)


def is_token(part: str) -> bool:
    """A wallet address, key or hash: left in one piece, digits and all."""
    return len(part) >= 20 and part.isascii() and part.isalnum() and not part.isalpha() and not part.isdigit()


def _with_l_for_capital_i(chunk: str, word: str, found: set[str]) -> str:
    """emaiI, waIlet: a capital I that is shown as l, if that makes a word of the crime."""
    other = CAPITAL_FOR_L.sub("l", chunk).translate(LOWERED)
    if len(STEMS.findall(other)) <= len(STEMS.findall(word)):
        return word
    found.add("evasion.lookalike")
    return other


def _joined(spelled: str, found: set[str]) -> str:
    word = "".join(filter(str.isalpha, spelled))
    if STEMS.search(word):
        found.add("evasion.split_letters")
    return word


def _unmasked(masked: str, found: set[str]) -> str:
    """p*rn, mast**bate: the word that fits; pass*word: the word without the marks; else two words."""
    bare = re.sub("[^a-z]+", "", masked)
    pattern = re.compile(re.sub("[^a-z]", "[a-z]", masked))
    word = next((word for word in MASKED_WORDS if word == bare or pattern.fullmatch(word)), None) or _inflected(masked)
    if word is None:
        return masked
    found.add("evasion.masked")
    return word


def _inflected(masked: str) -> str | None:
    """b*tcoinach: a longer word that may be hidden, and its ending."""
    for word in MASKED_WORDS:
        if len(word) < LONG_MASKED or not masked[-1].isalpha():
            continue
        beginning, ending = masked[: len(word)], masked[len(word) :]
        if ending.isalpha() and re.fullmatch(re.sub("[^a-z]", "[a-z]", beginning), word):
            return word + ending
    return None


LONG_MASKED = 6


def _unleeted(part: str, chunk: str, found: set[str]) -> str:
    """A word with digits or signs for letters in letters, or unchanged if it may be anything else."""
    if part.isalpha() or part.isdigit() or is_token(part):
        return part
    if NUMERAL.fullmatch(part):
        return "#"
    if len(part) > LONGEST_WORD or not written(chunk):
        return part
    core = part.strip("0123456789")
    for table in tables(part):
        for candidate in (core, part):
            word = candidate.translate(table)
            if hides_stem(candidate, word):
                found.add("evasion.leet")
                return part.replace(core, f" {core.translate(table)} ", 1) if candidate is core else word
    if len(core) * 2 > len(part) and not part[0].isdigit() and not chunk.isupper() and plausible(core):
        return part.replace(core, f" {core.translate(tables(core)[0])} ", 1)
    return part


def written(chunk: str) -> bool:
    """Whether capitals stand as in words: none, the first letter, or all; not as in aB3x9K."""
    letters = "".join(filter(str.isalpha, chunk))
    return letters[1:].islower() or letters.isupper() or letters.istitle()


def tables(part: str) -> tuple[dict[int, int], ...]:
    cyrillic = any("а" <= char <= "я" for char in part)
    return (LEET_CYRILLIC, LEET_CYRILLIC_WITH_E) if cyrillic else (LEET, LEET_WITH_L)


def hides_stem(part: str, word: str) -> bool:
    """Whether word, which is part in letters, has a stem where part has signs or digits, but more letters."""
    spans = (part[found.start() : found.end()] for found in STEMS.finditer(word))
    return any(not span.isalpha() and sum(map(str.isalpha, span)) * 2 > len(span) for span in spans)


def plausible(core: str) -> bool:
    """Whether this is a word with some letters replaced: y0u, h4cked; not mp3, h264, i18n, 4f9a1c."""
    signs = [char for char in core if not char.isalpha()]
    fewest = 3 if set(signs) <= set("01345") else 4
    if len(core) < fewest or len(signs) * 3 > len(core) or not set(signs) <= set("01345@€"):
        return False
    word = core.translate(tables(core)[0])
    return word.isalpha() and bool(VOWEL.search(word)) and not HARD.search(word)


LONGEST_WORD = 24
LONGEST_RUN = 60  # longer runs of mixed case are encoded data
VOWEL = re.compile("[aeiouyаеиоуыэюя]")
HARD = re.compile("[bcdfghjklmnpqrstvwxz]{5}")
