"""What the commands of the quarantine share: the store, who sits before it, and which mails are meant."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from milter.cli.moments import end, moment
from milter.cli.options import config_option, load_config
from milter.config import Config, Store
from milter.errors import StoreError
from milter.model import Kind
from milter.store.records import Filter, State, Waiting

if TYPE_CHECKING:
    from milter.store.opened import OpenStore

FILTERS: tuple[tuple[str, Any, str], ...] = (
    ("--since", moment, "Arrived at this time or later: 2026-11-24, 2026-11-24T18:30, 12h, 3d."),
    ("--until", end, "Arrived before this time, or on this day."),
    ("--recipient", str, "To this address or domain."),
    ("--sender", str, "From this address or domain, by envelope or From."),
    ("--rule", str, "With this rule (threat.publish) or one of this group (threat)."),
    ("--wallet", str, "With this payment address."),
    ("--kind", click.Choice(get_args(Kind)), "Of this kind."),
    ("--state", click.Choice([*get_args(State), *get_args(Waiting)]), "In this state."),
    ("--campaign", int, "Of this campaign."),
    ("--text", str, "With these words in subject, sender or text; reads one mail after the other."),
)


@dataclass(frozen=True, slots=True)
class Desk:
    """An open store, its settings, and who is at it since when."""

    config: Config
    store: OpenStore
    actor: str
    now: datetime


def desk_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-c FILE` and `--as NAME`."""
    who = click.option("--as", "actor", metavar="NAME", help="Who does it, for the audit log; default: your login.")
    return config_option(who(function))


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which mails are meant; `chosen` makes a filter of them."""
    for name, kind, text in reversed(FILTERS):
        function = click.option(name, type=kind, help=text)(function)
    return function


def yes_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--yes`; `confirm` asks without it."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be undone; where nobody can answer, --yes has to be said."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this cannot be undone: say --yes")
    click.confirm(question, abort=True)


def chosen(options: Mapping[str, Any]) -> Filter:
    """The filter that the options of `filter_options` ask for."""
    return Filter(**{name: options[name] for name in (option.removeprefix("--") for option, _, _ in FILTERS)})


@contextlib.contextmanager
def desk(config_path: Path | None, actor: str | None = None, *, make: bool = False) -> Iterator[Desk]:
    """Open the store of a configuration; make allows to make one. Raises ConfigError and StoreError."""
    from milter.store.opened import open_store

    config = load_config(config_path)
    if not make:
        _check_exists(config.store)
    with open_store(config.store) as store:
        yield Desk(config, store, actor or login_name(), datetime.now(UTC))


def _check_exists(settings: Store) -> None:
    """A mistyped path must not look like an empty quarantine."""
    if settings.file and not settings.exists:
        where = settings.file.absolute()
        raise StoreError(f"there is no store at {where}: nothing was quarantined yet, or -c is missing")


def say(text: str) -> None:
    """Print a line in which strangers' addresses may stand; they cannot write to the terminal."""
    from milter.evidence.masking import visible

    click.echo(visible(text))


def login_name() -> str:
    """Who runs this command; behind sudo, who called it."""
    if os.geteuid() == 0 and (caller := os.environ.get("SUDO_USER")):
        return caller
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
