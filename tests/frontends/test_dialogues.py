"""SMTP and LMTP dialogues in plain text, played against the real server and a next hop that is told what to say.

# a comment
@ lmtp in                             the client comes by LMTP
@ lmtp out                            the next hop is one by LMTP
@ offers PIPELINING 8BITMIME          what the next hop offers instead of everything
@ setting max_recipients 100          a setting of the filter
@ answer RCPT TO:<b | 550 5.1.1 No    the next hop's reply to commands that begin so; more lines after \\n
@ answer message | ["250 Ok", "550 No"]   one reply after the other
c -> MAIL FROM:<a@example.org>        the client sends a line
c => "bare\\nline\\r\\n"                the client sends these very bytes; {X9} is nine times the letter X
c <- 250 2.1.0*                       one line of a reply; * stands for anything
c <| closed                           the connection ends
h <- RCPT TO:<b@example.org>          at the end: all commands that the next hop got between EHLO and QUIT
h <= "text\\r\\n"                     at the end: what the next hop got last ends so
"""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

REPEATED = re.compile(rb"\{(\w)(\d+)\}")
DIALOGUES = sorted((Path(__file__).parent / "dialogues").glob("*.txt"))


def prepare(lines):
    """Settings of the filter and of the next hop from the lines with @, and which of the two ways is by LMTP."""
    settings, hop, ways = {}, {"answers": {}}, set()
    for line in lines:
        if not line.startswith("@ "):
            continue
        word, _, rest = line[2:].partition(" ")
        if word == "offers":
            hop["offers"] = tuple(rest.split(", ")) if rest else ("HELP",)
        elif word == "lmtp":
            ways.add(rest)
        elif word == "setting":
            key, _, value = rest.partition(" ")
            settings[key] = yaml.safe_load(value)
        else:
            assert word == "answer", line
            command, _, reply = rest.partition(" | ")
            several = yaml.safe_load(reply) if reply.startswith("[") else None
            hop["answers"][command] = several or reply.replace("\\n", "\r\n")
    return settings, hop, ways


async def play(lines, client):
    """The client's part; returns the commands and the message that the next hop should have got."""
    commands, ending = [], None
    for line in lines:
        actor, text = line[:4], line[5:]
        if actor == "c ->":
            client.writer.write(text.encode() + b"\r\n")
        elif actor == "c =>":
            client.writer.write(REPEATED.sub(lambda m: m[1] * int(m[2]), ast.literal_eval("b" + text)))
        elif actor == "c <-":
            got = (await client.reader.readline()).decode().rstrip("\r\n")
            escaped = text.replace("[", "[[]")
            assert fnmatchcase(got, escaped), f"expected {text!r}, got {got!r}"
        elif actor == "c <|":
            assert await client.reader.read() == b""
        elif actor == "h <-":
            commands.append(text)
        elif actor == "h <=":
            ending = ast.literal_eval("b" + text)
        else:
            assert not line or line[0] in "#@", line
    return commands, ending


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
async def test_dialogue(path, start_hop, start_filter, connect):
    lines = path.read_text().splitlines()
    settings, hop_settings, ways = prepare(lines)
    hop = await start_hop(**hop_settings)
    if "in" in ways:
        settings["lmtp"] = "127.0.0.1:0"
    if "out" in ways:
        settings["next_hop"] = f"lmtp://{hop.address}"
    running = await start_filter(hop, **settings)
    client = await connect(running.lmtp or running)
    commands, ending = await play(lines, client)
    await hop.settled(commands)
    assert hop.transactions == commands
    if ending is not None:
        assert hop.messages[-1].endswith(ending)


def test_there_are_dialogues():
    assert len(DIALOGUES) > 10
