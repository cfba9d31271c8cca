"""Where a recipient can report the mail or get help, by country: dated data that an admin can replace.

Everything here is only offered; nothing is sent to anyone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from milter.i18n import msgid, supported, translator
from milter.model import Kind
from milter.yamlfile import read_yaml, validate

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Way = Literal["online", "phone", "forward", "station", "help"]
WAYS: dict[Way, str] = {
    "online": msgid("Report online"),
    "phone": msgid("Call"),
    "forward": msgid("Forward the mail"),
    "station": msgid("Go to a police station or call"),
    "help": msgid("Get help online"),
}
# Who or what a point is for; an admin's file may use its own words instead.
NOTES = {
    "minors": msgid("for children, young people and their parents"),
    "images": msgid("have intimate pictures of adults removed, free of charge"),
    "images-minors": msgid("have intimate pictures taken under 18 removed, free of charge"),
    "money": msgid("if money was lost"),
    "businesses": msgid("also for businesses"),
    "advice": msgid("advice free of charge"),
}
# Where most readers of a language live, if nothing else tells; English is read everywhere.
BY_LANGUAGE = {
    "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL", "pt": "PT", "pl": "PL", "cs": "CZ", "sv": "SE",
    "da": "DK", "ru": "RU", "tr": "TR", "ja": "JP", "ko": "KR", "zh": "CN",
}  # fmt: skip
BY_DOMAIN = {"uk": "GB", "gov": "US", "mil": "US", "edu": "US"}


@dataclass(frozen=True, slots=True)
class ReportingPoint:
    """One place to report to; what it does not have is ""."""

    name: str
    how: str
    url: str = ""
    email: str = ""
    phone: str = ""
    note: str = ""


class Closed(BaseModel):
    """A key that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(Closed):
    """A reporting point as the file declares it; kinds: only for these sorts of extortion."""

    name: str
    how: Way
    url: Annotated[str, Field(pattern=r"^(https://\S+)?$")] = ""
    email: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    phone: str = ""
    note: str = ""
    kinds: tuple[Kind, ...] = ()
    source: str
    as_of: dt.date


class CountryEntry(Closed):
    """One country: the number to call in danger, and its points, the best first."""

    emergency: str = ""
    points: tuple[Entry, ...] = ()


class Directory(Closed):
    """The whole file. everywhere: points that serve all countries, named after those of the country."""

    countries: dict[Country, CountryEntry]
    everywhere: tuple[Entry, ...] = ()


def reporting(
    country: str | None, language: str | None, *, kind: Kind | None = None, path: Path | None = None
) -> list[ReportingPoint]:
    """The points of a country (ISO 3166 code) and those for everyone, in the reader's language.

    kind leaves out what does not fit it. path: an admin's own file instead of ours. Raises ConfigError.
    """
    words = translator(language)
    directory = load_directory(path)
    entries = (*directory.countries.get(country or "", CountryEntry()).points, *directory.everywhere)
    return [
        ReportingPoint(
            entry.name,
            words.gettext(WAYS[entry.how]),
            entry.url,
            entry.email,
            entry.phone,
            words.gettext(NOTES[entry.note]) if entry.note in NOTES else entry.note,
        )
        for entry in entries
        if kind is None or not entry.kinds or kind in entry.kinds
    ]


def emergency_number(country: str | None, *, path: Path | None = None) -> str:
    """The number of the police in danger; "" if the country is unknown. Raises ConfigError."""
    return load_directory(path).countries.get(country or "", CountryEntry()).emergency


def country_of(recipient: str, language: str | None, *, configured: str | None, path: Path | None = None) -> str | None:
    """The country whose points are shown: as configured, else by the recipient's domain, else by the language."""
    if configured:
        return configured
    top = recipient.rpartition(".")[2].lower()
    code = BY_DOMAIN.get(top, top.upper())
    if code in load_directory(path).countries:
        return code
    return BY_LANGUAGE.get(supported(language))


@cache
def load_directory(path: Path | None) -> Directory:
    """The file of reporting points, ours without a path. Raises ConfigError."""
    if path is not None:
        return validate(Directory, read_yaml(path))
    with as_file(files("milter") / "data" / "reporting.yaml") as own:
        return validate(Directory, read_yaml(own))
