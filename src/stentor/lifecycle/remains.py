"""What a child started and left behind; it may hold the memory that has to come back."""

from __future__ import annotations

import os
import signal

import psutil

MARK = "STARTED_BY_STENTOR"
"""In the environment of a child: by it all that it starts itself is known."""


def kill_remains(leader: int, mark: str) -> None:
    """Of a child that led a group, and what left that group. Blocks for some milliseconds."""
    kill_group(leader)
    while sum(_kill_if_marked(process, mark) for process in psutil.process_iter()) > 0:
        pass  # one that is killed may have started another just before


def kill_group(leader: int) -> None:
    if os.name != "posix":
        return
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nothing is left, or on macOS only what has ended


def _kill_if_marked(process: psutil.Process, mark: str) -> bool:
    try:
        if process.environ().get(MARK) != mark or process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.kill()
    except (psutil.Error, OSError):
        return False  # it ended just now, or is somebody else's
    return True
