"""Passwords that stand in excerpts of blackmail: masked before anyone else reads them.

What looks like a password (letters mixed with digits or signs) is masked wherever a word for "password" is near; a
plain word only where the sentence makes it the password: "your password is sunshine".
"""

from __future__ import annotations

import re

MASK = "•••"
PASSWORDS = (
    r"p[a4@][s$5]{2}[\s-]?w[o0]rds?|passcodes?|passphrases?|passwd|pwd|passwort\w{0,3}|passwört\w{0,3}|kennwort\w{0,3}|kennwört\w{0,3}",
    r"mots? de passe|contraseñas?|contrasenas?|claves?|parola d['’]ordine|parole d['’]ordine|chiave|wachtwoord\w{0,2}",
    r"senhas?|palavras?-passe|hasł\w{1,3}|haslo|hasla|hesl\w{1,3}|lösenord\w{0,4}|losenord\w{0,4}|adgangskode\w{0,3}|kodeord\w{0,2}",
    r"парол\w{1,3}|şifre\w{0,6}|sifre\w{0,6}|parola\w{0,5}",
)
WIDE_PASSWORDS = "パスワード|暗証番号|비밀 ?번호|암호|패스워드|密码|密碼|口令"
IS = (
    "is|was|ist|war|lautet|lautete|hiess|hieß|est|était|es|era|è|e|é|jest|to|brzmi|brzmiało|je|bylo|zní|är|var|er|это|был|idi|şu|"
    "isn't|might be|used to be"
)
YOURS = (
    "your|the|my|ur|dein|deine|deiner|ihr|ihrer|das|ton|votre|le|tu|tus|su|la|tua|tue|il|jouw|je|uw|sua|tuas|tvoje|vaše|twoje|"
    "ditt|din|dit|ваш|твой|senin|sizin"
)
# In place of a password in plain speech: "your password is safe", "this is your password".
ORDINARY_WORDS = """
    a about all already also always an and any are as at because been being below both but by changed
    compromised correct
    different easy encrypted exactly exposed expired expiring following for found from hacked here how i if
    important in incorrect
    invalid is it its just known leaked like lost mine my needed never new no not now of off ok old on one
    only open or our out part
    protected public published required reset safe same secret secure set short shown so still stolen strong
    than that the their
    then there these they this those to too true unique unknown unsafe updated used valid very weak what
    where which who why will
    with wrong yes you your yours
    abgelaufen auf bekannt das dein deine dies der die dieses ein eine falsch folgende folgendes gehackt
    geheim geleakt geändert gestohlen
    hier ihr im in jetzt kompromittiert korrekt mein mit nicht nun nur richtig schwach sicher so unbekannt
    ungültig unsicher weg
    veröffentlicht von zu
    à ce ceci cela ça celui-ci compromis connu dans de expiré expirée faible ici incorrect le non pas piraté
    sûr toujours trop très valide
    voici votre
    aquí así como correcta caducada débil el ella en esa ese esta este esto incorrecta la muy no nueva
    pública robada segura siguiente una
    al corretta debole di ecco errata già la mia molto non nota questa questo qui scaduta seguente sicura
    sua tua una
    bekend dat de dit een gehackt gelekt het hier niet onveilig op te uw veilig verlopen volgende zwak
    abaixo aqui assim ela em essa esta este isso isto muito não nova pública segura seguinte sua uma vazada
    moje nie oto słabe tak tamto to twoje znane złamane bezpieczne
    moje není platné slabé tady tak takhle to tohle toto vaše známé
    av det detta ditt fel för här inte mitt nu rätt svagt så säkert känt
    af den dette dit forkert her ikke min nu rigtig sikker svag så
    вот ваш взломан здесь известен мой не неверный он один слаб следующий так такой твой тот украден устарел
    это
    bu bir biliniyor budur değil doğru güvenli işte ne o senin sizin şu yanlış zayıf
"""
ORDINARY = frozenset(ORDINARY_WORDS.split())

_PASSWORD = rf"(?<![^\W\d_])(?:{'|'.join(PASSWORDS)})(?!\w)"
_OPEN = r"[\"'`“”„«‘「『(\[<*]"
# No web or mail address, payment address, or count with its unit ("48h", "5k$").
_NEITHER = (
    r"(?!\S*(?:://|www\.))(?![^\s@]+@[^\s@]+\.\w)(?![0-9A-Za-z]{25})(?!\d+[^\W_]{0,4}(?!\S))(?!\d[\d.,]*[$€£%]|[$€£]\d)"
)
_TOKEN = rf"(?!['‘’]){_NEITHER}(?>[^\s,;<>«»„“”\"`()\[\]、，。「」『』]{{3,64}})"
# Letters beside digits or signs.
_MIXED = rf"(?=\S*?[^\W\d_])(?=\S*?[\d#$%&@!_+*=?^~]){_TOKEN}"
_WORDS = r"(?:[^\S\n]+[^\W\d_]{1,15}){0,3}?"
_END = r"(?=[\s\"'”“»」』)\]*]*(?:(?<=[.:!?])|[.,;:!?\n]|$|\s(?:and|und|et|y|e|en|i|a|och|og|и|ve)\b))"

