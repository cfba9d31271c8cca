"""Who cites blackmail to warn of it or to report it passes; who dresses blackmail up as a warning does not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from citations import ADVICE, LIST_FOOTER, MARKS, NEWSLETTER, PROSE, REPORT, VICTIM
from letters import LANGUAGES, SAMPLES, Letter, cited, judged, mail, plain, plain_letters

from milter.frontends.scan import bare_body
from milter.model import Verdict

Shape = Callable[[Letter], bytes]
FORWARDED = "---------- Forwarded message ---------\nFrom: Someone <someone@example.net>\nSubject: Hello\n\n"
UTF8 = "text/plain; charset=utf-8"


def text(letter: Letter, body: str, headers: str = "") -> bytes:
    return mail(letter, body.encode(), headers=f"Subject: Notice\n{headers}")


def attached(letter: Letter, introduction: str) -> bytes:
    body = f"--cut\nContent-Type: {UTF8}\n\n{introduction}\n--cut\nContent-Type: message/rfc822\n\n".encode()
    content = body + plain(letter) + b"\n--cut--\n"
    return mail(letter, content, 'multipart/mixed; boundary="cut"', "Subject: Notice\n")


def in_marks(letter: Letter) -> str:
    opening, closing = MARKS.get(letter.language, '""')
    inner = re.sub(r"[\"„“”«»「」]", "'", letter.body.strip())
    return f"{opening}{inner}{closing}"


def around(letter: Letter, passage: str) -> str:
    above, below = ADVICE[letter.language]
    return f"{above}\n\n{passage}\n\n{below}\n"


CITING: dict[str, Shape] = {
    "advisory that cites line by line": lambda x: text(x, around(x, cited(x.body))),
    "advisory to a list": lambda x: text(x, around(x, cited(x.body)), "List-Id: <news.example.org>\n"),
    "victim who cites": lambda x: text(x, f"{VICTIM[x.language]}\n\n{cited(x.body)}"),
    "victim who forwards": lambda x: text(x, f"{VICTIM[x.language]}\n\n{FORWARDED}{x.body}"),
    "victim who attaches": lambda x: attached(x, VICTIM[x.language]),
    "help desk that answers": lambda x: text(
        x, f"{ADVICE[x.language][1]}\n\n{cited(VICTIM[x.language])}{cited(cited(x.body))}"
    ),
    "report that attaches": lambda x: attached(x, REPORT[x.language]),
    "report that cites": lambda x: text(x, f"{REPORT[x.language]}\n\n{cited(x.body)}"),
}
# Where an advisory and a dressed-up letter look alike, a letter with threat, demand and address counts as a letter.
PRETENDING: dict[str, Shape] = {
    "advice below": lambda x: mail(x, f"{x.body}\n\n{' '.join(ADVICE[x.language])}\n".encode()),
    "advice above": lambda x: mail(x, f"{' '.join(ADVICE[x.language])}\n\n{x.body}\n".encode()),
    "advice around": lambda x: mail(x, around(x, x.body).encode()),
    "advice around quotation marks": lambda x: mail(x, around(x, in_marks(x)).encode()),
}
DRESSED: dict[str, Shape] = {
    "newsletter footer": lambda x: mail(x, f"{x.body}{NEWSLETTER}".encode()),
    "list footer": lambda x: mail(x, f"{x.body}{LIST_FOOTER}".encode()),
    "list headers": lambda x: mail(
        x, x.body.encode(), headers="List-Id: <a.example>\nList-Unsubscribe: <https://a.example/>\nPrecedence: bulk\n"
    ),
    "prose above": lambda x: mail(x, f"{PROSE * 60}{x.body}".encode()),
    "prose below": lambda x: mail(x, f"{x.body}\n\n{PROSE * 60}".encode()),
    "quotation marks": lambda x: mail(x, in_marks(x).encode()),
    "citation marks": lambda x: mail(x, cited(x.body).encode()),
    "mail in an empty mail": lambda x: attached(x, ""),
}


def results(shape: Shape, *, addressed: bool = False) -> dict[str, Verdict]:
    """The verdicts on all letters in this shape. addressed: only on letters with a payment address."""
    return {
        f"{language}/{name}": judged(shape(letter))
        for language in LANGUAGES
        for name, letter, _ in plain_letters(language)
        if letter.address or not addressed
    }


@pytest.mark.parametrize("shape", CITING.values(), ids=CITING)
def test_who_cites_is_not_flagged(shape: Shape) -> None:
    assert {name: verdict.score for name, verdict in results(shape).items() if verdict.flagged} == {}


def test_who_cites_in_quotation_marks_is_not_quarantined() -> None:
    verdicts = results(lambda letter: text(letter, around(letter, in_marks(letter))))
    assert {name: verdict.score for name, verdict in verdicts.items() if verdict.action == "quarantine"} == {}


@pytest.mark.parametrize("shape", DRESSED.values(), ids=DRESSED)
def test_dressed_up_blackmail_is_flagged(shape: Shape) -> None:
    assert {name: verdict.score for name, verdict in results(shape).items() if not verdict.flagged} == {}


@pytest.mark.parametrize("shape", PRETENDING.values(), ids=PRETENDING)
def test_blackmail_that_pretends_to_advise_is_flagged(shape: Shape) -> None:
    verdicts = results(shape, addressed=True)
    assert {name: verdict.score for name, verdict in verdicts.items() if not verdict.flagged} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_innocent_mail_wears_no_disguise(language: str) -> None:
    found = {}
    for path in sorted((SAMPLES / language / "innocent").iterdir()):
        raw = path.read_bytes()
        verdict = judged(bare_body(raw) if path.suffix == ".txt" else raw)
        if evasions := [reason.excerpt for reason in verdict.reasons if reason.group == "evasion"]:
            found[path.name] = evasions
    assert found == {}
