"""What letters of one template share: small edits keep the match, unrelated letters do not match."""

from __future__ import annotations

import random
import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milter.content.headers import Headers
from milter.content.message import read
from milter.model import Envelope
from milter.pipeline import letter_texts, readings_of
from milter.signals.template import (
    BAND_SLOTS,
    READ,
    RESEMBLES,
    SLOTS,
    Signature,
    bands,
    common,
    names_of,
    pack,
    resemblance,
    signature,
    template,
    unpack,
)

SAMPLES = Path(__file__).parents[1] / "samples"
BTC = ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
LETTER = (
    "Hello {name},\nI have put a small program on your computer while you looked at pages for adults. It recorded your"
    " face through the camera, and copied the list of all your contacts. Pay {amount} to the bitcoin address {wallet}"
    " within {hours} hours, or I will send the film to everybody you know. I wrote this on {date}. Do not answer."
)


def text_of(path: Path) -> str:
    raw = path.read_bytes()
    if path.suffix == ".txt":
        raw = b"Content-Type: text/plain; charset=utf-8\n\n" + raw.partition(b"\n")[2]
    return "\n".join(letter_texts(readings_of(read(raw))))


def samples(kind: str) -> dict[Path, tuple[str, Signature]]:
    """Texts of samples that are long enough, with their signatures."""
    texts = {path: text_of(path) for path in sorted(SAMPLES.glob(f"*/{kind}/*"))}
    return {path: (text, found) for path, text in texts.items() if (found := signature([text]))}


LETTERS, INNOCENTS = samples("extortion"), samples("innocent")


def edited(text: str, every: int, chance: random.Random) -> str:
    """The text with one of so many words replaced by another one of it, left out, or doubled."""
    words = re.findall(r"\S+\s*", text)
    for place in range(chance.randrange(every), len(words), every):
        words[place] = chance.choice([chance.choice(words), "", words[place] + chance.choice(words)])
    return "".join(words)


def test_there_are_letters_in_all_languages() -> None:
    assert len({path.parts[-3] for path in LETTERS}) == 16
    assert len(LETTERS) > 200


@given(st.sampled_from([text for text, _ in LETTERS.values() if text.count(" ") > 60]), st.integers(0, 2**32))
@settings(deadline=None, derandomize=True)
def test_one_word_in_twenty_may_change(text: str, seed: int) -> None:
    before, after = signature([text]), signature([edited(text, 20, random.Random(seed))])
    assert before
    assert after
    assert resemblance(before, after) >= RESEMBLES
    assert set(bands(before)) & set(bands(after))


@given(
    st.sampled_from(BTC),
    st.sampled_from(["900 USD", "$1,450", "0.15 BTC", "1.200,50 €", "2000"]),
    st.integers(1, 99),
    st.sampled_from(["24.12.2026", "2026-12-24", "12/24"]),
    st.sampled_from(["Anna", "", "Jörg Groß"]),
)
def test_wallets_sums_dates_and_names_are_left_out(wallet: str, amount: str, hours: int, date: str, name: str) -> None:
    to = f'"{name}" <x@example.org>' if name else "x@example.org"
    names = names_of(Envelope(), Headers([("To", to.encode())]))
    text = LETTER.format(name=name, wallet=wallet, amount=amount, hours=hours, date=date)
    first = LETTER.format(name="", wallet=BTC[0], amount="900 USD", hours=48, date="1.1.2026")
    assert signature([text], names) == signature([first])


def test_disguise_changes_little() -> None:
    disguised = LETTER.replace("bitcoin", "b1tc0in").replace("camera", "саmеrа").replace("contacts", "co\u200bntacts")
    texts = [
        readings_of(read(f"Content-Type: text/plain; charset=utf-8\n\n{one}".encode())) for one in (LETTER, disguised)
    ]
    one, other = (signature(letter_texts(readings)) for readings in texts)
    assert one
    assert other
    assert resemblance(one, other) > 0.9


def test_letters_with_different_words_do_not_resemble_each_other() -> None:
    for (path, (_, one)), (other_path, (_, other)) in combinations(LETTERS.items(), 2):
        assert resemblance(one, other) < RESEMBLES / 2, (path, other_path)


def test_innocent_mail_resembles_no_letter() -> None:
    assert len(INNOCENTS) > 100
    for path, (_, innocent) in INNOCENTS.items():
        for other_path, (_, letter) in LETTERS.items():
            assert resemblance(innocent, letter) < RESEMBLES / 2, (path, other_path)


@given(st.text(), st.text())
def test_any_texts_have_a_signature_or_say_too_little(one: str, other: str) -> None:
    found = signature([one, other])
    assert found is None or (len(found) == SLOTS and unpack(pack(found)) == found)
    template([one, other], frozenset({"anna"}))
    common(one, other)


def test_a_text_resembles_itself_and_bands_are_distinct() -> None:
    for _, found in LETTERS.values():
        assert resemblance(found, found) == 1
        assert len(set(bands(found))) == SLOTS // BAND_SLOTS
        assert all(0 <= band < 2**39 for band in bands(found))


def test_signatures_are_the_same_everywhere() -> None:
    """What other nodes and other versions have written is compared with these."""
    found = signature([LETTER])
    assert found
    assert (found[:4], bands(found)[:2]) == SAME_EVERYWHERE


SAME_EVERYWHERE = ((25467151, 7277507, 22964020, 28708098), (787935029, 14314597454))


@pytest.mark.parametrize("text", ["", "Pay or else.", "word " * 500, "1 2 3 " * 100, "@ " * 100, "x" * 100_000])
def test_little_is_no_template(text: str) -> None:
    assert signature([text]) is None


def test_only_the_beginning_of_a_long_mail_is_read() -> None:
    filler = " ".join(
        f"w{'abcdefghij'[n % 10]}{'abcdefghij'[n // 10 % 10]}x{'abcdefghij'[n // 100 % 10]}" for n in range(9999)
    )
    assert len(filler) > READ
    assert signature([filler]) == signature([filler, LETTER])


def test_the_names_of_recipients() -> None:
    envelope = Envelope("", ("anna.lee+list@example.org", "info@example.org"))
    headers = Headers([("To", b"=?utf-8?q?J=C3=B6rg_Gro=C3=9F?= <jg@example.org>"), ("To", b"Al <al@example.org>")])
    assert names_of(envelope, headers) == {"anna", "lee", "list", "info", "jorg", "gross"}


def test_the_template_for_people() -> None:
    text = (
        "Hi Anna, this is for you. Your password is xylophon99, isn't it? xylophon99.\nSend 1,450.00 USD to"
        f" {BTC[0]} until 24.12.2026, see https://example.org/anna?id=7 or write to crook@example.com."
    )
    assert template([text], frozenset({"anna"})) == (
        "Hi …, this is for you. Your password is •••, isn't it? •••.\nSend # USD to … until #, see … or write to …"
    )


def test_what_templates_have_in_common() -> None:
    one = "Hello Anna\nwe have seen you in the office on Monday\nPay now"
    other = "Hello Paul\nwe have seen you in the kitchen\nPay now or never"
    assert common(one, other) == "Hello …\nwe have seen you in the …\nPay now …"
    assert common(one, one) == one
    assert common(one, "") == "…"
