"""Several processes at once: each mail is kept once, and each copy is released by one of them."""

import json
import subprocess
import sys

from stored_mails import NOW

from milter.store.opened import open_store
from milter.store.records import Filter

PROCESSES, MAILS = 4, 50

SCRIPT = f"""
import json, sys
from datetime import datetime, UTC
from pathlib import Path
from milter.config import Store
from milter.errors import StoreError
from milter.model import Envelope, RuleMatch, Verdict
from milter.store.opened import open_store
from milter.store.records import Filter

url, key, name, task = sys.argv[1:]
verdict = Verdict(action="quarantine", score=12.0, reasons=(RuleMatch("threat.publish", "threat", 3.0, "text", "x"),))
now = datetime.now(UTC)

def keep(quarantine):
    for number in range({MAILS}):
        raw = f"{{name}} {{number}}".encode() * 100
        yield quarantine.keep(raw, Envelope("", ("b@example.org",)), verdict, received=now)

def release(quarantine):
    for mail in quarantine.find(Filter(), limit=1000):
        try:
            claim = quarantine.claim(mail.id, by=name, now=now)
        except StoreError:
            continue
        quarantine.handing_over(claim, now=now)
        quarantine.delivered(claim, claim.recipients, now=now)
        yield mail.id

with open_store(Store(url=url, key_file=Path(key)), busy_timeout=60) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(list(globals()[task](store.quarantine))))
"""


def all_do(settings, task: str) -> list[list[str]]:
    """What each process says that it did."""
    words = [sys.executable, "-c", SCRIPT, settings.url, str(settings.key_file)]
    started = [
        subprocess.Popen([*words, f"p{n}", task], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(PROCESSES)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0] * PROCESSES
    return [json.loads(output) for output in outputs]


def test_four_processes_keep_and_release(store_settings):
    kept = [mail_id for said in all_do(store_settings, "keep") for mail_id in said]
    with open_store(store_settings) as store:
        found = store.quarantine.find(Filter(), limit=1000)
        raws = {store.quarantine.raw(mail.id) for mail in found}
    assert len(kept) == len(set(kept)) == PROCESSES * MAILS
    assert {mail.id for mail in found} == set(kept)
    assert raws == {f"p{n} {number}".encode() * 100 for n in range(PROCESSES) for number in range(MAILS)}

    released = all_do(store_settings, "release")
    assert sorted(mail_id for said in released for mail_id in said) == sorted(kept)
    with open_store(store_settings) as store:
        found = store.quarantine.find(Filter(state="released"), limit=1000)
        assert len(found) == PROCESSES * MAILS
        assert {copy.released_by for mail in found for copy in mail.copies} <= {f"p{n}" for n in range(PROCESSES)}
        assert len(store.audit.entries(action="release", limit=1000)) == PROCESSES * MAILS
        assert store.quarantine.resume(NOW) == []
