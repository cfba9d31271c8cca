"""The test string through running front ends, sent as docs/trying.md says."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "trying.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((ROOT / "rules" / "test.yaml").read_text(encoding="utf-8"))
STRING = RULES["rules"][0]["tests"]["en"]["match"][0].encode()
KEEPING = {"verify_senders": False, "policy": {"quarantine": True}}


@pytest.fixture
def command():
    """The lines that send it by swaks to mail.example.org."""
    return re.search(r"^    # The test string.*?\n(?=\n)", PAGE, re.DOTALL | re.MULTILINE)[0]


async def test_the_command_of_the_page(command, start_hop, start_filter):
    hop = await start_hop()
    running = await start_filter(hop, "real", **KEEPING)
    swaks = await asyncio.create_subprocess_exec(
        "bash", "-ec", command.replace("mail.example.org", str(running.address)), stdout=subprocess.PIPE
    )
    output, _ = await swaks.communicate()
    assert swaks.returncode == 0, output.decode()
    (kept,) = running.quarantined
    assert STRING in kept
    assert hop.messages == []


async def test_an_mta_is_asked_to_hold_it(start_milter, call):
    mta = await call(await start_milter("real", **KEEPING))
    replies = dict(await mta.mail(b"From: a@example.com\r\nSubject: A test\r\n\r\n" + STRING + b"\r\n"))
    assert replies[b"q"].startswith(b"This mail is a test of the mail filter and no crime: ")
