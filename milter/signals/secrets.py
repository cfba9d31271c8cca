"""Passwords that stand in excerpts of blackmail: masked before anyone else reads them."""

from __future__ import annotations

import re

MASK = "•••"
PASSWORD = (
    r"pass\s?-?words?|pass\s?-?codes?|pass\s?-?phrases?|passwd|pwd|passwort\w{0,3}|passw[oö]rt\w{0,3}|kennw[oö]rt\w{0,3}|pa[sß]{1,3}wort"
    r"|mots?\s+de\s+passe|contraseñas?|contrasenas?|contraseña|clave(?:\s+de\s+acceso)?|parola\s+d['’]ordine|parola\s+chiave|wachtwoord\w{0,2}"
    r"|senhas?|palavras?-passe|hasł\w{1,3}|haslo|hes[lł]\w{1,3}|lösenord\w{0,4}|losenord\w{0,4}|adgangskoder?n?e?|kodeord\w{0,2}|парол\w{1,3}"
    r"|şifre\w{0,6}|sifre\w{0,6}|parola\w{0,5}|パスワード|暗証番号|비밀\s?번호|암호|密码|密碼|口令"
)
IS = (
    r"is|was|=|:|：|-|–|—|→|ist|war|lautet|lautete|est|était|es|era|è|é|jest|to|brzmi|je|bylo|zní|är|var|er|это|был|була|"
    r"was\s+once|were|are|はこれ|は|が|은|는|이|가|是|为|為|idi"
)
# What follows "your password is" or stands before "is your password" in plain speech.
ORDINARY = frozenset(
    """a about above all already also always an and any are as at be because been being below both but by can changed compromised
    correct crucial currently correct different easy encrypted entered exactly expired expiring exposed extremely following for found
    found from going hacked has have here his how i if important in incorrect invalid involved it its just kept kind known leaked
    less like lost made my needed never new no not now of off ok on one only or out part protected published really required reset
    safe same secret secure set short similar so soon still stolen strong than that the their then there these they this those to
    too unique unknown unsafe updated used using valid very weak what where which will with worth wrong yes you your
    auf bekannt das dein deine der die diese dieses ein eine falsch folgende folgendes für gehackt geheim geleakt geändert hier ihr
    ihre im in ist jetzt kompromittiert korrekt man mein mit nicht noch nun nur richtig schwach sicher sie und ungültig unsicher
    veröffentlicht von war was wie zu zurückgesetzt
    à au avec ce cela ci-dessous compromis connu dans de des donc du en est et été expiré faible il ici incorrect la le les ma mon
    ne non nous pas piraté pour que qui sécurisé suivant sûr tout trop très un une valide voici votre vos
    al aquí como con conocida correcta débil del el ella en es esta este hackeada incorrecta la lo mi muy no nueva para pero por que
    segura siguiente sido su tu una vulnerada y ya
    al che con corretta da debole di e è errata ha il io la le lo mia molto non per più questa qui scaduta seguente sicura stata sua
    tua un una
    aan als bekend de deze die dit een en gehackt gelekt het hier is jouw maar met mijn niet nu onjuist ook op te uw van veilig
    verlopen volgende voor wat zwak
    abaixo aqui com da de do e era está esta foi fraca incorreta já mais mas minha muito não nova o os para por que segura seguinte
    sua tem uma vazada
    było do i jest jeszcze ma moje nie nieprawidłowe od oraz po się słabe tak to twoje tym w wygasło za ze zostało złamane
    a bylo byla do i je jako k má moje na ne není nebo neplatné od po pro s se slabé tak to v vaše z že
    av den det din ditt en ett fel för har i inte kan med min nu och om på så säkert som svagt till är
    af at de den der det din er et for forkert fra har i ikke kan med min nu og om på så sikker svag til
    ваш ваша в вам вас взломан для если ещё же и известен или как мой мы на не неверный но ниже он от по с сам слабый следующий так твой
    то тот уже украден устарел что это я
    bir bu ben çok da de değil için ile ise mi ne o ve zayıf doğru yanlış sizin senin çalındı ele geçirildi""".split()
)

_WORD = r"[^\s,;<>«»„“”\"'`()\[\]]{3,64}"
_QUOTE = r"[\"'`“”„«»‘’「」『』(\[<]"
AFTER = re.compile(
    rf"((?<![^\W\d_])(?:{PASSWORD})(?:\s*\(?[^\W\d_]{{0,12}}\)?)??\s*(?:(?:{IS})(?!\w)|(?<=[はが은는이가是为為])|{_QUOTE})\s*:?\s*{_QUOTE}?\s*)({_WORD})",
    re.IGNORECASE,
)
BEFORE = re.compile(
    rf"(?<!\S)({_QUOTE}?)({_WORD})(?=[\"'`“”»」』)\]>]?,?\s*(?:-|–|—|,)?\s*(?:(?:is|was|ist|war|est|es|era|è|é|jest|to|je|är|er|это|—|–|-)\s+)"
    rf"(?:(?:one|eines|une?|uno|una|jedno|ett|et)\s+(?:of|der|von|de|di|z|af|av)\s+)?"
    rf"(?:(?:your|the|my|ur|dein|ihr|das|ton|votre|le|tu|su|la|tua|il|jouw|je|uw|sua|a|twoje|vaše|ditt|din|dit|ваш|твой)\s+)?(?:old\s+|alte[sn]?\s+)?(?:{PASSWORD})(?!\w))",
    re.IGNORECASE,
)


def mask_secrets(excerpt: str) -> str:
    """An excerpt in which a password beside a word for "password" is "•••"; plain words stay ("is the following")."""
    masked = AFTER.sub(_mask_after, excerpt)
    return BEFORE.sub(_mask_before, masked)


def _mask_after(match: re.Match[str]) -> str:
    return match[0] if _is_ordinary(match[2]) else match[1] + MASK + _tail(match[2])


def _mask_before(match: re.Match[str]) -> str:
    return match[0] if _is_ordinary(match[2]) else match[1] + MASK


def _is_ordinary(word: str) -> bool:
    return word.strip(".,:;!?…-").casefold() in ORDINARY or MASK in word


def _tail(word: str) -> str:
    """Full stops and the like belong to the sentence."""
    return word[len(word.rstrip(".!?…")) :]
