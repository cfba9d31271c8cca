"""One claim a mail, for one caller; and what is left when its owner vanishes."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from stored_mails import ENVELOPE, NOW, RAW, VERDICT, B, C

from milter.errors import StoreError
from milter.store import claims, owner
from milter.store.records import Copy

LATER = NOW + timedelta(seconds=121)
D = "d@example.org"


@pytest.fixture
def quarantine(opened):
    return opened.quarantine


@pytest.fixture
def kept(quarantine):
    return quarantine.keep(RAW, ENVELOPE, VERDICT, received=NOW)


def released(address: str, by: str = "anna") -> Copy:
    return Copy(address, released_at=NOW, released_by=by)


def test_all_copies_go_out(opened, kept):
    quarantine = opened.quarantine
    claim = quarantine.claim(kept, by="anna", now=NOW)
    assert claim.recipients == (B, C)
    assert claim.mail.state == "releasing"
    assert quarantine.raw(claim.mail.id) == RAW
    quarantine.handing_over(claim, now=NOW)
    quarantine.delivered(claim, [B, C], now=NOW)
    found = quarantine.get(kept)
    assert (found.state, found.copies) == ("released", (released(B), released(C)))
    with pytest.raises(StoreError, match=f"{kept} is already released by anna"):
        quarantine.claim(kept, by="bert", now=NOW)
    assert [(e.actor, e.detail) for _, e in opened.audit.entries(action="release")] == [("anna", "2 of 2 copies")]


def test_who_comes_second_is_refused(quarantine, kept):
    claim = quarantine.claim(kept, [B], by="anna", now=NOW)
    for recipients in (None, [C]):
        with pytest.raises(StoreError, match=f"{kept} is being released by anna just now"):
            quarantine.claim(kept, recipients, by="bert", now=NOW)
    assert claim.token not in repr(claim)


def test_copies_go_out_one_by_one(quarantine, kept):
    first = quarantine.claim(kept, ["B@example.org"], by="anna", now=NOW)
    assert first.recipients == (B,)
    quarantine.handing_over(first, now=NOW)
    quarantine.delivered(first, [B], now=NOW)
    assert quarantine.get(kept).state == "held"
    with pytest.raises(StoreError, match=f"{kept}: nothing is left to release: these copies are already released"):
        quarantine.claim(kept, [B], by="bert", now=NOW)
    second = quarantine.claim(kept, by="bert", now=NOW)
    assert second.recipients == (C,)
    quarantine.handing_over(second, now=NOW)
    quarantine.delivered(second, [C], now=NOW)
    assert quarantine.get(kept).copies == (released(B), released(C, "bert"))
    assert quarantine.get(kept).state == "released"


def test_a_stranger_has_no_copy(quarantine, kept):
    with pytest.raises(StoreError, match=f"{kept} has no copy for {D}; it has: {B}, {C}"):
        quarantine.claim(kept, [B, D], by="anna", now=NOW)
    assert quarantine.get(kept).state == "held"


def test_a_refused_copy_stays_and_may_go_out_later(quarantine, kept):
    claim = quarantine.claim(kept, by="anna", now=NOW)
    quarantine.handing_over(claim, now=NOW)
    quarantine.delivered(claim, [B], now=NOW)
    assert quarantine.get(kept).state == "releasing"
    quarantine.refused(claim, {C: "550 5.1.1 no such user"}, now=NOW)
    found = quarantine.get(kept)
    assert (found.state, found.copies) == ("held", (released(B), Copy(C, refusal="550 5.1.1 no such user")))
    again = quarantine.claim(kept, by="anna", now=NOW)
    quarantine.handing_over(again, now=NOW)
    quarantine.delivered(again, again.recipients, now=NOW)
    assert quarantine.get(kept).copies == (released(B), released(C))


def test_what_is_given_back_is_as_before(quarantine, kept):
    claim = quarantine.claim(kept, by="anna", now=NOW)
    quarantine.given_back(claim, "the next hop is away", now=NOW)
    found = quarantine.get(kept)
    assert (found.state, found.copies, found.note) == ("held", (Copy(B), Copy(C)), "the next hop is away")
    with pytest.raises(StoreError, match="was given up; nothing was sent"):
        quarantine.handing_over(claim, now=NOW)
    claim = quarantine.claim(kept, by="anna", now=NOW)
    quarantine.delivered(claim, [B, C], now=NOW)
    assert quarantine.get(kept).note == ""


def test_what_was_on_its_way_is_uncertain(opened, kept):
    quarantine = opened.quarantine
    claim = quarantine.claim(kept, by="anna", now=NOW)
    quarantine.handing_over(claim, now=NOW)
    quarantine.given_back(claim, "no answer", now=NOW)
    found = quarantine.get(kept)
    assert (found.state, found.copies) == ("held", (Copy(B, uncertain=True), Copy(C, uncertain=True)))
    assert [entry.mail_id for _, entry in opened.audit.entries(action="uncertain")] == [kept]
    with pytest.raises(StoreError, match="it may have arrived when a release was interrupted"):
        quarantine.claim(kept, by="anna", now=NOW)
    again = quarantine.claim(kept, [C], by="bert", now=NOW, again=True)
    assert again.recipients == (C,)
    # The first one finds out after all; the copy that someone else has by now is left alone.
    quarantine.delivered(claim, [B, C], now=NOW)
    assert quarantine.get(kept).copies == (released(B), Copy(C, uncertain=True))
    quarantine.delivered(again, [C], now=NOW)
    assert quarantine.get(kept).copies == (released(B), released(C, "bert"))
    assert quarantine.get(kept).state == "released"


def test_an_answer_that_comes_late_counts(quarantine, kept):
    claim = quarantine.claim(kept, by="anna", now=NOW)
    quarantine.handing_over(claim, now=NOW)
    assert [found.mail.id for found in quarantine.resume(LATER)] == [kept]
    quarantine.delivered(claim, [B], now=NOW)
    quarantine.refused(claim, {C: "550 no"}, now=NOW)
    assert quarantine.get(kept).copies == (released(B), Copy(C, refusal="550 no"))


# The owner vanishes


def test_a_lease_runs_out_and_is_renewed(quarantine, kept):
    claim = quarantine.claim(kept, by="anna", now=NOW)
    assert quarantine.resume(NOW + timedelta(seconds=119)) == []
    quarantine.handing_over(claim, now=NOW + timedelta(seconds=100))
    assert quarantine.resume(NOW + timedelta(seconds=219)) == []
    assert [found.mail.note for found in quarantine.resume(NOW + timedelta(seconds=221))] == [
        "the release by anna was interrupted"
    ]
    assert quarantine.resume(NOW + timedelta(seconds=221)) == []


def test_whose_lease_ran_out_does_not_send(quarantine, kept):
    slow = quarantine.claim(kept, by="anna", now=NOW)
    quick = quarantine.claim(kept, by="bert", now=LATER)
    with pytest.raises(StoreError, match="nothing was sent"):
        quarantine.handing_over(slow, now=LATER)
    quarantine.given_back(slow, "too late", now=LATER)
    quarantine.handing_over(quick, now=LATER)
    quarantine.delivered(quick, quick.recipients, now=LATER)
    assert quarantine.get(kept).state == "released"


SCRIPT = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from milter.config import Store
from milter.store.opened import open_store

url, key, mail_id, now, steps = sys.argv[1:]
quarantine = open_store(Store(url=url, key_file=Path(key))).quarantine
claim = quarantine.claim(mail_id, by="anna", now=datetime.fromisoformat(now))
if "handing over" in steps:
    quarantine.handing_over(claim, now=datetime.fromisoformat(now))
print(claim.mail.state, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("steps", ["claimed", "handing over"])
def test_the_owner_is_killed(quarantine, kept, store_settings, steps):
    words = [store_settings.url, str(store_settings.key_file), kept, NOW.isoformat(), steps]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", SCRIPT, *words], **pipes) as process:
        assert process.stdout.readline() == "releasing\n"
        assert quarantine.resume(NOW) == []
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    (found,) = quarantine.resume(NOW)
    uncertain = steps == "handing over"
    assert (found.mail.id, found.mail.state, found.by) == (kept, "held", "anna")
    assert found.mail.copies == (Copy(B, uncertain=uncertain), Copy(C, uncertain=uncertain))
    assert found.waiting == (() if uncertain else (B, C))
    assert quarantine.claim(kept, by="bert", now=NOW, again=uncertain).recipients == (B, C)


def test_a_killed_owner_does_not_keep_others_waiting(quarantine, kept, monkeypatch):
    quarantine.claim(kept, by="anna", now=NOW)
    monkeypatch.setattr(claims, "is_gone", lambda _: True)
    assert quarantine.claim(kept, by="bert", now=NOW).by == "bert"


def test_who_owns():
    me = owner.this_process()
    machine, pid, start = me.split(" ")
    assert not owner.is_gone(me)
    assert owner.is_gone(f"{machine} {pid} {int(start) - 1}")
    assert owner.is_gone(f"{machine} 4194305 {start}")
    # Of other machines, and of what cannot be read, nothing is known.
    for unknown in (f"elsewhere {pid} 1", f"{machine} {pid} -", f"{machine} x 1", ""):
        assert not owner.is_gone(unknown)


def test_a_dead_process_that_nobody_has_waited_for_is_gone():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    machine, _, _ = owner.this_process().split(" ")
    assert owner.is_gone(f"{machine} {process.pid} 1")
    process.wait()
