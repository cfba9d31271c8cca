"""The tag before a subject: in the reader's language, encoded, and only once in a thread."""

from __future__ import annotations

from email import message_from_bytes
from email.header import Header, decode_header, make_header

import pytest

from milter.actions.subject import tagged
from milter.content.headers import decode_value
from milter.i18n import LANGUAGES
from milter.reason import subject_tag

SUBJECTS = ["", "About you", "Größe", "你好", "a" * 500, "=?us-ascii?q?plain?=", "  two  blanks "]


def line(subject: str) -> bytes:
    return (
        b"Subject: " + Header(subject, maxlinelen=70, header_name="Subject").encode(linesep="\r\n").encode() + b"\r\n"
    )


def shown(field: bytes) -> str:
    """A subject as Python's own library reads it, after unfolding (RFC 5322 §2.2.3)."""
    value = message_from_bytes(field + b"\r\n").get("Subject", "")
    return str(make_header(decode_header(value.replace("\r\n", ""))))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_tag_stands_in_front(language: str, subject: str) -> None:
    before = line(subject)
    after = tagged(before, language)
    expected = f"{subject_tag(language)} {shown(before).strip()}".strip()
    assert shown(after).split() == expected.split()
    assert decode_value(after.partition(b":")[2]) == expected
    assert after.isascii()
    assert after.endswith(b"\r\n")
    assert all(len(part) <= max(78, *map(len, before.split(b"\r\n"))) for part in after.split(b"\r\n"))
    assert before.partition(b":")[2].strip() in after


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "Re: {}",
        "AW: {}",
        "Antw: Re: {}",
        "SV[2]: {}",
        "RE [3] : {}",
        "回复：{}",
        "[list] {}",
        "Fwd: [a b] Re: {}",
    ],
)
def test_any_tag_counts_behind_what_programs_put_in_front(language: str, form: str) -> None:
    field = line(form.format(subject_tag(language)) + " money")
    assert tagged(field, "en") is field
    assert tagged(field, "ja") is field


@pytest.mark.parametrize(
    "subject", ["Extortion?", "[Extortion]", "what is [Extortion?] here", "a very long word [Extortion?]"]
)
def test_words_like_it_do_not_count(subject: str) -> None:
    assert shown(tagged(line(subject), "en")) == f"[Extortion?] {subject}"


def test_blanks_and_case_do_not_matter() -> None:
    field = b"Subject: RE: =?utf-8?q?=5BCHANTAGE=C2=A0=3F=5D?= x\r\n"
    assert tagged(field, "de") is field


def test_the_original_value_stays_as_it_is() -> None:
    raw = b"SUBJECT:  =?koi8-r?b?8NLJ18XU?=\r\n\t=?koi8-r?b?8NLJ18XU?= \xff\xfe tail\r\n"
    assert tagged(raw, "de") == b"SUBJECT: [Erpressung?] " + raw.partition(b":")[2].lstrip()


@pytest.mark.parametrize("field", [b"Subject:\r\n", b"Subject: \r\n", b"Subject:\r\n \r\n"])
def test_an_empty_subject_becomes_the_tag(field: bytes) -> None:
    assert tagged(field, "de") == b"Subject: [Erpressung?]\r\n"


def test_unix_line_ends_stay() -> None:
    assert tagged(b"Subject: " + b"x" * 70 + b"\n", "de") == b"Subject: [Erpressung?]\n " + b"x" * 70 + b"\n"


def test_a_hostile_subject_takes_no_time() -> None:
    assert tagged(b"Subject: " + b"[a]: " * 5000 + b"\r\n", "en").startswith(b"Subject: [Extortion?]")
    assert tagged(b"Subject: " + b"a:" * 5000 + b"[\r\n", "en").startswith(b"Subject: [Extortion?]")