_CLOSE = r"[\"'”“»」』)\]*]?"
_ONE_OF = r"(?:\w{1,8} (?:of|von|de|der|di|van|z|ze|av|af|из) )?"

MIXED_AFTER = re.compile(rf"(?P<before>{_PASSWORD}{_WORDS}[\W_]{{1,6}}?)(?P<secret>{_MIXED})", re.IGNORECASE)
MIXED_BEFORE = re.compile(
    rf"(?<![^\s\"'“„«(\[:,])(?P<secret>{_MIXED})(?=[\W_]{{1,4}}(?:[^\W\d_]{{1,15}}[\W_]{{1,3}}){{0,4}}?{_PASSWORD})",
    re.IGNORECASE,
)
PLAIN_AFTER = re.compile(
    rf"(?P<before>{_PASSWORD}(?:{_WORDS}\s*[:=]|\s+(?:{IS})\s|\s+[-–—→]\s|\s*{_OPEN})\s*:?\s*{_OPEN}?)"
    rf"(?P<secret>{_TOKEN}){_END}",
    re.IGNORECASE,
)
PLAIN_BEFORE = re.compile(
    rf"(?<!\S)(?P<before>{_OPEN}?)(?P<secret>{_TOKEN})"
    rf"(?={_CLOSE},?\s+(?:(?:{IS})|[-–—])\s(?:(?:{IS})\s)?{_ONE_OF}(?:{YOURS})\s(?:\w{{1,8}}\s)?{_PASSWORD})",
    re.IGNORECASE,
)
WIDE_AFTER = re.compile(
    rf"(?P<before>(?:{WIDE_PASSWORDS})[^!-~\n]{{0,4}}[\s:(\"'=]{{0,3}})(?P<secret>[!-~]{{4,64}})",
)
WIDE_BEFORE = re.compile(
    r"(?<![!-~])(?P<secret>[0-9A-Za-z][!-+\--~]{3,63})"
    rf"(?=[\s,、，]{{0,2}}[^!-~\n]{{1,14}}(?:{WIDE_PASSWORDS}))"
)
# One of these is in each word for "password"; without one there is nothing to mask.
STEMS = (
    *(
        "pass",
        "pa$",
        "pa5",
        "p4",
        "p@",
        "pwd",
        "kennw",
        "contrase",
        "clave",
        "parol",
        "chiave",
        "wachtw",
        "senha",
        "has",
        "hes",
    ),
    *("senord", "adgangskod", "kodeord", "парол", "ifre", *WIDE_PASSWORDS.replace(" ?", "").split("|"), "비밀"),
)
PATTERNS = (MIXED_AFTER, MIXED_BEFORE, PLAIN_AFTER, PLAIN_BEFORE, WIDE_AFTER, WIDE_BEFORE)
PUNCTUATION = ".,:;!?…'’"
PASSWORD_WORD = re.compile(rf"{_PASSWORD}|{WIDE_PASSWORDS}", re.IGNORECASE)
# A password and its word are never further apart, in characters.
NEAR = 160


def mask_secrets(excerpt: str) -> str:
    """An excerpt in which passwords beside a word for "password" are "•••"; ordinary words stay."""
    return _without_secrets(excerpt, set())


def find_secrets(text: str) -> frozenset[str]:
    """The passwords that stand beside a word for "password" anywhere in a text of any length."""
    found: set[str] = set()
    at = 0
    for word in PASSWORD_WORD.finditer(text):
        if word.start() >= at:
            at = word.end() + NEAR
            _without_secrets(text[max(0, word.start() - NEAR) : at + NEAR], found)
    return frozenset(found)


def _without_secrets(text: str, found: set[str]) -> str:
    """The text with its passwords masked; they are added to found."""
    lower = text.casefold()
    if not any(stem in lower for stem in STEMS):
        return text

    def masked(match: re.Match[str]) -> str:
        secret = match["secret"]
        core = secret.rstrip(PUNCTUATION)
        if MASK in secret or core.casefold() in ORDINARY or len(core) < 3:
            return match[0]
        found.add(core)
        return match.groupdict().get("before", "") + MASK + secret[len(core) :]

    for pattern in PATTERNS:
        text = pattern.sub(masked, text)
    return text
