"""The language of a text is told by its script and its commonest words."""

import pytest

from milter.content.language import COMMON, guess
from milter.content.normalise import fold, plain

TEXTS = {
    "en": "I have recorded a video of you and will send it to your friends",
    "de": "Ich habe ein Video von Ihnen aufgenommen und werde es an alle Kontakte senden",
    "fr": "J'ai enregistré une vidéo de vous et je vais l'envoyer à tous vos contacts",
    "es": "He grabado un vídeo de usted y lo enviaré a todos sus contactos",
    "it": "Ho registrato un tuo video e lo invierò a tutti i tuoi contatti",
    "nl": "Ik heb een video van je opgenomen en stuur die naar al je contacten",
    "pt": "Gravei um vídeo seu e vou enviá-lo para todos os seus contatos",
    "pl": "Nagrałem film z Tobą i wyślę go do wszystkich Twoich znajomych, jeśli nie zapłacisz",
    "cs": "Nahrál jsem vaše video a pošlu ho všem vašim kontaktům, pokud nezaplatíte",
    "sv": "Jag har spelat in en video av dig och skickar den till alla dina kontakter",
    "da": "Jeg har optaget en video af dig og sender den til alle dine kontakter, hvis du ikke betaler",
    "ru": "Я записал видео с вами и отправлю его всем вашим контактам через Telegram",
    "tr": "Sizin bir videonuzu kaydettim ve tüm kişilerinize göndereceğim",
    "ja": "私はあなたの動画を録画しました。連絡先すべてに送ります。Bitcoinで",
    "ko": "당신의 동영상을 녹화했고 모든 연락처에 보내겠습니다. Bitcoin",
    "zh": "我录制了你的视频，将发送给你所有的联系人。Bitcoin",
}


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_each_language_is_told(language: str, text: str) -> None:
    assert guess(fold(plain(text).text)) == language
    assert guess(fold(plain(text * 40).text)) == language


@pytest.mark.parametrize("text", ["", "ok", "Bitcoin 48", "Lorem ipsum dolor", "שלום לכולם כאן", "xq zw vb " * 30])
def test_too_little_or_unknown_text_is_no_language(text: str) -> None:
    assert guess(fold(text)) is None


def test_a_foreign_name_does_not_decide() -> None:
    assert guess(fold("I have seen that you are in 東京 and will write to you about it")) == "en"
    assert guess(fold("I know that Иван is with you, and he will be at the office")) == "en"


def test_words_are_in_folded_form() -> None:
    for words in map(str.split, COMMON.values()):
        assert all(fold(word) == f" {word} " for word in words)
