"""How sixteen languages tell a reader that the reader is under age, or name pictures of the reader's child.

Parents are no sign: mass letters threaten to write to them. Nor is the school of the reader's children, which letters
about hired killers name.
"""

from __future__ import annotations

import re
from functools import cache

from milter.signals.vocabulary import folded

AGE = "1[0-7]"
UNSPACED = ("ja", "ko", "zh")
PHRASES = {
    "en": r"your (?:school|teachers?|classmates|schoolmates)\b"
    rf"|you(?: a|['’])re (?:only |just |still )?(?:{AGE}\b(?! ?%| hours| days)|a minor|under ?-?age|under 18|a child)"
    rf"|{AGE}[- ]years?[- ]old|(?:pictures|photos|pics|nudes|videos?) of your (?:daughter|son|kid|child)",
    "de": r"(?:deine[nr]?|eure[nr]?|ihre[nr]?) (?:schule|lehrer\w*|klasse|mitschue?ler\w*|schulfreunde\w*)"
    rf"|du bist (?:erst |noch |doch )*(?:{AGE}\b|minderjae?hrig|keine 18|nicht 18)|{AGE} jahre alt|{AGE}-?jae?hrige"
    r"|(?:fotos|bilder|nacktbilder|aufnahmen|videos?) (?:von )?(?:deine|ihre|eure)[rsm] (?:tochter|sohn\w*|kind\w*)",
    "fr": r"(?:ton|ta|tes) (?:école|collège|lycée|profs?|professeurs?|classe|camarades)|votre (?:école|collège|lycée)"
    rf"|tu (?:as|n['’]as que) {AGE} ans|(?:tu es|vous êtes) (?:encore )?mineure?"
    r"|(?:photos|images|vidéos?) (?:intimes )?de (?:ta fille|ton fils|votre fi(?:lle|ls))",
    "es": r"tu (?:escuela|colegio|instituto|cole|clase)\b"
    r"|tus (?:profesor\w+|maestr\w+|compañer\w+ de (?:clase|colegio|escuela))"
    rf"|tienes (?:solo |sólo )?{AGE} años|eres menor\b|(?:fotos|imágenes|vídeos?) (?:íntim\w+ )?de (?:tu|su) hij[oa]",
    "it": r"tua (?:scuola|classe)|tuoi (?:professori|insegnanti|compagni di (?:classe|scuola))"
    rf"|hai (?:solo )?{AGE} anni|sei (?:ancora )?minorenne"
    r"|(?:foto|immagini|video) (?:intim\w+ )?di (?:tu|su|vostr)[ao] figli[ao]",
    "nl": r"(?:jouw|je) (?:school|leraren|leraar|docenten|klasgenoten|klas)\b"
    rf"|je bent (?:pas |nog maar |nog )?(?:{AGE}\b|minderjarig)"
    r"|(?:foto['’]?s|beelden|video['’]?s?) van (?:je|jouw|uw) (?:dochter|zoon|kind)",
    "pt": r"(?:tua|sua) (?:escola|turma)\b|(?:teus|seus) (?:professores|colegas d[ae] (?:escola|turma))"
    rf"|(?:você (?:só )?tem|tens (?:só )?) ?{AGE} anos|(?:você é|és) menor de idade"
    r"|(?:fotos|imagens|vídeos?) d[ao] (?:tua|teu|sua|seu) filh[ao]",
    "pl": r"twoj\w{1,3} (?:szko[lł]\w*|klas\w+|nauczyciel\w*)|koleg\w+ z (?:klasy|szkoły)"
    rf"|masz (?:dopiero |tylko )?{AGE} lat|jesteś (?:nieletni|niepełnoletni)\w*"
    r"|(?:zdjęcia|filmy?|nagrania) (?:twoje(?:j|go)|pana|pani|państwa) (?:córki|syna|dziecka)",
    "cs": r"tv(?:é|á|oje|ojí|ou|ým|ých) (?:škol\w+|tříd\w+|učitel\w*|spolužá\w+)|je ti (?:teprve |jen )?1[0-7]\b"
    r"|jsi (?:ještě )?nezletil\w+|(?:fotky|fotografie|videa?) (?:(?:tvé|vaší) dcery|(?:tvého|vašeho) syna)",
    "sv": r"din (?:skola|klass)\b|dina (?:lärare|klasskamrater|klasskompisar)"
    rf"|du är (?:bara |ju )?(?:{AGE} år|minderårig)|(?:bilder|foton|videor?) på din (?:dotter|son)",
    "da": r"din (?:skole|klasse)\b|dine (?:lærere|klassekammerater)"
    rf"|du er (?:kun |jo )?(?:{AGE} år|mindreårig)|(?:billeder|videoer|fotos) af din (?:datter|søn)",
    "ru": r"тво(?:я|ей|ю|и|их|им|ими) (?:школ|класс|учител|одноклассник)\w*"
    rf"|тебе (?:только |всего |же )?{AGE}\b|ты (?:ещё |же )?несовершеннолетн\w+"
    r"|(?:фото\w*|снимки|видео) (?:(?:твоей|вашей) дочери|(?:твоего|вашего) сына)",
    "tr": r"okulun(?:a|daki\w*|dan|u)?\b|okul grubuna|öğretmenlerin\w*|sınıf arkadaşların\w*|reşit değilsin"
    rf"|{AGE} yaşındasın|(?:kızının|oğlunun|çocuğunun) (?:fotoğraf|görüntü|video)\w*",
    "ja": r"(?:あなた|君|きみ|お前|おまえ)の(?:学校|先生|担任|クラス)|同級生|クラスメ[ーイ]ト|担任の先生"
    rf"|まだ{AGE}[歳才]|{AGE}[歳才](?:だろ|だよね|なのに)|未成年(?:だろ|だよね|なのに)"
    r"|(?:娘|息子|お子)さん?の(?:写真|動画|画像)",
    "ko": r"(?:너의|네|니|너희) ?(?:학교|선생님|담임|반 친구)|같은 반 친구|담임 ?선생"
    rf"|미성년자(?:잖아|인 거|라는 거|지)|{AGE}살(?:이잖아|밖에|인 거)"
    r"|(?:딸|아들)의? ?(?:사진|영상|동영상)",
    "zh": r"[你您妳]们?的?(?:学校|學校|老师|老師|同学|同學|班主任)|[你妳](?:还|還)?(?:是个?|是個)?未成年"
    rf"|[你妳](?:才|只有|还是|還是|今年)?{AGE}[岁歲]"
    r"|[你您妳]的?(?:女儿|女兒|儿子|兒子)的(?:照片|视频|影片|裸照)",
}


@cache
def minor_pattern(language: str | None = None) -> re.Pattern[str]:
    """Finds any of these, in one language or in all, in text in lower case and without accents."""
    chosen = {language: PHRASES[language]} if language in PHRASES else PHRASES
    return re.compile("|".join(_bounded(name, folded(phrases)) for name, phrases in chosen.items()))


def _bounded(language: str, phrases: str) -> str:
    """Words begin where a word begins, except where no blanks are written."""
    return f"(?:{phrases})" if language in UNSPACED else rf"(?<!\w)(?:{phrases})"
