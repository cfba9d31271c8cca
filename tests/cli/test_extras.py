"""What is missing is said in one line, with what to type."""

import sys

import pytest

from milter.cli.extras import check_extras
from milter.config import Config
from milter.errors import ConfigError


@pytest.mark.parametrize(
    ("setting", "module", "extra"),
    [("metrics", "prometheus_client", "metrics"), ("web", "starlette", "web"), ("web", "uvicorn", "web")],
)
def test_a_missing_extra_says_how_to_install_it(monkeypatch, setting, module, extra):
    config = Config(**{setting: {"listen": "127.0.0.1:9109"}})
    check_extras(config)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError) as found:
        check_extras(config)
    assert str(found.value).startswith(f"{setting}.listen: needs ")
    assert str(found.value).endswith(f"install it with: pip install 'blackmail-filter[{extra}]'")
    check_extras(Config())
