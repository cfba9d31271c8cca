"""Which language a folded text is written in: by its script, and for Latin letters by its commonest words."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain

WORDS = 150
SAMPLE = 250
# The commonest words of each language in folded form, and some that extortion cannot do without.
COMMON = {
    "en": "the of and to a in is you that it he was for on are with as i his they be at this have from or your "
    "my we will not all can has if do me our what so up out who just an which were been there would please hello "
    "dear thanks any know am by no about",
    "de": "der die das und ist nicht ich sie zu den mit ein eine auf fur von dem des im es wir ihr ihre ihnen ihren "
    "auch sich als an werden wird haben habe hat sind oder wenn aber nur noch nach bei wie so kann uns mich mir dir "
    "du dein deine hallo bitte wurde einen einer aus zum zur uber alle",
    "fr": "le la les des et est un une de du je vous nous que qui dans pour pas sur au avec ce cette il elle ne se "
    "sont par plus votre vos mes mon ma ou mais si j l d c n qu a ai avez bonjour tout tous aux notre leur ont etre "
    "fait suis sera",
    "es": "el la los las de y que en un una es no por con para se su lo del al como mas pero sus le ya este esta si "
    "mi me te tu usted ustedes todo todos muy hola ha he sobre porque cuando yo nos sin ser tiene estan puede",
    "it": "il lo la gli le di e che in un una per non con del della dei delle si sono ho hai ha mi ti tu e ma come "
    "piu questo questa suo sua tuo tua tuoi nel nella al alla da anche se io ci tutti tutto ciao salve essere lei voi "
    "vostro ogni dal dalla i",
    "nl": "de het een en van ik je is dat niet op te in zijn met voor u uw aan er maar om ook als dan of bij nog wat "
    "naar heb heeft hebt ben wordt worden deze dit jouw mijn we wij ze hij alle uit door over kan kunt beste hallo al",
    "pt": "o a os as de e que em um uma do da dos das nao para com por se no na nos seu sua seus suas voce voces eu "
    "meu minha mas como mais foi ao isso este esta esse essa tem ou ja muito ola todos todas ser esta estou pelo pela "
    "tambem quando sem",
    "pl": "i w na nie to ze z do sie jest jak co za o po ale od tak dla ja mam moj moja twoj twoja twoje twoich "
    "pan pani ci cie mnie czy by juz tylko jestem ma przez przy oraz lub wszystkie ten ta tym tego jesli bedzie "
    "zostal panstwa witam prosze",
    "cs": "a v na se je ze to s z do o jsem jsi jste si i ale jak by k co pro po tak mate mam vas vase vasi vam muj "
    "moje tvoje tve tvuj me mi ti te uz nebo jen kdyz od ktery ktere aby pokud neni byl byla budu bude dobry den "
    "vsechny za u ve prosim",
    "sv": "och att det i en jag som pa ar av for med till den har de inte om ett du din ditt dina mig dig min mitt "
    "mina vi sa han men var fran kan ska nu nar alla eller hej vad bli blir detta denna efter era ert er dem sina "
    "mycket",
    "da": "og at det i en jeg er som pa til af for med den har de ikke om et du din dit dine mig dig min mit mine vi "
    "sa han men var fra kan skal nu nar alle eller hej hvad blive bliver dette denne efter jeres hvis vil deres af "
    "ved sig meget",
    "tr": "ve bir bu da de icin ile ne cok ben sen siz biz o gibi daha var yok mi mu size sizin senin benim bana "
    "sana olan olarak kadar ama degil her sonra en ya veya eger tum tarafindan merhaba lutfen seni sizi bunu oldugunu "
    "olur nasil sadece uzerinde",
}  # fmt: skip
LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in COMMON.items():
    for _word in set(_words.split()):
        LANGUAGES_OF.setdefault(_word, []).append(_language)
SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
)
FEWEST = 3


def guess(folded: str) -> str | None:
    """The language code (one of the sixteen of the rules), or None if the text is too short or another language."""
    if not folded.isascii():
        sample = folded[:SAMPLE]
        foreign = len(sample) - len(sample.encode("ascii", "ignore"))
        if foreign * 3 > len(sample):
            return _by_script(sample, foreign)
    words = set(folded[:1200].split(None, WORDS)[:WORDS])
    scores = Counter(chain.from_iterable(map(LANGUAGES_OF.__getitem__, words & LANGUAGES_OF.keys())))
    score, language = max(((score, language) for language, score in scores.items()), default=(0, None))
    return language if score >= min(FEWEST, max(2, len(words) // 4)) else None


def _by_script(sample: str, foreign: int) -> str | None:
    """Japanese writes Chinese characters too, so a tenth of kana decides for it."""
    for language, script in SCRIPTS:
        share = len(script.findall(sample)) / foreign
        if share > (0.1 if language == "ja" else 0.5):
            return language
    return None
