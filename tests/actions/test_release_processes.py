"""Release by processes that race or are killed: a copy goes out once, and what is unknown is known to be unknown."""

import asyncio
import os
import re
import signal
import sys
from datetime import UTC, datetime

import pytest
from stored_mails import ENVELOPE, RAW, VERDICT, B, C

from milter.actions.release import Releaser
from milter.actions.smtp import SmtpHop
from milter.errors import StoreError

# Releases a mail through a next hop; is killed before or after a step of it; "wait" stands for all set and a line read.
SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
from milter.actions.release import Releaser
from milter.actions.smtp import SmtpHop
from milter.actions.smtp_connection import SmtpConnection
from milter.config import Address, Store
from milter.errors import StoreError
from milter.store.opened import open_store
from milter.store.quarantine import Quarantine

url, key, port, mail_id, when, step = sys.argv[1:]
STEPS = {
    "claim": (Quarantine, "claim", None), "raw": (Quarantine, "raw", None), "refused": (Quarantine, "refused", None),
    "handing over": (Quarantine, "handing_over", None), "delivered": (Quarantine, "delivered", None),
    "RCPT": (SmtpConnection, "write", b"RCPT"), "end": (SmtpConnection, "write", b"\\r\\n.\\r\\n"),
}

def deadly(owner, name, words):
    real = getattr(owner, name)
    def step(self, *arguments, **named):
        struck = words is None or words in bytes(arguments[0])
        if struck and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(self, *arguments, **named)
        if struck:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, step)

if step in STEPS:
    deadly(*STEPS[step])

async def main():
    store = open_store(Store(url=url, key_file=Path(key)))
    releaser = Releaser(store.quarantine, SmtpHop(Address(host="127.0.0.1", port=port), helo_name="x", timeout=5.0))
    print("ready", flush=True)
    if when == "wait":
        sys.stdin.readline()
    try:
        print(await releaser.release(mail_id, by=f"process {os.getpid()}"))
    except StoreError as error:
        print(error)

asyncio.run(main())
"""


@pytest.fixture
def kept(opened):
    return opened.quarantine.keep(RAW, ENVELOPE, VERDICT, received=datetime.now(UTC))


@pytest.fixture
def press(store_settings, kept):
    """Start a process that releases the mail: `await press(hop, when, step)`."""

    async def start(hop, when: str, step: str = "") -> asyncio.subprocess.Process:
        words = [store_settings.url, str(store_settings.key_file), str(hop.address.port), kept, when, step]
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, *words, stdin=pipe, stdout=pipe)

    return start


def fates(quarantine, mail_id: str) -> list[str]:
    return [
        "released" if copy.released_at else "uncertain" if copy.uncertain else "refused" if copy.refusal else "held"
        for copy in quarantine.get(mail_id).copies
    ]


async def test_two_processes_that_press_at_once_send_one_mail(opened, kept, press, start_hop):
    hop = await start_hop()
    processes = [await press(hop, "wait") for _ in range(4)]
    for process in processes:
        assert await process.stdout.readline() == b"ready\n"
    for process in processes:
        process.stdin.write(b"go\n")
    told = [(await process.communicate())[0].decode() for process in processes]
    assert len(hop.messages) == 1
    assert hop.messages[0].endswith(RAW)
    assert len([one for one in told if one.startswith("Release(")]) == 1
    refusals = [one for one in told if re.match(rf"{kept} is (already|being) released by process \d+", one)]
    assert len(refusals) == 3
    assert fates(opened.quarantine, kept) == ["released", "released"]
    assert len(opened.audit.entries(action="release")) == 1


@pytest.mark.parametrize(
    ("point", "arrived", "fate"),
    [
        ("before claim", 0, "held"),
        ("after claim", 0, "held"),
        ("after raw", 0, "held"),
        ("before RCPT", 0, "held"),
        ("after RCPT", 0, "held"),
        ("before handing over", 0, "held"),
        ("after handing over", 0, "uncertain"),
        ("before end", 0, "uncertain"),
        ("after end", 1, "uncertain"),
        ("before delivered", 1, "uncertain"),
        ("after delivered", 1, "released"),
    ],
)
async def test_a_process_is_killed(opened, kept, press, start_hop, point, arrived, fate):
    quarantine, hop = opened.quarantine, await start_hop()
    process = await press(hop, *point.split(maxsplit=1))
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
    if arrived:
        await hop.until(lambda: len(hop.messages) == arrived)
    quarantine.resume(datetime.now(UTC))
    assert len(hop.messages) == arrived
    assert fates(quarantine, kept) == [fate, fate]
    # Whoever presses again sends what is surely still here, and nothing else.
    releaser = Releaser(quarantine, SmtpHop(hop.address, helo_name="x", timeout=5.0))
    if fate == "held":
        assert (await releaser.release(kept, by="anna")).delivered == (B, C)
        assert len(hop.messages) == 1
    else:
        with pytest.raises(StoreError):
            await releaser.release(kept, by="anna")
        assert len(hop.messages) == arrived
    if fate == "uncertain":
        assert (await releaser.release(kept, by="anna", again=True)).delivered == (B, C)


@pytest.mark.parametrize(("when", "fate"), [("before", "held"), ("after", "refused")])
async def test_a_process_is_killed_over_a_refusal(opened, kept, press, start_hop, when, fate):
    hop = await start_hop(answers={"RCPT TO:<b@": "550 5.1.1 nobody"})
    process = await press(hop, when, "refused")
    await process.communicate()
    opened.quarantine.resume(datetime.now(UTC))
    assert hop.messages == []
    assert fates(opened.quarantine, kept) == [fate, "held"]


async def test_nobody_takes_over_from_one_who_is_only_slow(opened, kept, press, start_hop):
    hop = await start_hop(answers={"RCPT": "hang"})
    process = await press(hop, "wait")
    process.stdin.write(b"go\n")
    await hop.until(lambda: any(command.startswith("RCPT") for command in hop.commands))
    assert opened.quarantine.resume(datetime.now(UTC)) == []
    with pytest.raises(StoreError, match="is being released by process"):
        await Releaser(opened.quarantine, SmtpHop(hop.address, helo_name="x", timeout=5.0)).release(kept, by="anna")
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()
    assert [found.mail.id for found in opened.quarantine.resume(datetime.now(UTC))] == [kept]
