"""Where to report: ours, an admin's own, and for whom."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from milter.errors import ConfigError
from milter.i18n import LANGUAGES
from milter.reporting import (
    BY_DOMAIN,
    BY_LANGUAGE,
    NOTES,
    country_of,
    emergency_number,
    load_directory,
    reporting,
)

OWN = """
countries:
  "DE":
    emergency: "110"
    points:
      - {name: Our help desk, how: phone, phone: "4711", note: ask for Anna, source: us, as_of: 2026-01-01}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "reporting.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


def test_every_entry_can_be_reached_and_is_dated() -> None:
    directory = load_directory(None)
    for code, country in directory.countries.items():
        assert country.emergency, code
        assert country.points, code
    for entry in (*(e for c in directory.countries.values() for e in c.points), *directory.everywhere):
        assert entry.url or entry.email or entry.phone, entry.name
        assert entry.source
        assert dt.date(2025, 1, 1) <= entry.as_of <= dt.date(2026, 12, 31)
        assert not entry.note or entry.note in NOTES
        assert (entry.how == "forward") == bool(entry.email), entry.name
        assert entry.how != "phone" or entry.phone, entry.name


def test_each_language_has_its_country() -> None:
    assert set(BY_LANGUAGE) == set(LANGUAGES) - {"en"}
    assert {*BY_LANGUAGE.values(), *BY_DOMAIN.values()} <= set(load_directory(None).countries)


def test_words_are_the_readers_and_names_the_countrys() -> None:
    points = {point.name: point for point in reporting("DE", "fr")}
    assert points["Onlinewache der Polizei"].how == "Signaler en ligne"
    assert points["Onlinewache der Polizei"].url == "https://portal.onlinewache.polizei.de/"
    assert points["StopNCII.org"].note == "faire retirer gratuitement des images intimes d'adultes"


def test_pictures_are_spoken_of_only_where_they_matter() -> None:
    assert "StopNCII.org" in {point.name for point in reporting("GB", "en", kind="sextortion")}
    assert "StopNCII.org" not in {point.name for point in reporting("GB", "en", kind="ddos")}
    assert "StopNCII.org" in {point.name for point in reporting("GB", "en")}


def test_an_unknown_country_leaves_what_serves_everyone() -> None:
    assert [point.name for point in reporting(None, "en")] == ["StopNCII.org", "Take It Down"]
    assert emergency_number("ZZ") == ""
    assert emergency_number("DE") == "110"


@pytest.mark.parametrize(
    ("recipient", "language", "configured", "country"),
    [
        ("a@example.de", "en", None, "DE"),
        ("a@example.co.uk", "de", None, "GB"),
        ("a@example.ch", "fr", None, "CH"),
        ("a@example.de", "en", "AT", "AT"),
        ("a@example.com", "de", None, "DE"),
        ("a@example.io", "ja", None, "JP"),
        ("a@example.gov", "es", None, "US"),
        ("a@example.com", "en", None, None),
        ("", None, None, None),
    ],
)
def test_the_country(recipient: str, language: str | None, configured: str | None, country: str | None) -> None:
    assert country_of(recipient, language, configured=configured) == country


def test_an_admins_own_file_replaces_ours(own: Path) -> None:
    (point,) = reporting("DE", "de", path=own)
    assert (point.name, point.how, point.phone, point.note) == ("Our help desk", "Anrufen", "4711", "ask for Anna")
    assert reporting("FR", "fr", path=own) == []
    assert country_of("a@example.fr", "fr", configured=None, path=own) == "FR"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OWN.replace("how: phone", "how: pigeon"), ":6: countries.DE.points.0.how: must be"),
        (
            OWN.replace("as_of: 2026-01-01", "as_of: soon"),
            ":6: countries.DE.points.0.as_of: must be a valid date",
        ),
        (OWN.replace("source: us,", ""), "source: is missing"),
        (OWN.replace('"DE"', "Germany"), ":3: countries.Germany"),
        (OWN.replace('phone: "4711"', "url: ftp://x"), ":6: countries.DE.points.0.url: String should match"),
        (OWN.replace("emergency", "emergancy"), "did you mean 'emergency'?"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "reporting.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_directory(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
