"""What is sealed is opened by its key, at its place, and unchanged; or not at all."""

import base64

import pytest

from milter.errors import StoreError
from milter.store.cipher import Cipher
from milter.store.keys import given_ring

PLACE = "contents/lusab-babad/raw"


def cipher(*numbers: int, encrypt: bool = True) -> Cipher:
    keys = " ".join(base64.b64encode(bytes([number]) * 32).decode() for number in numbers)
    return Cipher(given_ring(None, {"BLACKMAIL_FILTER_KEY": keys}), encrypt=encrypt)


def test_there_and_back():
    one = cipher(1)
    sealed = one.seal(b"secret", PLACE, one.key_id)
    assert b"secret" not in sealed
    assert one.seal(b"secret", PLACE, one.key_id) != sealed
    assert one.unseal(sealed, PLACE, one.key_id) == b"secret"
    assert cipher(2, 1).unseal(sealed, PLACE, one.key_id) == b"secret"


def test_a_missing_key_is_named_by_its_id():
    one = cipher(1)
    sealed = one.seal(b"secret", PLACE, one.key_id)
    with pytest.raises(StoreError, match=f"BLACKMAIL_FILTER_KEY is the wrong key: the store needs key {one.key_id}"):
        cipher(2).unseal(sealed, PLACE, one.key_id)
    with pytest.raises(StoreError, match=f"is encrypted: .*{one.key_id}"):
        Cipher(None).unseal(sealed, PLACE, one.key_id)


def test_a_value_that_was_moved_or_changed_is_refused():
    one = cipher(1)
    sealed = one.seal(b"secret", PLACE, one.key_id)
    for changed, place in ((sealed, "contents/other/raw"), (sealed[:-1] + b"x", PLACE), (sealed[:5], PLACE)):
        with pytest.raises(StoreError, match="it was changed or is damaged"):
            one.unseal(changed, place, one.key_id)


def test_without_encryption_values_are_plain_and_old_ones_can_be_read():
    one, plain = cipher(1), cipher(1, encrypt=False)
    assert plain.key_id == ""
    assert plain.seal(b"open", PLACE, plain.key_id) == b"\0open"
    assert one.unseal(b"\0open", PLACE, "") == b"open"
    assert plain.unseal(one.seal(b"secret", PLACE, one.key_id), PLACE, one.key_id) == b"secret"
