"""Flagged mail is remembered after it is through; whatever fails costs only the memory of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stored_mails import ENVELOPE, NOW, VERDICT, mail

from milter.actions import remember
from milter.actions.remember import Memory, Sight
from milter.config import Store
from milter.errors import StoreError
from milter.model import RuleMatch, Verdict
from milter.store.campaigns import Campaigns
from milter.store.opened import open_store
from milter.store.records import Campaign

LETTER = mail(
    "A small program on your computer has recorded you while you looked at pages for adults, and it copied the list of"
    " your contacts. Unless you pay within two days, everybody you know gets the film of it by mail."
)
TAGGED = replace(VERDICT, action="tag")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remember, "PAUSE", 0)


@pytest.fixture
def settings(tmp_path: Path) -> Store:
    """A store that exists."""
    store = Store(url=f"sqlite:///{tmp_path}/store/store.sqlite", key_file=tmp_path / "store" / "key")
    open_store(store).close()
    return store


@pytest.fixture
def memory(settings: Store) -> Iterator[Memory]:
    memory = Memory(settings)
    yield memory
    memory.close()


def sight(verdict: Verdict = TAGGED, raw: bytes = LETTER, mail_id: str | None = None) -> Sight:
    return Sight(raw, ENVELOPE, verdict, NOW, mail_id)


def remembered(settings: Store) -> list[Campaign]:
    with open_store(settings) as store:
        return store.campaigns.find()


def test_a_flagged_mail_is_remembered_by_the_end_at_the_latest(memory, settings, monkeypatch):
    monkeypatch.setattr(remember, "PAUSE", 60)
    for _ in range(25):
        memory.remember(sight())
    memory.close()
    (found,) = remembered(settings)
    assert (found.mails, found.recipients, found.first_seen) == (25, 2, NOW)


def test_a_kept_mail_is_linked(memory, settings):
    with open_store(settings) as store:
        mail_id = store.quarantine.keep(LETTER, ENVELOPE, VERDICT, received=NOW)
        memory.remember(sight(VERDICT, mail_id=mail_id))
        memory.close()
        assert store.quarantine.get(mail_id).campaign == store.campaigns.find()[0].id


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(),
        replace(TAGGED, action="accept"),
        Verdict(action="tag", reasons=(RuleMatch("policy.block", "policy", 0.0, "header", "a@example.com"),)),
        Verdict(action="tag", reasons=(RuleMatch("context.list", "context", 0.0, "header", ""),)),
    ],
)
def test_other_mail_is_not(memory, settings, verdict):
    memory.remember(sight(verdict))
    memory.close()
    assert remembered(settings) == []


def test_tagged_mail_is_remembered_only_where_that_is_wanted_and_a_store_exists(settings, tmp_path):
    for store in (settings.model_copy(update={"remember_tagged": False}), Store(url=f"sqlite:///{tmp_path}/none/s")):
        memory = Memory(store)
        memory.remember(sight())
        memory.close()
    assert not (tmp_path / "none").exists()
    assert remembered(settings) == []


def test_trouble_is_said_once_and_costs_nothing_else(memory, settings, monkeypatch, caplog):
    trouble = StoreError("store.sqlite: is gone")
    with monkeypatch.context() as broken:
        broken.setattr(Campaigns, "remember", lambda *_: (_ for _ in ()).throw(trouble))
        for _ in range(3):
            memory.remember(sight())
            wait_for(lambda: not memory._writing)
    assert caplog.messages == ["campaigns are not remembered for now: store.sqlite: is gone"]
    memory.remember(sight())
    memory.close()
    assert [found.mails for found in remembered(settings)] == [1]


def test_a_fault_of_ours_is_no_different(memory, settings, monkeypatch, caplog):
    with monkeypatch.context() as broken:
        broken.setattr("milter.store.letter.letter_of", lambda *_, **__: 1 / 0)
        memory.remember(sight())
        wait_for(lambda: not memory._writing)
    assert caplog.messages == ["campaigns are not remembered for now: division by zero"]


def test_what_waits_is_bounded(memory, settings, monkeypatch, caplog):
    monkeypatch.setattr(remember, "BACKLOG", 2 * len(LETTER))
    going, gate = threading.Event(), threading.Event()

    def stuck(*_: object) -> None:
        going.set()
        gate.wait(10)

    with caplog.at_level(logging.WARNING), monkeypatch.context() as slow:
        slow.setattr(Campaigns, "remember", stuck)
        memory.remember(sight())
        assert going.wait(10)
        for _ in range(5):
            memory.remember(sight())
        assert len(memory._waiting) == 2
        gate.set()
        wait_for(lambda: not memory._writing)
    assert caplog.messages == ["campaigns are not remembered for now: more comes in than can be remembered"]
    assert memory._bytes == 0


def wait_for(condition: Callable[[], bool]) -> None:
    """For what happens in another thread, for at most ten seconds."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("it never happened")
