"""What an author says is told from what the author cites, in the ways that mail programs mark it."""

import pytest

from milter.content.quotes import separate

CITED = "You must pay now.\nOr else."
MARKED = "> You must pay now.\n> Or else."

HEADS = [
    "-----Original Message-----\nFrom: Bob\nSent: Monday\nSubject: x\n",
    "-----Ursprüngliche Nachricht-----\nVon: Bob\nGesendet: Montag\n",
    "-----Message d'origine-----\n",
    "-----Mensaje original-----\n",
    "-----Messaggio originale-----\n",
    "-----Oorspronkelijk bericht-----\n",
    "-----Mensagem original-----\n",
    "-----Wiadomość oryginalna-----\n",
    "-----Původní zpráva-----\n",
    "-----Ursprungligt meddelande-----\n",
    "-----Oprindelig meddelelse-----\n",
    "-----Исходное сообщение-----\n",
    "-----Orijinal Mesaj-----\n",
    "-----元のメッセージ-----\n",
    "-----원본 메시지-----\n",
    "-----原始邮件-----\n",
    "________________________________\nVon: Bob <bob@example.org>\nGesendet: Montag, 1.1.24\nAn: Eva\nBetreff: x\n",
    "De : Bob\nEnvoyé : lundi 1 janvier 2024\nÀ : Eva\nObjet : x\n",
    "From: Bob\nDate: Mon, 1 Jan 2024\nTo: Eva\n",
    "差出人: Bob\n送信日時: 2024年1月1日\n宛先: Eva\n",
    "보낸 사람: Bob\n보낸 날짜: 2024년 1월 1일\n",
    "发件人：Bob\n发送时间：2024年1月1日\n",
    "On Mon, 1 Jan 2024 at 10:00, Bob <bob@example.org> wrote:\n",
    "On Mon, 1 Jan 2024 at 10:00, Bob\n<bob@example.org> wrote:\n",
    "Am Mo., 1. Jan. 2024 um 10:00 Uhr schrieb Bob <bob@example.org>:\n",
    "Le lun. 1 janv. 2024 à 10:00, Bob <bob@example.org> a écrit :\n",
    "El lun, 1 ene 2024 a las 10:00, Bob (<bob@example.org>) escribió:\n",
    "Il giorno lun 1 gen 2024 alle ore 10:00 Bob <bob@example.org> ha scritto:\n",
    "Op ma 1 jan 2024 om 10:00 schreef Bob <bob@example.org>:\n",
    "Em seg., 1 de jan. de 2024 às 10:00, Bob <bob@example.org> escreveu:\n",
    "pon., 1 sty 2024 o 10:00 Bob <bob@example.org> napisał(a):\n",
    "po 1. 1. 2024 v 10:00 odesílatel Bob <bob@example.org> napsal:\n",
    "Den mån 1 jan. 2024 kl 10:00 skrev Bob <bob@example.org>:\n",
    "пн, 1 янв. 2024 г. в 10:00, Bob <bob@example.org> написал(а):\n",
    "1 Oca 2024 Pzt, 10:00 tarihinde Bob <bob@example.org> şunu yazdı:\n",
]


@pytest.mark.parametrize("head", HEADS)
def test_everything_below_a_cited_mails_head_is_cited(head: str) -> None:
    found = separate(f"Look at this, please.\n\n{head}\n{CITED}")
    assert found.own.startswith("Look at this, please.")
    assert found.own.removeprefix("Look at this, please.").strip() in ("", "_" * 32, head.strip())
    assert found.quoted.endswith(CITED)
    assert not found.forwarded


FORWARDS = [
    "Begin forwarded message:\n\nFrom: Bob\nSubject: x\nDate: y\n",
    "---------- Forwarded message ---------\nFrom: Bob\nDate: Mon\n",
    "-------- Weitergeleitete Nachricht --------\nBetreff: x\nVon: Bob\n",
    "Anfang der weitergeleiteten Nachricht:\n\nVon: Bob\n",
    "---------- Message transféré ---------\n",
    "---------- Пересылаемое сообщение ---------\n",
    "---------- 转发的邮件 ---------\n",
]


@pytest.mark.parametrize("head", FORWARDS)
def test_forwarded_mail_is_cited(head: str) -> None:
    found = separate(f"What is this?\n\n{head}\n{CITED}")
    assert found.own.strip() == "What is this?"
    assert found.quoted.endswith(CITED)
    assert found.forwarded


def test_marked_lines_are_cited_and_lose_their_marks() -> None:
    found = separate(f"Bob wrote 1.1.2024:\n{MARKED}\nI disagree.\n> > deep\n| bar\nGS> initials\nBye")
    assert found.own == "Bob wrote 1.1.2024:\nI disagree.\nBye"
    assert found.quoted == f"{CITED}\ndeep\nbar\ninitials"


@pytest.mark.parametrize("mark", ["> ", ">", "| ", "|>", " > > ", "GS> "])
def test_one_kind_of_marks_is_enough(mark: str) -> None:
    found = separate(f"My answer\n{mark}cited\nmore")
    assert (found.own, found.quoted) == ("My answer\nmore", "cited")


@pytest.mark.parametrize("head", HEADS)
def test_where_lines_are_marked_only_those_are_cited(head: str) -> None:
    found = separate(f"{head}{MARKED}\n\nThis is my own answer.")
    assert "This is my own answer." in found.own
    assert found.quoted.endswith(CITED)


UNQUOTED = [
    "Pay now:\nhere is what I wrote",
    "He wrote:\nsomething without a date",
    ">From the beginning, an mbox escape",
    "a > b and c | d\nx -> y",
    "From: nobody knows",
    "-----BEGIN PGP SIGNED MESSAGE-----\ntext",
    "",
    "-- \nBob",
]


@pytest.mark.parametrize("text", UNQUOTED)
def test_ordinary_text_is_the_authors_own(text: str) -> None:
    assert separate(text).own == text
    assert separate(text).quoted == ""


def test_a_mail_that_begins_with_the_citation_has_no_own_text() -> None:
    found = separate(f"-----Original Message-----\n{CITED}")
    assert found.own == ""
    assert found.quoted.endswith(CITED)


def test_nothing_is_lost() -> None:
    text = f"one\n{MARKED}\ntwo\n-----Original Message-----\nthree\n> four"
    found = separate(text)
    words = f"{found.own} {found.quoted}".split()
    assert sorted(words) == sorted(word for word in text.split() if word != ">")
