"""Points in time as people type them, and ages as people read them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

import click

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6}) ?([mhdw])", re.IGNORECASE)


def moment(text: str) -> datetime:
    """An ISO date or time, local unless it says otherwise, or how long ago ("90m", "12h", "3d", "2w"); in UTC."""
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2].lower()]: int(ago[1])})
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"'{text}' is no time; write 2026-11-24, 2026-11-24T18:30, 12h or 3d") from None


def end(text: str) -> datetime:
    """The same; a bare date is the end of that day, however many hours it has."""
    try:
        day = date.fromisoformat(text.strip()) + timedelta(days=1)
    except (ValueError, OverflowError):
        return moment(text)
    return datetime.combine(day, time()).astimezone(UTC)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in one number: "40s", "12m", "5h", "3d"."""
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def local(moment: datetime) -> str:
    """A time on this machine's clock, to the second."""
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")
