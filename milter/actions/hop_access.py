"""What a next hop asks of us, and we of it, before mail flows: TLS (RFC 3207) and a log-in (RFC 4954)."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from milter.config import Config, MaildirNextHop, NextHopAuth, TlsLevel, UnixAddress
from milter.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to the next hop."""

    user: str
    password: str = field(repr=False)


# What each mechanism answers to the server's challenges, in the order of preference (RFC 4616; LOGIN has no RFC).
MECHANISMS: Mapping[str, Callable[[Login], tuple[str, ...]]] = {
    "PLAIN": lambda login: (f"\0{login.user}\0{login.password}",),
    "LOGIN": lambda login: (login.user, login.password),
}


@dataclass(frozen=True, slots=True)
class Access:
    """How a next hop is entered; the context is None where the level is off."""

    level: TlsLevel = "off"
    context: ssl.SSLContext | None = None
    login: Login | None = None


NO_CONDITIONS = Access()


def load_access(config: Config) -> Access:
    """What the settings next_hop_* ask for, with the files that they name read. Raises ConfigError."""
    if isinstance(config.next_hop[0], MaildirNextHop):
        return NO_CONDITIONS
    login = _login(config.next_hop_auth) if config.next_hop_auth else None
    return Access(config.next_hop_tls, _context(config), login)


def _context(config: Config) -> ssl.SSLContext | None:
    if config.next_hop_tls == "verify":
        context = _verifying(config)
    elif config.next_hop_ca_file:
        raise ConfigError(
            "next_hop_ca_file: only next_hop_tls: verify looks at certificates; set that, or take the file out"
        )
    elif config.next_hop_tls == "off":
        return None
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _verifying(config: Config) -> ssl.SSLContext:
    if any(isinstance(hop.address, UnixAddress) for hop in config.next_hop if not isinstance(hop, MaildirNextHop)):
        raise ConfigError("next_hop_tls: verify needs a host name, and a Unix socket in next_hop has none: use encrypt")
    path = config.next_hop_ca_file
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise ConfigError(f"next_hop_ca_file: {path} holds no certificates in PEM form") from error
    except OSError as error:
        raise ConfigError(_unreadable("next_hop_ca_file", path, error)) from error


def _login(settings: NextHopAuth) -> Login:
    key, path = "next_hop_auth.password_file", settings.password_file
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(_unreadable(key, path, error)) from error
    except UnicodeDecodeError:
        # Its text has a byte of the password.
        raise ConfigError(f"{key}: {path} is not in UTF-8") from None
    if not lines or not lines[0]:
        raise ConfigError(f"{key}: {path} is empty: its first line is the password")
    if "\0" in settings.user + lines[0]:
        raise ConfigError(f"{key}: neither user nor password may hold a NUL (RFC 4616 §2)")
    return Login(settings.user, lines[0])


def _unreadable(key: str, path: Path | None, error: OSError) -> str:
    return f"{key}: {path} cannot be read ({error.strerror}): check the path and its permissions"
