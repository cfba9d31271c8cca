"""Which process holds a claim, and whether it is gone."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

PROC = Path("/proc")


def this_process() -> str:
    """Machine, process and its start, as words; the start keeps a later process of that number apart."""
    return f"{_machine()} {os.getpid()} {_start(os.getpid()) or '-'}"


def is_gone(owner: str) -> bool:
    """Whether the process ran on this machine and has ended; of others nothing is known here."""
    machine, _, process = owner.partition(" ")
    number, _, start = process.partition(" ")
    if machine != _machine() or not number.isdecimal() or start == "-":
        return False
    return _start(int(number)) != start


@cache
def _machine() -> str:
    """Host name, boot and process namespace: only where all of them are the same, numbers mean the same process."""
    boot, namespace = PROC / "sys/kernel/random/boot_id", PROC / "self/ns/pid"
    known = boot.read_text(encoding="ascii").strip() if boot.exists() else "-"
    return f"{socket.gethostname()}/{known}/{namespace.stat().st_ino if namespace.exists() else '-'}".replace(" ", "_")


def _start(pid: int) -> str | None:
    """When a process began, in the kernel's ticks (proc(5), field 22 of stat); None if there is none."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name, in brackets, may hold anything.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]
