"""Where keys come from, and which ones are refused."""

import base64
import os
import re

import pytest

from milter.errors import StoreError
from milter.store.keys import given_ring, new_ring

ONE, TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "below" / "key"


def write(path, text, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_a_new_key_is_for_its_owner_only(path):
    ring = new_ring(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(ring.newest.secret) == 32
    assert given_ring(path, {}).newest == ring.newest
    assert os.listdir(path.parent) == ["key"]


def test_who_comes_second_takes_the_key_of_the_first(path):
    first, second = new_ring(path), new_ring(path)
    assert first.newest == second.newest


def test_a_new_key_goes_on_top_and_others_see_it(path):
    ring, other = new_ring(path), given_ring(path, {})
    old = ring.newest
    ring.add()
    assert ring.newest != old
    assert ring.ids == other.ids
    assert ring.ids[1] == old.id
    assert other.key(old.id) == old
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_variable_comes_first_then_the_credential_then_the_file(path, tmp_path):
    write(path, ONE)
    (tmp_path / "quarantine.key").write_text(f"{TWO}\n{ONE}\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "BLACKMAIL_FILTER_KEY": ONE}
    assert given_ring(path, environ).source == "BLACKMAIL_FILTER_KEY"
    del environ["BLACKMAIL_FILTER_KEY"]
    ring = given_ring(path, environ)
    assert (ring.source, len(ring.ids)) == (str(tmp_path / "quarantine.key"), 2)
    assert given_ring(path, {"CREDENTIALS_DIRECTORY": str(tmp_path / "none")}).source == str(path)
    assert given_ring(tmp_path / "none", {}) is None


def test_a_key_from_elsewhere_is_not_changed_here(path):
    with pytest.raises(StoreError, match="BLACKMAIL_FILTER_KEY cannot be changed from here: put a new key in front"):
        given_ring(path, {"BLACKMAIL_FILTER_KEY": ONE}).add()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(path, mode):
    write(path, ONE, mode)
    with pytest.raises(
        StoreError, match=re.escape(f"{path}: others may read the key file; forbid it: chmod 600 {path}")
    ):
        given_ring(path, {})


@pytest.mark.parametrize("text", ["hunter2hunter2", ONE[:-8], f"{ONE}\nhunter2=", "ähunter2", ONE + TWO])
def test_what_is_no_key_is_refused_and_not_shown(path, text):
    write(path, text)
    with pytest.raises(StoreError) as caught:
        given_ring(path, {})
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert ONE[:8] not in str(caught.value)


def test_an_empty_file_is_refused(path):
    write(path, "\n")
    with pytest.raises(StoreError, match=r"key: holds no key$"):
        given_ring(path, {})


def test_a_folder_in_the_way_is_refused(path):
    path.mkdir(parents=True)
    path.chmod(0o700)
    with pytest.raises(StoreError, match="the key file cannot be read"):
        given_ring(path, {})


def test_a_key_is_never_shown(path):
    ring = new_ring(path)
    secret = ring.newest.secret
    assert repr(secret)[2:-1] not in repr(ring.newest)
    assert base64.b64encode(secret).decode() not in repr(ring.newest) + str(vars(ring)["_keys"])
