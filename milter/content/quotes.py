"""Which lines of a text its author cites: reply quotes, forwarded mails."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

# Header names as mail programs print them above a cited mail, in the languages of the rules.
_FROM = "From|Von|De|Da|Van|Od|Fra|Från|От|От кого|Kimden|Gönderen|差出人|보낸 ?사람|发件人|寄件者|寄件人"
_OTHER = (
    "Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Fecha|Para|Asunto|Inviato|Data|A|Oggetto"
    "|Verzonden|Aan|Onderwerp|Assunto|Wysłano|Do|Temat|Odesláno|Komu|Předmět|Skickat|Till|Ämne|Sendt|Til|Emne"
    "|Отправлено|Дата|Кому|Тема|Gönderildi|Tarih|Kime|Konu|送信日時|日時|宛先|件名|보낸 ?날짜|받는 ?사람|제목"
    "|发送时间|日期|收件人|主题|寄件日期|收件者|主旨"
)
_ORIGINAL = (
    "Original Message|Original message|Ursprüngliche Nachricht|Originalnachricht|Ursprungliche Nachricht"
    "|Message d'origine|Message original|Mensaje original|Messaggio originale|Oorspronkelijk bericht"
    "|Mensagem original|Wiadomość oryginalna|Oryginalna wiadomość|Původní zpráva|Ursprungligt meddelande"
    "|Oprindelig meddelelse|Исходное сообщение|Orijinal Mesaj|İletinin Aslı|元のメッセージ"
    "|원본 메시지|원본 메일|原始邮件|原始郵件"
)
_FORWARDED = (
    "Forwarded message|Forwarded Message|Weitergeleitete Nachricht|Message transféré|Message transmis|Mensaje reenviado"
    "|Messaggio inoltrato|Doorgestuurd bericht|Mensagem encaminhada|Wiadomość przekazana|Przekazana wiadomość"
    "|Přeposlaná zpráva|Vidarebefordrat meddelande|Videresendt meddelelse|Пересылаемое сообщение|Пересланное сообщение"
    "|Yönlendirilmiş İleti|İletilmiş mesaj|転送メッセージ|전달된 메시지|转发邮件|转发的邮件|轉寄郵件"
)
_BEGIN_FORWARDED = (
    "Begin forwarded message|Anfang der weitergeleiteten Nachricht|Anfang der weitergeleiteten E-Mail"
    "|Début du message transféré|Début du message réexpédié|Inicio del mensaje reenviado|Inizio messaggio inoltrato"
    "|Begin doorgestuurd bericht|Início da mensagem encaminhada|Rozpoczęcie przekazanej wiadomości"
    "|Začátek přeposílané zprávy|Vidarebefordrat brev|Start på videresendt besked|Начало переадресованного сообщения"
    "|İletilen ileti başlangıcı|転送されたメッセージ|전달된 메시지|下面是被转发的邮件|以下是转发的邮件"
)
_WROTE = (
    "wrote|writes|schrieb|schreibt|a écrit|écrit|escribió|ha scritto|scrisse|schreef|escreveu|napisał(?:a|\\(a\\))?"
    "|napsal(?:a|\\(a\\))?|skrev|пишет|писал|написал(?:а|\\(а\\))?|şunu yazdı|yazdı|のメール|書きました|님이 작성|작성"
    "|写道|寫道"
)
MARK = r"[ \t]{0,8}(?:[A-Z]{0,4}>(?!From )|\|[ >])"  # "> ", "> > ", "| ", and "GS> " with the initials of the cited
MARKS = re.compile(rf"(?:{MARK}[ \t]?)+")
MARKED = re.compile(rf"\n{MARKS.pattern}")
MARKED_LINE = re.compile(rf"{MARKED.pattern}([^\n]*)")
# Most lines are passed over by their first letter.
_FIRST = "".join({name[0] for name in f"{_FROM}|{_BEGIN_FORWARDED}".split("|")})
BREAK = re.compile(
    rf"\n[ \t>*]{{0,4}}+(?=[-_={_FIRST}])(?:"
    rf"(?P<original>[-_=]{{2,}} ?(?:{_ORIGINAL})\b[^\n]{{0,20}})"
    rf"|(?P<forwarded>[-_=]{{2,}} ?(?:{_FORWARDED})\b[^\n]{{0,20}}|(?:{_BEGIN_FORWARDED})\s?[:：])"
    rf"|(?:{_FROM}) ?[:：]\*? ?[^\n]{{1,200}}\n(?:[^\n]{{0,200}}\n){{0,2}}[ \t>*]{{0,4}}(?:{_OTHER}) ?[:：]"
    r")"
)
HEADER_LINE = re.compile(rf"[ \t*]*(?:(?:{_FROM}|{_OTHER}|Cc|CC|Reply-To|Message-I[Dd]) ?[:：]|[-_=]{{2,}}|$)")
WROTE = re.compile(_WROTE)
ATTRIBUTION = re.compile(rf"(?:^|\n)(?P<line>[^\n]{{0,200}}(?:\n[^\n]{{1,200}})?\b(?:{_WROTE})\b[^\n]{{0,80}}[:：])$")
LAST_COLON = re.compile(r":(?=\n)")
HAS_DATE = re.compile(r"\d{1,4}[./年-]|\d{4}|\d:\d\d|@|<")
MOST_COLONS = 40  # lines that end in a colon and are looked at
MOST_BREAKS = 40


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text taken apart: what its author says, what is cited, and whether it is a forwarded mail."""

    own: str
    quoted: str = ""
    forwarded: bool = False


def separate(text: str) -> Quoted:
    """Take a text (line ends "\\n") apart. Citation marks at the beginnings of lines are taken off."""
    lines = f"\n{text}"
    below, forwarded = _below(lines)
    if below == len(lines) and not ((">" in text or "|" in text) and MARKED_LINE.search(lines)):
        return Quoted(text)
    own = MARKED_LINE.sub("", lines[:below])
    cited = [*MARKED_LINE.findall(lines[:below]), MARKED.sub("\n", lines[below:])]
    return Quoted(own.strip("\n"), "\n".join(cited).strip("\n"), forwarded)


def _below(text: str) -> tuple[int, bool]:
    """From where on everything is a cited mail, and whether that is a forwarded one; the end if nothing is."""
    at, forwarded = len(text), False
    for found in islice(BREAK.finditer(text), MOST_BREAKS):
        if not _marks_follow(text, found.start() + 1):
            at, forwarded = found.start(), found["forwarded"] is not None
            break
    attributed = _attributed(text, at)
    return (attributed, False) if attributed < at else (at, forwarded)


def _marks_follow(text: str, at: int) -> bool:
    """Whether the text under a cited mail's header is marked line by line, so that the marks tell what is cited."""
    for line in text[at : at + 2000].split("\n")[:12]:
        if MARKS.match(line):
            return True
        if not HEADER_LINE.match(line):
            return False
    return False


def _attributed(text: str, end: int) -> int:
    """Where the text below "On … wrote:" begins, if it carries no citation marks of its own; else end."""
    for colon in islice(LAST_COLON.finditer(text, 0, end), MOST_COLONS):
        after = colon.end()
        following = text[after : after + 399].lstrip("\n")
        if following and not MARKS.match(following) and WROTE.search(text, max(0, after - 120), after):
            line = ATTRIBUTION.search(text, max(0, after - 401), after)
            if line and HAS_DATE.search(line["line"]):
                return after
    return end
