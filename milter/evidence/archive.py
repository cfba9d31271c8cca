"""The ZIP that is handed over: the same cases and the same time give the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from milter.errors import ConfigError
from milter.evidence.case import Case
from milter.evidence.facts import Facts, examine
from milter.evidence.misp import misp_event
from milter.evidence.record import case_record
from milter.evidence.report import Reader, report
from milter.evidence.route import LOOPBACK
from milter.evidence.words import FILES
from milter.i18n import Translator
from milter.reason import kind_name
from milter.sender.client import Network
from milter.templates import page

SUMS = "SHA256SUMS"
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
# What Windows takes for a device, whatever its suffix.
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)$", re.I)
LONGEST_NAME = 60
READABLE_BY_OWNER = 0o100600 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index says of one case."""

    folder: str
    kind: str
    seen: str
    author: str
    source: str
    wallets: tuple[str, ...]


def bundle(
    cases: Iterable[Case],
    *,
    language: str | None,
    country: str | None,
    now: datetime,
    points: Path | None = None,
    trusted: Iterable[Network] = LOOPBACK,
) -> bytes:
    """The ZIP of some cases; see `write_bundle`."""
    file = BytesIO()
    write_bundle(file, cases, language=language, country=country, now=now, points=points, trusted=trusted)
    return file.getvalue()


def write_bundle(
    file: IO[bytes],
    cases: Iterable[Case],
    *,
    language: str | None,
    country: str | None,
    now: datetime,
    points: Path | None = None,
    trusted: Iterable[Network] = LOOPBACK,
) -> int:
    """Write the ZIP of some cases into a file and return their number.

    A single case lies at its root; several have a folder each and an index.html. language and country are the
    reader's; None: the language of each case, and the country by the recipient's domain. points: an admin's own file of
    reporting points. trusted: networks of relays on the recipient's side (`trusted_clients`). Raises ConfigError if
    that file is wrong or stix2 is not installed.
    """
    check_installed()
    relays = tuple(trusted)
    names = _Names()
    entries = []
    words: Translator | None = None  # of the index: the first reader's
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        writer = _Writer(archive, now)
        waiting = iter(cases)
        first = list(islice(waiting, 2))
        alone = len(first) < 2
        for case in chain(first, waiting):
            facts = examine(case, trusted=relays)
            reader = Reader(language or case.language or case.verdict.language, country, points)
            folder = names.new(case.id)
            for name, content in _files(facts, reader, now):
                writer.write(name if alone else f"{folder}/{name}", content)
            words = words or reader.words
            entries.append(_entry(folder, facts, words))
        if words and not alone:
            writer.write("index.html", _index(entries, words, now).encode())
        writer.write(SUMS, writer.sums())
    return len(entries)


def check_installed() -> None:
    """Raise ConfigError, with the remedy, if the library that bundles need is not there."""
    if find_spec("stix2") is None:
        raise ConfigError("evidence needs the library stix2: pip install 'blackmail-filter[evidence]'")


def _files(facts: Facts, reader: Reader, now: datetime) -> Iterator[tuple[str, bytes]]:
    from milter.evidence.stix import stix_bundle  # noqa: PLC0415  an extra, which takes 0.2 s to load

    yield "original.eml", facts.case.raw
    yield "report.html", report(facts, reader, now=now).encode()
    yield "case.json", _json(case_record(facts, now=now))
    yield "stix.json", stix_bundle(facts, now=now).encode()
    yield "misp.json", _json(misp_event(facts, now=now))


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _entry(folder: str, facts: Facts, words: Translator) -> Entry:
    verdict = facts.case.verdict
    return Entry(
        folder,
        kind_name(verdict.kind, words.language) if verdict.flagged else words.gettext("No extortion found."),
        words.datetime(facts.seen) if facts.seen else "",
        next((box.address for box in facts.author), ""),
        facts.source.address if facts.source else "",
        tuple(wallet.address for wallet in facts.wallets),
    )


def _index(entries: list[Entry], words: Translator, now: datetime) -> str:
    holders: dict[str, list[str]] = {}
    for entry in entries:
        for address in entry.wallets:
            holders.setdefault(address, []).append(entry.folder)
    shared = dict(sorted(holders.items(), key=lambda pair: -len(pair[1])))
    return page(
        "evidence/index.html",
        words,
        entries=entries,
        shared=shared,
        made=words.datetime(now),
        sums=words.gettext(FILES[SUMS]),
    )


class _Names:
    """Folder names made of ids: without paths, safe on all systems, each once also where case does not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, wanted: str) -> str:
        """A name for this id."""
        name = UNSAFE.sub("-", wanted).strip("-")[:LONGEST_NAME] or "mail"
        if RESERVED.match(name):
            name = f"mail-{name}"
        candidate, number = name, 2
        while candidate.lower() in self._taken:
            candidate, number = f"{name}-{number}", number + 1
        self._taken.add(candidate.lower())
        return candidate


class _Writer:
    """Writes files that bear one time and one mode, and keeps their checksums."""

    def __init__(self, archive: ZipFile, now: datetime) -> None:
        self._archive = archive
        self._time = now.astimezone(UTC).timetuple()[:6]
        self._sums: list[str] = []

    def write(self, name: str, content: bytes) -> None:
        """Add a file."""
        info = ZipInfo(name, self._time)
        info.compress_type = ZIP_DEFLATED
        info.create_system = 3  # Unix, whichever system writes it
        info.external_attr = READABLE_BY_OWNER
        self._archive.writestr(info, content)
        self._sums.append(f"{sha256(content).hexdigest()}  {name}\n")

    def sums(self) -> bytes:
        """The checksums so far, as `sha256sum -c` reads them."""
        return "".join(self._sums).encode("ascii")
