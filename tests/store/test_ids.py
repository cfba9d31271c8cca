"""Ids that can be said aloud."""

import pytest

from milter.store.ids import as_written, new_id, proquint


@pytest.mark.parametrize(
    ("number", "expected"),
    # IPv4 addresses and their proquints, from arXiv:0901.4016.
    [(0x7F000001, "lusab-babad"), (0x3F54DCC1, "gutih-tugad"), (0x8C62C18D, "mudof-sakat")],
)
def test_as_in_the_paper(number, expected):
    assert proquint(number) == expected


def test_each_number_has_its_own():
    assert len({proquint(number) for number in range(0, 2**32, 2**20 + 7)}) == len(range(0, 2**32, 2**20 + 7))
    assert (proquint(0), proquint(2**32 - 1)) == ("babab-babab", "zuzuz-zuzuz")


def test_ids_are_random():
    assert len({new_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("typed", ["lusab-babad", " LUSAB-Babad\n", "lusabbabad", "lusab babad", "l-u-s-a-b-babad"])
def test_ids_are_read_as_they_are_typed(typed):
    assert as_written(typed) == "lusab-babad"


@pytest.mark.parametrize("typed", ["", "lusab", "lusab-babad-x", " No-Such "])
def test_what_is_no_id_stays_what_it_is(typed):
    assert as_written(typed) == typed.strip().lower()
