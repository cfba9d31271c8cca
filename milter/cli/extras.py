"""What is installed only where it is wanted."""

from __future__ import annotations

from importlib.util import find_spec

from milter.config import Config
from milter.errors import ConfigError


def check_extras(config: Config) -> None:
    """Raises ConfigError if settings ask for what is not installed."""
    if config.web.listen:
        _check("web.listen", "Starlette", ("starlette", "uvicorn"), "web")
    if config.metrics.listen:
        _check("metrics.listen", "prometheus-client", ("prometheus_client",), "metrics")


def _check(setting: str, needed: str, modules: tuple[str, ...], extra: str) -> None:
    # Only looked for: prometheus-client must be told of its folder before it is imported.
    if not all(find_spec(module) for module in modules):
        raise ConfigError(f"{setting}: needs {needed}; install it with: pip install 'blackmail-filter[{extra}]'")
