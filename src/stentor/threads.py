"""The bounded pool for CPU work: encoding, decoding, resampling, voice activity."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from stentor.ended import ended

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Jobs should be short (a second of audio or so): that is how soon a cancelled one ends."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, "cpu")

    async def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A cancelled caller still waits for a job that has begun: what it uses must outlive it."""
        running = self._pool.submit(job, *args, **kwargs)
        try:
            return await asyncio.shield(asyncio.wrap_future(running))
        except asyncio.CancelledError:
            if not running.cancel():
                await ended([asyncio.wrap_future(running)])
            raise

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
