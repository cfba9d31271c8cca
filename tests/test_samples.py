"""Our own samples in sixteen languages: extortion is flagged, innocent mail is not."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from milter.config import Config, Policy
from milter.content.message import read
from milter.engine.schema import Language
from milter.frontends.scan import bare_body
from milter.inspector import configured_rules
from milter.model import Authentication, Envelope, Verdict
from milter.pipeline import inspect

SAMPLES = Path(__file__).parent / "samples"
LANGUAGES = Language.__args__  # type: ignore[attr-defined]
RULES = configured_rules(Config())
# sextortion, hacked-device and leaked-password are one crime that is told in three ways.
ONE_CRIME = {"sextortion", "hacked-device", "leaked-password"}


@cache
def verdict(path: Path) -> Verdict:
    raw, is_body = path.read_bytes(), path.suffix == ".txt"
    return inspect(
        read(bare_body(raw) if is_body else raw),
        Envelope(),
        rules=RULES,
        policy=Policy(quarantine=True),
        authentication=Authentication() if is_body else None,
    )


def samples(language: str, folder: str) -> list[Path]:
    return sorted((SAMPLES / language / folder).iterdir())


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_samples(language: str) -> None:
    assert len(samples(language, "extortion")) >= 12
    assert len(samples(language, "innocent")) >= 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_extortion_is_flagged(language: str) -> None:
    missed = [path.name for path in samples(language, "extortion") if not verdict(path).flagged]
    assert len(missed) <= 0.05 * len(samples(language, "extortion")), missed


@pytest.mark.parametrize("language", LANGUAGES)
def test_innocent_mail_is_never_quarantined(language: str) -> None:
    assert [path.name for path in samples(language, "innocent") if verdict(path).action == "quarantine"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_innocent_mail_is_not_flagged(language: str) -> None:
    assert [path.name for path in samples(language, "innocent") if verdict(path).flagged] == []


def test_kind_and_language_are_right() -> None:
    right: dict[str, list[bool]] = defaultdict(list)
    for language in LANGUAGES:
        for path in samples(language, "extortion"):
            found = verdict(path)
            if found.flagged:
                wanted = path.stem.split("-", 1)[1]
                same = found.kind == wanted or {found.kind, wanted} <= ONE_CRIME or wanted == "other"
                right["kind"].append(same)
                right["language"].append(found.language == language)
    assert {name: sum(all_) / len(all_) >= 0.9 for name, all_ in right.items()} == {"kind": True, "language": True}
