"""Time by stage goes to the mail in hand of its own task."""

import asyncio

import pytest

from milter.observe import stages
from milter.observe.stages import timed


async def test_each_mail_has_its_own_times():
    async def mail(seconds):
        mine = stages.begin()
        with timed("inspect"):
            await asyncio.sleep(seconds)
        return mine

    short, long = await asyncio.gather(asyncio.create_task(mail(0.0)), asyncio.create_task(mail(0.05)))
    assert short["inspect"] < 0.05 <= long["inspect"]


async def test_times_of_one_stage_add_up_also_when_it_fails():
    mine = stages.begin()
    for _ in range(2):
        with pytest.raises(OSError, match="away"), timed("deliver"):  # noqa: PT012  time has to pass
            await asyncio.sleep(0.02)
            raise OSError("away")
    assert mine["deliver"] >= 0.04
    assert list(mine) == ["deliver"]


def test_where_no_mail_is_in_hand_nothing_is_noted():
    with timed("inspect"):
        pass
