"""Postfix's settings and services, as postconf prints them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
DURATION = re.compile(r"(\d+)([smhdw]?)")
PORTS = {"smtp": 25, "lmtp": 24, "smtps": 465, "submissions": 465, "submission": 587}
HOST_PORT = re.compile(r"(?:(?:\[(?P<bracketed>[^\]]*)\]|(?P<host>[^:\[\]]*)):)?(?P<port>\w+)")
# A parameter list of Postfix: words between blanks or commas; {…} holds one with blanks (postconf(5), smtpd_milters).
LIST_ITEM = re.compile(r"\{[^}]*\}|[^\s,]+")
Run = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Service:
    """One service of master.cf (master(5)). processes: None without a limit; host: None where the name has none."""

    name: str
    kind: str
    private: bool
    chrooted: bool
    processes: int | None
    command: str
    options: Mapping[str, str] = field(hash=False)

    def __str__(self) -> str:
        return f"{self.name} {self.kind}"

    @property
    def host(self) -> str | None:
        """The address that it listens on; None: those of inet_interfaces."""
        found = HOST_PORT.fullmatch(self.name)
        return (found["bracketed"] or found["host"] or None) if found else None

    @property
    def port(self) -> int | None:
        """The port that it listens on; None for a Unix socket or a name that we do not know."""
        found = HOST_PORT.fullmatch(self.name)
        return port_number(found["port"]) if found and self.kind == "inet" else None


@dataclass(frozen=True, slots=True)
class PostfixSettings:
    """parameters: those of main.cf and the defaults, expanded; services: those of master.cf."""

    parameters: Mapping[str, str]
    services: tuple[Service, ...]

    def value(self, parameter: str, service: Service | None = None) -> str:
        """What holds for a service: its own -o, else main.cf; "" if Postfix knows no such parameter."""
        own = service.options if service else {}
        return own.get(parameter, self.parameters.get(parameter, ""))

    def words(self, parameter: str, service: Service | None = None) -> list[str]:
        """The words of a list."""
        return LIST_ITEM.findall(self.value(parameter, service))

    def seconds(self, parameter: str, service: Service | None = None) -> int:
        """A time whose usual unit is the second (postconf(5)); 0 if there is none."""
        return duration(self.value(parameter, service))

    def number(self, parameter: str, service: Service | None = None) -> int:
        """A number; 0 if there is none."""
        value = self.value(parameter, service)
        return int(value) if value.isdecimal() else 0

    def where(self, parameter: str, service: Service | None = None) -> str:
        """Where the value that holds is set, or would have to be."""
        if service and parameter in service.options:
            return f"master.cf, {service}, -o {parameter}"
        return f"main.cf, {parameter}"

    def by_command(self, *commands: str) -> Iterator[Service]:
        """The services that run one of these programs."""
        return (service for service in self.services if service.command in commands)

    def transport(self, name: str) -> Service | None:
        """The service that carries mail under this name."""
        return next((one for one in self.services if one.name == name and one.kind == "unix"), None)

    @property
    def queue_directory(self) -> Path:
        """Where Postfix's processes work, and may be chrooted."""
        return Path(self.value("queue_directory") or "/var/spool/postfix")


def duration(text: str) -> int:
    """Seconds of "100s", "5m" or "30"; 0 for anything else."""
    found = DURATION.fullmatch(text)
    return int(found[1]) * SECONDS[found[2]] if found else 0


def port_number(text: str) -> int | None:
    """The number of a port that is written as number or name."""
    return int(text) if text.isdecimal() else PORTS.get(text)


def read_settings(run: Run) -> PostfixSettings:
    """Ask Postfix. run: runs a command and returns its output."""
    return parse_settings(run(["postconf", "-x"]), run(["postconf", "-xM"]), run(["postconf", "-xP"]))


def parse_settings(parameters: str, services: str, options: str) -> PostfixSettings:
    """Settings from the output of `postconf -x`, `postconf -xM` and `postconf -xP`."""
    values = dict(_assignments(parameters))
    own: dict[tuple[str, str], dict[str, str]] = {}
    for name, value in _assignments(options):
        service, kind, parameter = name.rsplit("/", 2)
        own.setdefault((service, kind), {})[parameter] = value
    lines = (line.split(maxsplit=8) for line in services.splitlines())
    return PostfixSettings(values, tuple(_service(columns, values, own) for columns in lines if len(columns) > 7))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), value.strip()


def _service(
    columns: Sequence[str], values: Mapping[str, str], own: Mapping[tuple[str, str], Mapping[str, str]]
) -> Service:
    """A line of master.cf; its defaults are in master(5)."""
    name, kind, private, _, chroot, _, maxproc, command, *_ = columns
    limit = values.get("default_process_limit", "100") if maxproc == "-" else maxproc
    return Service(
        name,
        kind,
        private != "n",
        chroot == "y" or (chroot == "-" and values.get("compatibility_level", "0") == "0"),
        int(limit) or None,
        command,
        own.get((name, kind), {}),
    )
