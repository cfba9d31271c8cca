"""TLS for our clients: certificate and key, as STARTTLS (RFC 3207) needs them."""

from __future__ import annotations

import ssl
from pathlib import Path

from milter.config import Tls
from milter.errors import ConfigError

# Seconds for the client's part of a handshake, and for its goodbye.
HANDSHAKE_SECONDS = 60.0
SHUTDOWN_SECONDS = 5.0


def server_context(settings: Tls) -> ssl.SSLContext:
    """What encrypts sessions with clients: TLS 1.2 at least (RFC 8996). Raises ConfigError that names the file."""
    _check_pem(settings.certificate, "tls.certificate", b"CERTIFICATE-----", "certificate")
    _check_pem(settings.key, "tls.key", b"PRIVATE KEY-----", "private key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        # Without this an encrypted key would be asked about on the terminal.
        context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"tls: {_fault(settings, error)}") from error
    return context


def _check_pem(path: Path, setting: str, mark: bytes, content: str) -> None:
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{setting}: {path} cannot be read ({error.strerror}): check the path and its permissions"
        ) from error
    if mark not in pem:
        raise ConfigError(f"{setting}: {path} holds no {content} in PEM form")
    if b"ENCRYPTED" in pem:
        raise ConfigError(f"{setting}: {path} is encrypted; store the key without a password")


def _fault(settings: Tls, error: Exception) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"the key in {settings.key} does not belong to the first certificate in {settings.certificate}"
    reason = getattr(error, "reason", None) or str(error)
    return f"{settings.certificate} and {settings.key} cannot be used ({reason})"
