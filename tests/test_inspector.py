"""What the settings change about the judgement of a mail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from milter.config import Config
from milter.inspector import INLINE_BYTES, SmtpInspector, configured_rules, file_judge
from milter.model import Envelope, Verdict
from milter.pipeline import judged as pipeline_judged
from milter.policies import PolicyBook

LETTER = (
    "I hacked your computer and recorded you through your webcam. Pay me 900 dollars in Bitcoin within 48 hours, or I"
    " will send the video to all your friends. "
)
FILLER = "The minutes of the meeting are on the shared drive, as every month. "
ENVELOPE = Envelope("paul@example.net", ("anna@example.org",))


def mail(*texts: str) -> bytes:
    return b"From: paul@example.net\r\nTo: anna@example.org\r\nSubject: hello\r\n\r\n" + "".join(texts).encode()


def by_file(raw: bytes, config: Config) -> Verdict:
    return file_judge(config, configured_rules(config), offline=True)(raw, ENVELOPE, False)


def by_server(raw: bytes, config: Config) -> Verdict:
    return asyncio.run(_served(raw, config))


async def _served(raw: bytes, config: Config) -> Verdict:
    return await SmtpInspector(config, configured_rules(config), PolicyBook(config))(raw, ENVELOPE)


@pytest.mark.parametrize("judged", [by_file, by_server])
@pytest.mark.parametrize(
    ("texts", "action"),
    [
        ((LETTER, FILLER * 300), "tag"),
        ((FILLER * 300, LETTER), "tag"),
        ((FILLER * 300, LETTER, FILLER * 300), "accept"),
    ],
    ids=["at the beginning", "at the end", "in the middle"],
)
def test_of_a_long_text_beginning_and_end_are_read(
    texts: tuple[str, ...], action: str, judged: Callable[[bytes, Config], Verdict]
) -> None:
    config = Config(verify_senders=False, max_text=4096)
    verdict = judged(mail(*texts), config)
    assert verdict.action == action
    assert verdict.notes == ("Text beyond the size limit was not scanned.",)


def test_a_text_within_the_limit_is_read_whole() -> None:
    config = Config(verify_senders=False)
    verdict = by_file(mail(FILLER * 300, LETTER, FILLER * 300), config)
    assert (verdict.action, verdict.notes) == ("tag", ())


def test_a_large_mail_is_judged_like_a_small_one() -> None:
    config = Config(verify_senders=False)
    raw = mail(LETTER, "\r\n" * INLINE_BYTES)
    assert by_server(raw, config).score == by_file(mail(LETTER), config).score


@pytest.mark.parametrize(("texts", "in_thread"), [((LETTER,), False), ((LETTER, FILLER * 300), True)])
def test_a_threat_in_much_text_does_not_hold_up_other_mail(
    texts: tuple[str, ...], in_thread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def noted(*given: Any, **named: Any) -> Verdict:
        threads.append(threading.current_thread())
        return pipeline_judged(*given, **named)

    monkeypatch.setattr("milter.inspector.judged", noted)
    assert by_server(mail(*texts), Config(verify_senders=False)).action == "tag"
    assert [thread is not threading.main_thread() for thread in threads] == [in_thread]
