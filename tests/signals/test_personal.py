"""A threat that means this reader, and the mass letter next to it that does not."""

from __future__ import annotations

import base64

import pytest

from milter.config import Config, Policy
from milter.content.message import read
from milter.engine.schema import Language
from milter.inspector import configured_rules
from milter.model import Envelope, Verdict
from milter.pipeline import inspect
from milter.signals import personal_signs
from milter.signals.minors import PHRASES

RULES = configured_rules(Config())
LETTER = (
    "I have your nude pictures and I recorded you on video. Pay me 300 dollars in bitcoin within 24 hours, "
    "or I will send the video and the pictures to all your friends and your family. Do not go to the police."
)
READER = Envelope(mail_from="max@example.net", rcpt_to=("anna@example.org",))
THREAD = "In-Reply-To: <1@example.org>\r\nReferences: <1@example.org>\r\n"
CITED = "On Mon, 23 Nov 2026 at 10:00, Anna <anna@example.org> wrote:\r\n> Please leave me alone.\r\n"


def mail(body: str = LETTER, head: str = "", sender: str = "max@example.net", subject: str = "Re: us") -> bytes:
    return (
        f"From: Max <{sender}>\r\nTo: Anna Muster <anna@example.org>\r\nSubject: {subject}\r\n{head}\r\n{body}\r\n"
    ).encode()


