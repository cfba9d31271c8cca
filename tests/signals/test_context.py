"""Circumstances of a mail: each with the mail next to it that has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.model import SIGNALS, Text
from milter.signals import find_context
from milter.signals.context import CITATION, LONG

SENTENCE = "I have recorded you and I will send the video to your friends. "
CITED = SENTENCE * (CITATION // len(SENTENCE) + 1)


class Fields:
    """Decoded header fields by name, in any case."""

    def __init__(self, head):
        self.fields = [line.split(": ", 1) for line in head.split("\n") if ": " in line]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name):
        return (self.all(name) or [""])[0]


def names(head="", *texts):
    return {signal.name for signal in find_context(Fields(head), texts)}


def text(content, quoted=False):
    return Text("text", content, quoted)


def test_an_ordinary_mail_has_none():
    assert names("Subject: Lunch\nFrom: a@example.org\nContent-Type: text/plain\n", text("See you at noon.")) == set()


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("List-Id: Dev <dev.lists.example.org>\n", {"context.list"}),
        ("LIST-POST: <mailto:dev@lists.example.org>\n", {"context.list"}),
        ("Precedence: list\n", {"context.list"}),
        ("Precedence: bulk\n", {"context.bulk"}),
        ("List-Unsubscribe: <https://news.example/u>\n", {"context.bulk"}),
        ("Feedback-ID: 1:2:3:esp\n", {"context.bulk"}),
        ("Precedence: first-class\n", set()),
        ("Auto-Submitted: auto-replied\n", {"context.auto"}),
        ("Auto-Submitted: auto-generated; owner-email=a@example.org\n", {"context.auto"}),
        ("Auto-Submitted: no\n", set()),
        ("X-Cron-Env: <SHELL=/bin/sh>\n", {"context.auto"}),
        ("Content-Type: multipart/report; report-type=feedback-report\n", {"context.report_attached"}),
        ("Content-Type: Message/RFC822\n", {"context.report_attached"}),
        ("Content-Type: multipart/mixed; boundary=report\n", set()),
        ("Subject: Re: Lunch\nIn-Reply-To: <1@example.org>\n", {"context.reply"}),
        ("Subject: AW: Lunch\nReferences: <1@example.org>\n", {"context.reply"}),
        ("Subject: Re: Lunch\n", {"context.fake_reply"}),
        ("Subject: Re[2]: Lunch\n", {"context.fake_reply"}),
        ("Subject: 回复：午饭\n", {"context.fake_reply"}),
        ("Subject: Reminder: lunch\n", set()),
        ("Subject: Lunch\nIn-Reply-To: <1@example.org>\n", set()),
    ],
)
def test_headers(head, expected):
    assert names(head) == expected


def test_the_subject_of_a_mail_inside_the_mail_tells_of_a_report():
    assert names("", Text("subject", "Report"), Text("subject", "Pay", quoted=True)) == {"context.report_attached"}
    assert names("", Text("subject", "Report"), text("Pay", quoted=True)) == set()


def test_only_the_authors_own_words_make_a_mail_long():
    assert names("", text("a" * (LONG + 1))) == {"context.long"}
    assert names("", text("a" * LONG)) == set()
    assert names("", text("short"), text("a" * (LONG + 1), quoted=True)) == set()


@pytest.mark.parametrize("marks", ["„{}“", "“{}”", "«{}»", "»{}«", "「{}」", "『{}』", '"{}"', "„{}”"])
def test_a_long_citation_in_quotation_marks(marks):
    assert names("", text(f"They write: {marks.format(CITED.strip())} Do not pay.")) == {"context.quotation_marks"}


@pytest.mark.parametrize(
    "content",
    [
        f"They write: “{SENTENCE}” Do not pay.",
        CITED,
        f"“{CITED}",
        f'He said "hello" and went. {CITED} She said "bye".',
        f"“One” {CITED} “two”",
        f'"One".{CITED.strip()}" two',
    ],
)
def test_short_or_open_citations_are_none(content):
    assert names("", text(content)) == set()


def test_what_is_quoted_anyway_is_not_searched_for_marks():
    assert names("", text(f"“{CITED}”", quoted=True)) == set()


def test_all_signals_are_names_that_rules_can_use():
    head = (
        "List-Id: x\nPrecedence: bulk\nAuto-Submitted: auto-replied\nContent-Type: multipart/report\n"
        "Subject: Re: x\nReferences: <1@example.org>\n"
    )
    found = names(head, text(f"“{CITED}” {'a' * LONG}")) | names("Subject: Re: x\n")
    assert found <= SIGNALS
    assert len(found) == 8


@given(st.text(), st.text())
def test_any_headers_and_text_are_read_without_an_error(subject, content):
    names(f"Subject: {subject}\nContent-Type: {content}\nPrecedence: {subject}\n", text(content))
