"""What strangers wrote is harmless in what we write."""

import pytest

from milter.digest.texts import LONGEST, defanged, printable


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://evil.example.com/a?b", "hxxps://evil[.]example[.]com/a?b"),
        ("HTTP://evil.example", "HxxP://evil[.]example"),
        ("write to anna@example.org.", "write to anna[at]example[.]org."),
        ("pay 1.450 EUR now... or", "pay 1.450 EUR now... or"),
        ("a\r\nBcc: x\x00\x1b[31m", "a Bcc: x [31m"),
        ("abc\u202egnp.exe", "abcgnp[.]exe"),
        ("zero\u200bwidth \ud83d", "zerowidth"),
        ("ひみつ.例え", "ひみつ[.]例え"),
    ],
)
def test_nothing_is_live(written, shown):
    assert defanged(written) == shown


def test_long_texts_are_cut():
    assert len(printable("x" * 1000)) == LONGEST
