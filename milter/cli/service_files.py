"""What systemd needs to run the server, filled in from settings: units, user, folders."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import milter
from milter.config import Address, Config, Endpoint, MaildirNextHop
from milter.errors import ConfigError
from milter.frontends.sockets import addresses

TEMPLATES = Path(milter.__file__).parent / "data" / "systemd"
# Settings to begin with.
FIRST_CONFIG = TEMPLATES / "config.yaml"
STATE = Path("/var/lib/blackmail-filter")
UNITS = Path("/etc/systemd/system")
SERVICE = "blackmail-filter.service"
# Where the service sees nothing, or something else than we do (ProtectHome=, PrivateTmp=).
HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))
# Seconds beyond stop_timeout, in which the supervisor ends what is left.
STOP_MARGIN = 15
FIELD = re.compile(r"@([A-Z_]+)@")


def socket_unit(setting: str) -> str:
    """The unit that holds the socket of a setting."""
    return f"blackmail-filter-{setting}.socket"


def service_files(config: Config, config_path: Path, program: Path) -> dict[Path, str]:
    """Content of all files by where they belong. Raises ConfigError for what systemd cannot do."""
    listeners = addresses(config)
    key_file = credential(config)
    service = {
        "PROGRAM": str(program),
        "CONFIG": str(config_path),
        "SOCKETS": " ".join(map(socket_unit, listeners)),
        "STATE": str(STATE),
        "STOP_SECONDS": str(math.ceil(config.stop_timeout) + STOP_MARGIN),
        "KEY_FILE": str(key_file) if key_file else "",
        "WRITABLE": " ".join(f"-{path}" for path in _written_elsewhere(config)),
    }
    folders = {"STATE": str(STATE), "CONFIG": str(config_path)}
    return {
        UNITS / SERVICE: _filled("blackmail-filter.service", service),
        **{UNITS / socket_unit(name): _socket(name, address, config) for name, address in listeners.items()},
        Path("/etc/sysusers.d/blackmail-filter.conf"): _filled("sysusers.conf", folders),
        Path("/etc/tmpfiles.d/blackmail-filter.conf"): _filled("tmpfiles.conf", folders),
    }


def credential(config: Config) -> Path | None:
    """The file with the store's key, if it lies where the service cannot read it by itself."""
    path = config.store.key_file
    outside = path.is_absolute() and not path.is_relative_to(STATE)
    return path if config.store.encrypt and outside else None


def is_hidden(path: Path) -> bool:
    """Whether the service would not find a file."""
    return any(path.is_relative_to(hidden) for hidden in HIDDEN)


def _written_elsewhere(config: Config) -> Iterator[Path]:
    """Folders outside of the service's own that settings want to write to."""
    store = config.store.file
    wanted = [hop.path for hop in config.next_hop if isinstance(hop, MaildirNextHop)]
    wanted += [config.cache_dir] if config.cache_dir else []
    wanted += [store.parent] if store else []
    for path in wanted:
        if path.is_absolute() and not path.is_relative_to(STATE):
            yield path


def _socket(setting: str, address: Endpoint, config: Config) -> str:
    fields = {"SETTING": setting, "ADDRESS": _listen_stream(setting, address), "MODE": config.socket_mode}
    return _filled("blackmail-filter.socket", fields)


def _listen_stream(setting: str, address: Endpoint) -> str:
    """An address as ListenStream= has it: numbers, no names (systemd.socket(5))."""
    if not isinstance(address, Address):
        return str(address.path)
    if not address.port:
        raise ConfigError(f"{setting}: {address}: systemd holds the socket and needs a port; choose one")
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"{setting}: {address}: {error.strerror}; choose another one") from error
    return str(Address(host=str(found[0][4][0]), port=address.port))


def _filled(template: str, fields: dict[str, str]) -> str:
    """A template; a line whose field is empty is left out."""
    lines = (TEMPLATES / template).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if all(fields.get(name, "-") for name in FIELD.findall(line))]
    return FIELD.sub(lambda found: fields[found[1]], "\n".join(kept) + "\n")
