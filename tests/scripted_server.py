"""A server whose inspector does as a mail tells it; run with the path of a configuration file."""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path

from milter.config import load
from milter.errors import ConfigError
from milter.frontends import supervisor
from milter.frontends.server import serve
from milter.model import Verdict

path = Path(sys.argv[1])


async def inspector(raw, envelope):
    if b"die" in raw:
        os._exit(9)
    if b"wait" in raw:
        await asyncio.sleep(1.0)
    if b"hang" in raw:
        hang()
    return Verdict()


def hang():
    while True:
        time.sleep(60)


def make_inspector(config, policies, campaigns):
    if config.hostname == "crash.example":
        supervisor.work = None
    if config.hostname.startswith("slow"):
        compile_slowly(config.hostname)
    if "killed.test" in config.own_domains:
        os._exit(9)
    if "broken.test" in config.own_domains:
        raise ConfigError("rules.yaml:3: broken")
    return inspector


def compile_slowly(name):
    """Takes until somebody says it is done; then it is in a cache."""
    done = path.with_name(f"compiled-{name}")
    path.with_name(f"compiling-{name}").touch()
    while not done.exists():
        time.sleep(0.02)


def main():
    logging.basicConfig(level="INFO")
    # A test of what hangs shall not take longer than it must.
    supervisor.LEAST_PATIENCE = float(os.environ.get("LEAST_PATIENCE", supervisor.LEAST_PATIENCE))
    try:
        serve(load(path), make_inspector, reload=lambda: load(path))
    except ConfigError as error:
        sys.exit(str(error))


main()
