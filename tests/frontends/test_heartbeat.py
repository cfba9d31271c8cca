"""Whether a loop still turns, seen from the process that forked it."""

import asyncio
import os

import pytest

from milter.frontends import heartbeat
from milter.frontends.heartbeat import Heartbeat


def test_silence_grows_until_a_beat_comes():
    beats = Heartbeat()
    assert [beats.listen(1.0), beats.listen(2.5)] == [1.0, 3.5]
    beats.beat()
    assert beats.listen(1.0) == 0.0
    assert beats.listen(1.0) == beats.silence == 1.0


def test_a_beat_is_heard_across_a_fork():
    beats = Heartbeat()
    child = os.fork()
    if child == 0:
        beats.beat()
        os._exit(0)
    os.waitpid(child, 0)
    assert beats.listen(1.0) == 0.0


@pytest.mark.parametrize("turns", [True, False])
async def test_a_loop_beats_while_it_turns(monkeypatch, turns):
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.001)
    beats = Heartbeat()
    beats.keep_beating(asyncio.get_running_loop())
    assert beats.listen(1.0) == 0.0
    if turns:
        await asyncio.sleep(0.05)
    assert (beats.listen(1.0) == 0.0) is turns
