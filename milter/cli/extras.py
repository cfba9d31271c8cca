"""What is installed only where it is wanted."""

from __future__ import annotations

from milter.config import Config
from milter.errors import ConfigError


def check_extras(config: Config) -> None:
    """Raises ConfigError if settings ask for what is not installed."""
    if not config.web.listen:
        return
    try:
        import milter.frontends.web  # noqa: F401
    except ImportError:
        raise ConfigError("web.listen: needs Starlette; install it with: pip install 'blackmail-filter[web]'") from None
