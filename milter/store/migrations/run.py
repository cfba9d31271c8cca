"""alembic without files of its own: the scripts are found beside this module, wherever the package lies."""

from __future__ import annotations

from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def configuration() -> Config:
    """What alembic needs to know."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def known(version: str) -> bool:
    """Whether this package has a migration of that name."""
    scripts = ScriptDirectory.from_config(configuration())
    return version in {script.revision for script in scripts.walk_revisions()}


def upgrade(connection: Connection) -> None:
    """Run what is missing, in the transaction of this connection."""
    config = configuration()
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
