"""The key ring: AES-256 keys in Base64, one a line, newest first, in a file that only its owner may read.

The environment variable BLACKMAIL_FILTER_KEY or the systemd credential `quarantine.key` comes before the file.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from milter.disk import make_folder, sync_folder, write_new
from milter.errors import StoreError

VARIABLE = "BLACKMAIL_FILTER_KEY"
CREDENTIAL = "quarantine.key"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """An AES-256 key; its id is the beginning of its hash."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Eight hex digits."""
        return hashlib.sha256(b"blackmail-filter key\0" + self.secret).hexdigest()[:8]


class KeyRing:
    """Keys from one source; a file is read anew when it has changed."""

    def __init__(self, source: str, keys: Iterable[Key], path: Path | None = None) -> None:
        self.source = source
        self.path = path
        self._keys = tuple(keys)
        self._version = _version(path) if path else None

    @property
    def newest(self) -> Key:
        """The key that encrypts. Raises StoreError."""
        self._refresh()
        return self._keys[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, newest first. Raises StoreError."""
        self._refresh()
        return tuple(key.id for key in self._keys)

    def key(self, key_id: str) -> Key:
        """The key of that id. Raises StoreError."""
        for keys in (self._keys, self._refresh()):
            for key in keys:
                if key.id == key_id:
                    return key
        raise wrong_key(self.source, key_id)

    def add(self) -> None:
        """Put a new key on top of the file. Raises StoreError where the keys come from elsewhere."""
        if self.path is None:
            raise StoreError(f"{self.source} cannot be changed from here: put a new key in front of the others there")
        self._refresh()
        _write(self.path, [Key(secrets.token_bytes(KEY_BYTES)), *self._keys], replace=True)
        self._refresh()

    def _refresh(self) -> tuple[Key, ...]:
        if self.path and (version := _version(self.path)) != self._version:
            self._keys, self._version = _read(self.path), version
        return self._keys


def wrong_key(source: str, needed: str) -> StoreError:
    """That the keys of a source are not those of the store."""
    return StoreError(f"{source} is the wrong key: the store needs key {needed}; put that key back into it")


def given_ring(path: Path, environ: Mapping[str, str]) -> KeyRing | None:
    """The keys that are there: from the environment, a systemd credential or the file. Raises StoreError."""
    if VARIABLE in environ:
        return KeyRing(VARIABLE, _parse(environ[VARIABLE], VARIABLE))
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and _stat(credential := Path(folder, CREDENTIAL)):
        return KeyRing(str(credential), _parse(_text(credential), str(credential)))
    return KeyRing(str(path), _read(path), path) if _stat(path) else None


def new_ring(path: Path) -> KeyRing:
    """A new key in a new file; that of another process if it was faster. Raises StoreError."""
    _write(path, [Key(secrets.token_bytes(KEY_BYTES))], replace=False)
    return KeyRing(str(path), _read(path), path)


def _version(path: Path) -> tuple[int, int, int]:
    found = _stat(path)
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else (0, 0, 0)


def _stat(path: Path) -> os.stat_result | None:
    """None if there is no such file."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror) from None


def _unreadable(path: Path, reason: str | None) -> StoreError:
    return StoreError(f"{path}: the key file cannot be read ({reason})")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error.strerror if isinstance(error, OSError) else "it is no text") from None


def _read(path: Path) -> tuple[Key, ...]:
    found = _stat(path)
    if found and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreError(f"{path}: others may read the key file; forbid it: chmod 600 {path}")
    return _parse(_text(path), str(path))


def _parse(text: str, source: str) -> tuple[Key, ...]:
    keys = []
    for word in text.split():
        try:
            secret = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != KEY_BYTES:
            raise StoreError(f"{source}: holds what is no key: each line must be 32 bytes in Base64")
        keys.append(Key(secret))
    if not keys:
        raise StoreError(f"{source}: holds no key")
    return tuple(keys)


def _write(path: Path, keys: Iterable[Key], *, replace: bool) -> None:
    """All or nothing, on disk when it returns; an existing file stays unless it is to be replaced."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    text = "".join(base64.b64encode(key.secret).decode("ascii") + "\n" for key in keys)
    try:
        make_folder(path.parent)
        write_new(temporary, [text.encode("ascii")])
        try:
            if replace:
                temporary.replace(path)
            else:
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: the key file cannot be written ({error.strerror})") from None
