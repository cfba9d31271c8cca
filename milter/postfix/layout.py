"""The lines that Postfix needs for each lay-out, made from the templates in milter/data/postfix."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

from milter.config import Address, Config, Endpoint, LmtpNextHop, MaildirNextHop, SmtpNextHop, UnixAddress, load
from milter.errors import ConfigError
from milter.postfix.capacity import capacity
from milter.templates import templates

DATA = Path(__file__).parents[1] / "data" / "postfix"
# Where Debian and most others have queue_directory; Postfix's processes work, and may be chrooted, there.
QUEUE_DIRECTORY = Path("/var/spool/postfix")
# Mails that Postfix has the filter see at once (master.cf, maxproc).
PROCESSES = 20
# Seconds that Postfix waits at least, and more than the filter takes.
PATIENCE, MARGIN = 100, 10
# Postfix's own message_size_limit.
USUAL_SIZE = 10_240_000


@dataclass(frozen=True, slots=True)
class LayOut:
    """Lines for main.cf and for master.cf; settings: the filter's own, where none were given."""

    name: str
    main: str
    master: str
    settings: str = ""

    def text(self, path: Path) -> str:
        """All of it for a reader, each part below the name of its file; path: where the filter's settings are."""
        parts = {
            "config.yaml of the filter": self.settings,
            "main.cf of Postfix, add or change": self.main,
            "master.cf of Postfix, add or change": self.master,
            "and then": AFTERWARDS.format(path=path),
        }
        blocks = (f"# ==== {title} ====\n{text}" for title, text in parts.items() if text)
        return f"# Lay-out {self.name}: what it does, and what a failure does, is in docs/postfix.md.\n\n" + "\n".join(
            blocks
        )


AFTERWARDS = """\
# postfix check
# blackmail-filter check --postfix -c {path}
# postfix reload
"""


def shipped_settings(layout: str) -> Path:
    """The filter's settings that go with a lay-out."""
    return DATA / layout / "config.yaml"


def lay_out(layout: str, config: Config | None = None) -> LayOut:
    """The lines of a lay-out for these settings, or for the shipped ones. Raises ConfigError if they do not fit it."""
    shipped = shipped_settings(layout)
    values = VALUES[layout](config or load(shipped))
    main, master = (templates().get_template(f"postfix/{layout}/{name}").render(values) for name in FILES)
    return LayOut(layout, main, master, "" if config else shipped.read_text(encoding="utf-8"))


FILES = ("main.cf", "master.cf")


def _before_queue(config: Config) -> Mapping[str, Any]:
    listen = _asked(config.listen, "listen", "before-queue", "127.0.0.1:10025")
    hops = _smtp_hops(config, "before-queue")
    proxy = _unix(listen) if isinstance(listen, UnixAddress) else str(listen.reached_at)
    return _common(config) | _way_back(hops, listen) | {"proxy": proxy}


def _after_queue(config: Config) -> Mapping[str, Any]:
    listen = _asked(config.listen, "listen", "after-queue", "127.0.0.1:10025")
    if isinstance(listen, UnixAddress):
        raise ConfigError(
            f"listen: {listen}: Postfix's smtp client knows no Unix sockets; write host:port, or take lay-out lmtp"
        )
    hops = _smtp_hops(config, "after-queue")
    reached = listen.reached_at
    return _common(config) | _way_back(hops, listen) | {"destination": f"[{reached.host}]:{reached.port}"}


def _milter(config: Config) -> Mapping[str, Any]:
    milter = _asked(config.milter, "milter", "milter", "127.0.0.1:10027")
    waits = {"patience": _patience(config.inspect_timeout)}
    outside = isinstance(milter, UnixAddress) and not milter.path.is_relative_to(QUEUE_DIRECTORY)
    return _common(config) | waits | {"milter": _typed(milter), "chroot_matters": outside}


def _lmtp(config: Config) -> Mapping[str, Any]:
    lmtp = _asked(config.lmtp, "lmtp", "lmtp", "127.0.0.1:10028")
    hops = [] if isinstance(config.next_hop[0], LmtpNextHop) else _smtp_hops(config, "lmtp")
    return _common(config) | _way_back(hops, lmtp) | {"lmtp": _typed(lmtp)}


VALUES: Mapping[str, Callable[[Config], Mapping[str, Any]]] = {
    "before-queue": _before_queue,
    "after-queue": _after_queue,
    "milter": _milter,
    "lmtp": _lmtp,
}


def _common(config: Config) -> dict[str, Any]:
    return {
        "inspect_timeout": f"{config.inspect_timeout:g}",
        "next_hop_timeout": f"{config.next_hop_timeout:g}",
        "patience": _patience(config.inspect_timeout + config.next_hop_timeout),
        "processes": min(PROCESSES, capacity(config)),
        "policies": bool(config.policies),
        "max_size": config.max_size if config.max_size < USUAL_SIZE else None,
    }


def _patience(seconds: float) -> int:
    return max(PATIENCE, math.ceil(seconds) + MARGIN)


def _asked(endpoint: Endpoint | None, setting: str, layout: str, example: str) -> Endpoint:
    """Where the filter listens, which Postfix has to know."""
    if endpoint is None:
        raise ConfigError(f"{setting}: null does not fit lay-out {layout}; set it, for instance {setting}: {example}")
    if isinstance(endpoint, Address) and not endpoint.port:
        raise ConfigError(f"{setting}: {endpoint}: Postfix has to know the port; choose one instead of 0")
    return endpoint


def _smtp_hops(config: Config, layout: str) -> list[Address]:
    """Where mail comes back to Postfix."""
    found = []
    for hop in config.next_hop:
        written = f"maildir:{hop.path}" if isinstance(hop, MaildirNextHop) else str(hop.address)
        if not isinstance(hop, SmtpNextHop) or isinstance(hop.address, UnixAddress):
            raise ConfigError(
                f"next_hop: {written} does not fit lay-out {layout}, where Postfix takes mail back by SMTP;"
                " set next_hop: smtp://127.0.0.1:10026"
            )
        found.append(hop.address)
    return found


def _way_back(hops: list[Address], listen: Endpoint) -> dict[str, Any]:
    """Names of the services that take mail back, and who may connect to them."""
    networks = dict.fromkeys(_network_of_filter(hop, listen) for hop in hops)
    return {"hops": [str(hop) for hop in hops], "networks": ",".join(networks)}


def _network_of_filter(hop: Address, listen: Endpoint) -> str:
    """Where the filter's connections to Postfix come from: its own address, if Postfix is elsewhere."""
    address = _ip(hop.host)
    if hop.host == "localhost" or (address and address.is_loopback):
        return "[::1]/128" if address and address.version == 6 else "127.0.0.0/8"
    own = _ip(listen.host) if isinstance(listen, Address) else None
    if own is None or own.is_unspecified or own.is_loopback:
        raise ConfigError(
            f"next_hop: {hop} is reached through the network, so Postfix has to know the filter's address there;"
            " set listen to that address, or next_hop: smtp://127.0.0.1:10026 on the same machine"
        )
    return f"[{own}]/128" if own.version == 6 else f"{own}/32"


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _typed(endpoint: Endpoint) -> str:
    return _unix(endpoint) if isinstance(endpoint, UnixAddress) else f"inet:{endpoint.reached_at}"


def _unix(endpoint: UnixAddress) -> str:
    """Below Postfix's own folder a relative path is right for processes with chroot and without."""
    inside = endpoint.path.is_relative_to(QUEUE_DIRECTORY)
    return f"unix:{endpoint.path.relative_to(QUEUE_DIRECTORY) if inside else endpoint.path}"
