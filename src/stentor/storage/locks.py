"""Folders that several processes may want to make, of which one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCKS = ".locks"
PARTIAL = ".partial"
"""What the name of a folder ends with that is in the making, or was not made to its end."""
ASK_AGAIN = 0.2
"""Seconds until it is looked whether another process is done."""


@asynccontextmanager
async def locked(root: Path, key: str, waits: Callable[[], None]) -> AsyncIterator[None]:
    """The folder `key` below that one is this process's, and no longer that of one that was killed.
    `waits` is called once, if another one has it.
    """
    lock = _lock(root, key)
    if not _acquired(lock):
        waits()
        while not _acquired(lock):  # noqa: ASYNC110 - no event tells of another process
            await asyncio.sleep(ASK_AGAIN)
    try:
        yield
    finally:
        lock.release()


def is_free(root: Path, key: str) -> bool:
    """No process makes that folder now."""
    lock = _lock(root, key)
    if free := _acquired(lock):
        lock.release()
    return free


def _lock(root: Path, key: str) -> FileLock:
    locks = root / LOCKS
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / key, blocking=False, thread_local=False)


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
