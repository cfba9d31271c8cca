"""`install-service`: run the filter by systemd."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from milter.cli.options import SYSTEM_CONFIG, config_option
from milter.cli.service_files import (
    FIRST_CONFIG,
    SERVICE,
    UNITS,
    credential,
    is_hidden,
    service_files,
    socket_unit,
)
from milter.config import Config, load
from milter.errors import ConfigError
from milter.frontends.sockets import addresses


@click.command("install-service")
@config_option
@click.option("--dry-run", is_flag=True, help="Print the files and write nothing.")
@click.option("--force", is_flag=True, help="Replace files that differ.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/"),
    help="Write below this folder instead of /, as packagers do.",
)
def command(config_path: Path | None, dry_run: bool, force: bool, root: Path) -> None:
    """Write what systemd needs to run `serve`: units, a user of its own, folders. Say what to run next.

    The service has a read-only file system but for /var/lib/blackmail-filter and /var/cache/blackmail-filter, and each
    socket a unit of its own, so that a restart refuses no connection. Without /etc/blackmail-filter/config.yaml one is
    written to begin with.
    """
    path = (config_path or SYSTEM_CONFIG).absolute()
    is_new = config_path is None and not _below(root, path).exists()
    config = load(FIRST_CONFIG if is_new else path if config_path else _below(root, path))
    program = _program()
    files = service_files(config, path, program)
    if is_new:
        files[path] = FIRST_CONFIG.read_text(encoding="utf-8")
    if dry_run:
        for file, content in files.items():
            click.echo(f"# {file}\n{content}")
    else:
        _check(files, root, force=force)
        _write(files, root)
        _make_key(config, root)
    click.echo("Once these files are there, run:" if dry_run else "Now run:", err=dry_run)
    for step in _next_steps(config, path, root):
        click.echo(f"    {step}", err=dry_run)
    # The Python of a virtual environment is a link to one that may lie in a home.
    for needed in (path, program, Path(sys.executable).resolve()):
        if is_hidden(needed):
            click.echo(f"Warning: {needed}: the service cannot see that; move it, for instance below /opt", err=True)


def _program() -> Path:
    """The command itself, as systemd can start it. Raises ConfigError."""
    beside = Path(sys.executable).with_name("blackmail-filter")
    found = str(beside) if beside.exists() else shutil.which("blackmail-filter")
    if not found:
        raise ConfigError("the command blackmail-filter is not on the PATH: install the package first")
    return Path(found).absolute()


def _check(files: dict[Path, str], root: Path, *, force: bool) -> None:
    """Raises ConfigError before anything is written."""
    if root == Path("/") and os.geteuid() != 0:
        raise ConfigError("install-service writes below /etc: run it as root, or look at it with --dry-run")
    for file, content in files.items():
        there = _below(root, file)
        if not force and there.exists() and there.read_text(encoding="utf-8", errors="replace") != content:
            raise ConfigError(f"{there} is there and differs: compare it with --dry-run, and replace it with --force")


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _write(files: dict[Path, str], root: Path) -> None:
    for file, content in files.items():
        there = _below(root, file)
        try:
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(content, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{there}: cannot be written ({error.strerror})") from error
        click.echo(f"wrote {there}")


def _make_key(config: Config, root: Path) -> None:
    """systemd starts no service whose credential is not there."""
    from milter.store.keys import new_ring

    key_file = credential(config)
    if key_file and not (there := _below(root, key_file)).exists():
        new_ring(there)
        click.echo(f"wrote {there}: keep a copy elsewhere, without it kept mail is lost")


def _next_steps(config: Config, path: Path, root: Path) -> list[str]:
    units = [socket_unit(setting) for setting in addresses(config)]
    left = sorted(set(_below(root, UNITS).glob(socket_unit("*"))) - {_below(root, UNITS / unit) for unit in units})
    return [
        "systemd-sysusers blackmail-filter.conf",
        "systemd-tmpfiles --create blackmail-filter.conf",
        f"blackmail-filter check -c {path}",
        *(f"systemctl disable --now {unit.name} && rm {unit}" for unit in left),
        "systemctl daemon-reload",
        f"systemctl enable --now {' '.join([*units, SERVICE])}",
    ]
