"""Rule sets from disk: shipped rules, own rules, and a cache of the compiled set.

The cache is keyed by everything that the result depends on. It is written to one side and renamed; one that is damaged,
foreign or unwritable is a reason to compile, never to fail.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import struct
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from pydantic import TypeAdapter

import milter
from milter.engine.program import Program
from milter.engine.rulebook import RuleBook, RuleEntry, assemble, rule_files
from milter.engine.ruleset import RuleSet, build, regexes, rule_set
from milter.engine.scanners import AhoCorasickScanner, HyperscanScanner, Scanner
from milter.engine.schema import Scoring
from milter.errors import ConfigError
from milter.garbage import collector_paused
from milter.yamlfile import read_yaml

log = logging.getLogger(__name__)
MAGIC = b"blackmail-filter rules 4\n"
# Sets of other rules or versions that may still be of use: before and after an upgrade, and a test set.
KEPT = 4
_RULES = TypeAdapter(tuple[RuleEntry, ...])


def shipped_rules() -> Path:
    """The folder of the rules that come with the package: inside it when installed, beside it in a checkout."""
    package = Path(milter.__file__).parent
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent / "rules"


def rule_paths(own: Iterable[Path], *, shipped: bool) -> list[Path]:
    """All rule files of a configuration, own ones last so that their scores win. Raises ConfigError."""
    return rule_files([*([shipped_rules()] if shipped else []), *own])


def read_book(paths: Iterable[Path]) -> RuleBook:
    """Parse and check rule files. Raises ConfigError."""
    return assemble(read_yaml(path) for path in paths)


def default_cache_dir() -> Path:
    """Where compiled rules go unless configured: the service's cache folder, else the user's (XDG)."""
    service = os.environ.get("CACHE_DIRECTORY")
    if service:
        return Path(service.split(":")[0])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blackmail-filter"


def load_rules(paths: list[Path], cache_dir: Path | None = None) -> RuleSet:
    """The compiled rule set of these files, from the cache where it fits. Raises ConfigError."""
    folder = cache_dir or default_cache_dir()
    file = folder / f"{_key(paths)}.rules"
    with collector_paused():
        cached = _read(file)
    if cached is not None:
        return cached
    compiled = build(read_book(paths))
    _write(file, _dump(compiled))
    return compiled


def _key(paths: Iterable[Path]) -> str:
    """A hash of rules, own version, library version and processor. Raises ConfigError for an unreadable file."""
    digest = hashlib.sha256(MAGIC)
    for part in (milter.__version__, _library_version(), platform.machine(), _processor_flags()):
        digest.update(part.encode() + b"\0")
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{path}: cannot be read ({error.strerror}): check the path and its permissions"
            ) from error
        digest.update(struct.pack("<Q", len(content)) + content)
    return digest.hexdigest()[:32]


def _library_version() -> str:
    return metadata.version("hyperscan") if find_spec("hyperscan") else "none"


def _processor_flags() -> str:
    """What the processor can do, which a hyperscan database is compiled for; empty where the kernel does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _dump(compiled: RuleSet) -> bytes:
    head = json.dumps(
        {
            "rules": _RULES.dump_python(compiled.rules, mode="json"),
            "scoring": compiled.scoring.model_dump(),
            "program": asdict(compiled.matcher.program),
        },
        separators=(",", ":"),
    ).encode()
    scanners = [matcher.scanner for matcher in (compiled.matcher, compiled.threats) if matcher]
    databases = [scanner.dump() if isinstance(scanner, HyperscanScanner) else b"" for scanner in scanners]
    body = b"".join(struct.pack("<Q", len(part)) + part for part in (head, *databases))
    return MAGIC + hashlib.sha256(body).digest() + body


def _read(file: Path) -> RuleSet | None:
    try:
        # The library trusts what stands in a database: take none that somebody else may have written.
        if file.stat().st_uid != os.geteuid():
            return None
        data = file.read_bytes()
    except OSError:
        return None
    digest, body = data[len(MAGIC) : len(MAGIC) + 32], memoryview(data)[len(MAGIC) + 32 :]
    if not data.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        log.warning("%s is damaged; compiling the rules again", file)
        return None
    head, *databases = _parts(body)
    content = json.loads(bytes(head))
    program = Program.from_dict(content["program"])
    rules, scoring = _RULES.validate_python(content["rules"]), Scoring(**content["scoring"])
    return rule_set(rules, scoring, program, lambda one: _scanner(one, databases.pop(0)))


def _parts(body: memoryview) -> Iterator[memoryview]:
    at = 0
    while at < len(body):
        size = struct.unpack_from("<Q", body, at)[0]
        yield body[at + 8 : at + 8 + size]
        at += 8 + size


def _scanner(program: Program, database: memoryview) -> Scanner:
    if database:
        return HyperscanScanner(program.atoms, regexes(program), bytes(database))
    return AhoCorasickScanner(program.atoms, regexes(program))


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".rules-")
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(data)
            os.replace(name, file)
        except OSError:
            os.unlink(name)
            raise
        _prune(file.parent)
    except OSError as error:
        log.warning("%s: compiled rules cannot be kept (%s): each start compiles them again", file, error.strerror)


def _prune(folder: Path) -> None:
    """Remove all but the newest sets."""
    files = sorted(folder.glob("*.rules"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT:]:
        file.unlink(missing_ok=True)
