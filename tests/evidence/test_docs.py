"""docs/evidence.md names what there is."""

from __future__ import annotations

from pathlib import Path

from milter.evidence.indicators import CONFIDENCE
from milter.evidence.words import FILES, STANDINGS

TEXT = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")


def test_every_file_and_every_standing_is_explained():
    assert [name for name in (*FILES, *STANDINGS) if f"`{name}`" not in TEXT] == []


def test_the_confidence_of_each_indicator_is_told():
    names = {"wallet": "payment address", "reply-to": "`Reply-To` address", "author": "sender's address"}
    names["client"] = "client address"
    assert [one for one, percent in CONFIDENCE.items() if f"| {names[one]} | {percent} |" not in TEXT] == []
