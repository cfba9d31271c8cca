"""The letters: what stands in them, and what never does."""

from __future__ import annotations

import dataclasses
import re
from email import message_from_bytes
from email.policy import default

import pytest
from stored_mails import NOW, VERDICT, B, C

from milter.digest.compose import Overview
from milter.digest.own import NAME, is_marked, own_mail
from milter.digest.tokens import signing_keys
from milter.i18n import LANGUAGES
from milter.store.records import Campaign

WAVE = Campaign(7, "suspected", NOW, NOW, 12, 9, "sextortion", "", None, {}, "")
EVIL = b"From: <script>@evil.example.com\r\nSubject: <img src=http://evil.example.com/x> & pay\r\n\r\nx\r\n"


def parsed(raw: bytes):
    return message_from_bytes(raw, policy=default)


async def test_a_digest_says_what_each_mail_is_and_how_to_get_it(scene, parts):
    at = await scene(policy={"language": "en"})
    ids = [at.keep(B), at.keep(B, sender="")]
    mail = parsed(at.office.composer.digest(B, [at.office.store.quarantine.get(one) for one in ids], more=3))
    assert mail["To"] == B
    assert mail["From"] == "Mail filter <commands@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "5 mails to you were kept back"
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail.get_content_type() == "multipart/alternative"
    for text in (parts(mail).text, parts(mail).html):
        assert all(one in text for one in ids)
        assert "demands 900 USD" in text
        assert "Jörg Sonderling" in text
        assert "crook[at]example[.]com" in text
        assert "Further mails that are not listed here: 3" in text
        assert len(re.findall("mailto:commands@example.org\\?subject=release%20", text)) == 2
        assert len(re.findall("mailto:commands@example.org\\?subject=false-alarm%20", text)) == 2
        assert "after 90 days" in text
        assert "{" not in text.partition("<main>")[2]


async def test_who_may_not_release_asks(scene, parts):
    at = await scene(policies={B: {"self_release": "ask"}})
    mail = at.office.store.quarantine.get(at.keep(B, C))
    mine, theirs = (parts(parsed(at.office.composer.notice(who, mail))).text for who in (B, C))
    assert "subject=request%20" in mine
    assert "subject=release%20" not in mine
    assert "subject=release%20" in theirs


async def test_with_a_public_url_there_are_links(scene, parts):
    at = await scene(digest={"public_url": "https://mail.example.org/q/"})
    text = parts(parsed(at.office.composer.notice(B, at.office.store.quarantine.get(at.keep())))).text
    assert re.search(r"https://mail\.example\.org/q/m/[\w.-]+\s", text)
    assert "mailto:commands" not in text


async def test_without_a_way_back_the_administrator_is_named(scene, parts):
    at = await scene(digest={"command_address": None, "from_address": "filter@example.org"}, policy={"language": "en"})
    text = parts(parsed(at.office.composer.notice(B, at.office.store.quarantine.get(at.keep())))).text
    assert "tell your administrator" in text
    assert "You can do so until" not in text


async def test_nothing_of_a_stranger_is_live(scene, parts):
    at = await scene(digest={"public_url": "https://mail.example.org"})
    mail = parsed(at.office.composer.notice(B, at.office.store.quarantine.get(at.keep(raw=EVIL))))
    html = parts(mail).html
    assert "<img" not in html
    assert "<script" not in html
    assert "evil.example.com" not in html + parts(mail).text
    # Nothing is loaded from anywhere, and all links are ours or those of the reporting points.
    assert not re.search(r"<[^>]*\ssrc=|url\(|@import|<link|<iframe", html)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_language_has_its_letters(scene, parts, language):
    at = await scene(policy={"language": language})
    mail = at.office.store.quarantine.get(at.keep())
    composer = at.office.composer
    overview = Overview(1, {"sextortion": 1}, [(mail, B)], [(mail, B)], [mail.id], [WAVE])
    letters = [
        composer.digest(B, [mail]), composer.notice(B, mail), composer.overview(B, overview),
        composer.answer(B, "The mail is on its way to you.", language),
    ]  # fmt: skip
    assert re.search(r"7 \(.+\): 12", parts(parsed(letters[2])).text)
    for raw in letters:
        letter = parsed(raw)
        assert raw.isascii()
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert letter["Content-Language"] == language
        assert f'<html lang="{language}">' in parts(letter).html


async def test_a_mail_that_threatens_life_is_not_called_a_bluff(scene, parts):
    at = await scene(policy={"language": "en"})
    mail = at.office.store.quarantine.get(at.keep())
    bomb = dataclasses.replace(mail, verdict=dataclasses.replace(VERDICT, kind="bomb"))
    text = parts(parsed(at.office.composer.digest(B, [bomb]))).text
    assert "Call the police now" in text
    assert "bluff" not in text


async def test_own_mail_is_known_and_a_forged_field_counts_nothing(scene):
    at = await scene()
    keys = signing_keys(at.config.store)
    raw = at.office.composer.answer(B, "x", "en")
    assert own_mail(at.config.store)(raw)
    assert is_marked(raw.replace(b"\r\n", b"\n") + b"\n", keys)
    assert is_marked(b"Received: x\r\n" + raw, keys)
    for forged in (
        raw.replace(b"To: b@", b"To: c@"),
        raw + b"<p>Pay 900 USD</p>",
        raw.replace(b"Subject: ", b"Subject: Pay! "),
        b"Subject: Pay!\r\n" + raw,
        raw.replace(b"Content-Type: multipart", b"Content-Type: text"),
        raw.replace(f"{NAME}: ".encode(), f"{NAME}: 0".encode()),
        f"{NAME}: x\r\n".encode() + raw,
        raw.split(b"\r\n", 1)[1],
    ):
        assert not own_mail(at.config.store)(forged)
