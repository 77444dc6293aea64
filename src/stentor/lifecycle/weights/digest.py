"""Hashes of files of gigabytes, by pieces: whoever is cancelled waits for one of them only."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BLOCK = 2**24
"""Bytes that are read at once."""


async def digest_of(file: Path, digest: hashlib._Hash) -> str:
    """Hexadecimal, of what was put into the digest before and the file. Raises OSError."""
    with file.open("rb") as opened:
        while block := await finished(partial(opened.read, BLOCK)):
            await finished(partial(digest.update, block))
    return digest.hexdigest()


async def finished(work: Callable[[], T]) -> T:
    """Of a thread, which nothing can stop: whoever is cancelled waits until it is done with the
    file.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
