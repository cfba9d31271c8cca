"""Runs of non-blank characters: what is disguised is spelled out, what is not is left to be folded as it stands."""

import pytest

from milter.content.disguises import is_token, undisguise

CHANGED = [
    ("b1tc0in,", "bitcoin", "evasion.leet"),
    ("(P4ssw0rd1)", "password #", "evasion.leet"),
    ("y0u", "you", ""),
    ("h4ve", "have", ""),
    ("$1,45O.", "#", ""),
    ("l0", "#", ""),
    ("U.S.A.", "usa", ""),
    ("w-a-l-l-e-t", "wallet", "evasion.split_letters"),
    ("p**n!", "porn", "evasion.masked"),
    ("vaIue-emaiI", "value email", "evasion.lookalike"),
    ("b1tcoin/wa11et", "bitcoin wallet", "evasion.leet"),
    ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2.", "1bvbmseystwetqtfn5au4m4gfg7xjanvn2", ""),
]


@pytest.mark.parametrize(("chunk", "folded", "evasion"), CHANGED)
def test_disguised_runs(chunk: str, folded: str, evasion: str) -> None:
    words, found = undisguise(chunk)
    assert words is not None
    assert " ".join(words.split()) == folded
    assert found == evasion


LEFT = [
    "mp3", "h264", "3d", "48h", "COVID-19", "i18n", "k8s", "w3.org/TR", "WH-1000XM4", "AB3CD", "a1b0c", "aB3xK9",
    "4f9a1c2e", "https://example.org/v1deo/p0rn", "p0rn.v1deo@example.org", "www.b1tcoin.example", "hello!world", "a*b",
    "2*3", "f*ck", "x@y", "C++", "e.g.", "i.e.,", "1st", "f7323833-5d04-6e1d00000000", "LinkedIn", "MyInfo", "--", "*",
]  # fmt: skip


@pytest.mark.parametrize("chunk", LEFT)
def test_other_runs_are_left(chunk: str) -> None:
    words, found = undisguise(chunk)
    assert found == ""
    if words is not None:
        letters = "".join(filter(str.isalpha, chunk.lower()))
        assert "".join(filter(str.isalpha, words)) == letters


def test_long_runs() -> None:
    assert undisguise("Zm9vYmFy" * 20) == (None, "")
    words, found = undisguise("/".join(["b1tcoin"] * 20))
    assert words is not None
    assert words.split() == ["bitcoin"] * 20
    assert found == "evasion.leet"


@pytest.mark.parametrize(
    ("part", "token"),
    [
        ("1bvbmseystwetqtfn5au4m4gfg7xjanvn2", True),
        ("0x52908400098527886e0f7030069857d2e4169ee7", True),
        ("covid19", False),
        ("donaudampfschifffahrtsgesellschaft", False),
        ("12345678901234567890", False),
    ],
)
def test_tokens(part: str, token: bool) -> None:
    assert is_token(part) is token