def with_part(content_type: str, size: int, body: str = LETTER) -> bytes:
    data = base64.encodebytes(b"\xff\xd8" * (size // 2)).decode()
    text = (
        f"--b\r\nContent-Type: text/plain\r\n\r\n{body}\r\n--b\r\nContent-Type: {content_type}; name=us.jpg\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{data}\r\n--b--"
    )
    return mail(text, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n", subject="us")


def signs(raw: bytes, envelope: Envelope = READER) -> set[str]:
    message = read(raw)
    own = [text.content for text in message.texts if not text.quoted]
    return {signal.name for signal in personal_signs(message, envelope, own)}


def judged(raw: bytes, envelope: Envelope = READER) -> Verdict:
    return inspect(read(raw), envelope, rules=RULES, policy=Policy())


def test_a_mass_letter_has_no_sign() -> None:
    assert signs(mail(head=THREAD)) == set()
    verdict = judged(mail(subject="hello"))
    assert verdict.flagged
    assert not verdict.personal


@pytest.mark.parametrize(
    "cited",
    [
        CITED,
        "On 23.11.26 10:00, Anna Muster wrote:\r\n> Please leave me alone.\r\n",
        "-----Original Message-----\r\nFrom: Anna Muster\r\nSent: Monday\r\nSubject: us\r\n\r\nPlease leave me alone.",
        "Am 23.11.26 um 10:00 schrieb anna <mailto:anna@example.org>:\r\n> Lass mich in Ruhe.\r\n",
    ],
)
def test_a_reply_that_cites_the_reader_is_personal(cited: str) -> None:
    raw = mail(f"{LETTER}\r\n\r\n{cited}", THREAD)
    assert signs(raw) == {"context.known_thread"}
    assert judged(raw).personal


@pytest.mark.parametrize(
    "raw",
    [
        mail(f"{LETTER}\r\n\r\n{CITED}"),
        mail(f"{LETTER}\r\n\r\n{CITED}".replace("anna@", "other@").replace("Anna", "Otto"), THREAD),
        mail(f"Your address is <anna@example.org>: {LETTER}", THREAD),
    ],
    ids=["no reference", "cites another", "nothing cited"],
)
def test_what_only_looks_like_a_thread(raw: bytes) -> None:
    assert signs(raw) == set()


def test_a_forged_sender_is_no_known_correspondent() -> None:
    raw = mail(f"{LETTER}\r\n\r\n{CITED}", THREAD, sender="anna@example.org")
    assert signs(raw) == {"context.known_thread"}
    assert judged(raw).flagged
    assert not judged(raw).personal


def test_photographs_beside_the_threat_are_personal() -> None:
    assert signs(with_part("image/jpeg", 60_000)) == {"context.photos"}
    assert judged(with_part("image/jpeg", 60_000)).personal
    assert judged(with_part("video/mp4", 60_000)).personal


@pytest.mark.parametrize(
    "raw",
    [
        with_part("image/jpeg", 4_000),
        with_part("application/pdf", 60_000),
        with_part("image/jpeg", 60_000, "See the picture."),
    ],
    ids=["a logo", "no picture", "the picture is the letter"],
)
def test_what_only_looks_like_a_photograph(raw: bytes) -> None:
    assert signs(raw) == set()


MINORS = {
    "en": "I know that you are only 15 and which friends you have.",
    "de": "Ich schicke es allen aus deiner Klasse und deinen Lehrern.",
    "fr": "Je l'envoie à tout ton lycée et à tes profs.",
    "es": "Se lo mando a todo tu instituto, sé que tienes 14 años.",
    "it": "Lo mando a tutta la tua scuola, so che hai 15 anni.",
    "nl": "Ik stuur het naar al je klasgenoten en je leraren.",
    "pt": "Mando para toda a tua escola, sei que tens 15 anos.",
    "pl": "Wyślę to całej twojej klasie, wiem, że masz 15 lat.",
    "cs": "Pošlu to všem tvým spolužákům a do tvé školy.",
    "sv": "Jag skickar det till hela din klass, du är bara 14 år.",
    "da": "Jeg sender det til hele din klasse, du er kun 14 år.",
    "ru": "Отправлю всем твоим одноклассникам, тебе всего 15 лет.",
    "tr": "Hepsini sınıf arkadaşlarına yollarım, 15 yaşındasın.",
    "ja": "あなたの学校の同級生全員に送ります。",
    "ko": "네 학교 친구들에게 다 보낼 거야, 15살이잖아.",
    "zh": "我会发给你学校的所有同学，你才15岁。",
}
ADULTS = {
    "en": "I will tell your parents, and I have waited 15 days. I know which school your children attend.",
    "de": "Ich schicke es deinen Eltern und Kollegen. Ich kenne die Schule, in die Ihre Kinder gehen.",
    "fr": "Je connais l'école de vos enfants. Vos parents le verront dans 12 jours.",
    "es": "Sé a qué colegio van sus hijos. Sus padres lo verán en 12 horas.",
    "it": "So in quale scuola vanno i suoi figli. Ha 12 ore.",
    "nl": "Ik weet waar uw kinderen naar school gaan. U hebt 12 uur.",
    "pt": "Sei em que escola estudam os seus filhos. Tem 12 horas.",
    "pl": "Wiem, do jakiej szkoły chodzą pana dzieci. Ma pan 12 godzin.",
    "cs": "Vím, do které školy chodí vaše děti. Máte 12 hodin.",
    "sv": "Jag vet i vilken skola dina barn går. Du har 12 timmar.",
    "da": "Jeg ved, hvilken skole dine børn går på. Du har 12 timer.",
    "ru": "Я знаю, в какую школу ходят ваши дети. У вас 12 часов.",
    "tr": "Kızının hangi okula gittiğini biliyorum. 12 saatin var.",
    "ja": "子供の通う学校を知っています。期限は12時間です。",
    "ko": "아이가 어느 학교에 다니는지 압니다. 12시간 남았습니다.",
    "zh": "我知道你孩子在哪个学校上学。你有12小时。",
}


@pytest.mark.parametrize("language", PHRASES)
def test_a_reader_under_age(language: str) -> None:
    assert signs(mail(MINORS[language])) == {"context.minor"}
    assert signs(mail(ADULTS[language])) == set()


def test_every_language_of_the_rules_knows_minors() -> None:
    assert set(PHRASES) == set(Language.__args__)  # type: ignore[attr-defined]


def test_false_policemen_speak_of_minors_to_everyone() -> None:
    letter = (
        "Europol: you are charged with child pornography. A warrant for your arrest has been issued and you will be "
        "prosecuted. Videos with a 15 years old person were recorded. Pay a fine of 5000 euros to close the case."
    )
    verdict = judged(mail(letter, subject="Summons"))
    assert verdict.kind == "fake-authority"
    assert "context.minor" in signs(mail(letter))
    assert not verdict.personal


def test_it_has_no_part_in_the_score() -> None:
    plain, personal = judged(mail(subject="us")), judged(mail(LETTER + " I know that you are only 15.", subject="us"))
    assert personal.personal
    assert personal.score == plain.score
