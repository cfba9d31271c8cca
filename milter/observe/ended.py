"""The figures of processes that have ended: kept in one file for all of them, so that sums never fall."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

_FILE = re.compile(r"(counter|histogram|gauge_\w+)_(\d+)\.db")


def is_running(pid: int) -> bool:
    """Whether there is a process of that number that has not ended; one that nobody has waited for yet has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        # Gone since, or a system without: then only its absence tells.
        return False
    return stat.rpartition(b")")[2].split()[0] == b"Z"


def gather_ended(folder: Path, running: Callable[[int], bool] = is_running) -> None:
    """Add the files of ended processes to those of earlier ones; what they had open or in hand is no more.

    To be called by one process at a time, and not while the folder is read.
    """
    for path in sorted(folder.iterdir()):
        found = _FILE.fullmatch(path.name)
        if found is None or running(int(found[2])):
            continue
        if not found[1].startswith("gauge"):
            _add(path, folder / f"{found[1]}_ended.db")
        path.unlink()


def _add(ended: Path, to: Path) -> None:
    sums = MmapedDict(str(to))
    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(ended)):
            sums.write_value(key, sums.read_value(key)[0] + value, 0.0)
    finally:
        sums.close()
