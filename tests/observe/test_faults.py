"""A fault in one line tells where to look, and no words of a mail."""

from pathlib import Path

import pytest

from milter.errors import StoreError
from milter.observe.faults import CAUSES, FRAMES, in_one_line


def caught(function) -> BaseException:
    with pytest.raises(Exception) as found:  # noqa: PT011  whatever it is
        function()
    return found.value


def test_kind_and_place_but_not_the_words():
    told = in_one_line(caught(lambda: int("pay 900 USD")))
    assert told.startswith("ValueError at observe/test_faults.py:")
    assert "900" not in told


def test_what_the_system_says_is_told():
    told = in_one_line(caught(lambda: Path("/no/such/file").stat()))
    assert told.startswith("FileNotFoundError (No such file or directory: /no/such/file) at ")


def test_what_is_meant_for_people_is_told():
    assert in_one_line(StoreError("store.sqlite: the disk is full")) == "StoreError (store.sqlite: the disk is full)"


def test_the_fault_behind_it_is_told_unless_it_is_hidden():
    def behind():
        try:
            int("secret")
        except ValueError as error:
            raise KeyError("secret") from error

    def hidden():
        try:
            int("secret")
        except ValueError:
            raise KeyError("secret") from None

    told = in_one_line(caught(behind))
    assert told.startswith("KeyError at ")
    assert ", after ValueError at " in told
    assert "ValueError" not in in_one_line(caught(hidden))
    assert "secret" not in told


def test_it_is_bounded():
    def deep(levels):
        if levels:
            deep(levels - 1)
        raise ValueError

    def chain(links):
        try:
            if links:
                chain(links - 1)
        finally:
            raise ValueError

    assert in_one_line(caught(lambda: deep(50))).count("<") == FRAMES - 1
    assert in_one_line(caught(lambda: chain(50))).count("after") == CAUSES - 1
