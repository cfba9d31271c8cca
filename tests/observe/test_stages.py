"""Time by stage goes to the mail in hand of its own task."""

import asyncio

import pytest

from milter.observe import stages
from milter.observe.stages import timed


@pytest.fixture
def wait(monkeypatch):
    """Lets seconds pass on the clock of stages."""
    now = [0.0]
    monkeypatch.setattr(stages, "perf_counter", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


async def test_each_mail_has_its_own_times(wait):
    async def mail(stage):
        mine = stages.begin()
        await asyncio.sleep(0)  # the other one begins
        with timed(stage):
            wait(1.0)
        return mine

    assert await asyncio.gather(*(asyncio.create_task(mail(stage)) for stage in ("inspect", "deliver"))) == [
        {"inspect": 1.0},
        {"deliver": 1.0},
    ]


async def test_times_of_one_stage_add_up_also_when_it_fails(wait):
    mine = stages.begin()
    for _ in range(2):
        with pytest.raises(OSError, match="away"), timed("deliver"):  # noqa: PT012  time has to pass
            wait(0.5)
            raise OSError("away")
    assert mine == {"deliver": 1.0}


def test_where_no_mail_is_in_hand_nothing_is_noted():
    with timed("inspect"):
        pass
