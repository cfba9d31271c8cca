"""A fault of ours in one line: what it is and where, without the words of the mail that its own text may hold."""

from __future__ import annotations

import traceback
from pathlib import Path

from milter.errors import BlackmailFilterError

# The innermost frames, and the faults behind a fault, that are told.
FRAMES = 6
CAUSES = 3


def in_one_line(error: BaseException) -> str:
    """Kinds and places, the innermost first; of faults of the system and those meant for people the text, too."""
    told: list[str] = []
    while len(told) < CAUSES:
        told.append(_one(error))
        behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if behind is None:
            break
        error = behind
    return ", after ".join(told)


def _one(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{_short(frame.filename)}:{frame.lineno}" for frame in reversed(frames)][:FRAMES]
    return f"{type(error).__name__}{_text(error)}" + (f" at {' < '.join(places)}" if places else "")


def _text(error: BaseException) -> str:
    if isinstance(error, BlackmailFilterError):
        return f" ({error})"
    if isinstance(error, OSError) and error.strerror:
        return f" ({error.strerror}{f': {error.filename}' if error.filename else ''})"
    return ""


def _short(name: str) -> str:
    return "/".join(Path(name).parts[-2:])
