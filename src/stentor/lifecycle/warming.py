"""Keeping warm what is to be there when it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from stentor.errors import NoRoom

log = structlog.get_logger(__name__)

AGAIN = 60.0
"""Seconds until what found no memory is tried again."""


class Warming:
    """Starts something in the background, again and again while it fails."""

    def __init__(self, name: str, start: Callable[[], Awaitable[bool]]) -> None:
        """`start`: False: it has to be tried once more; raises NoRoom."""
        self._name = name
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()

    @property
    def under_way(self) -> bool:
        return self._task is not None and not self._task.done()

    def begin(self) -> None:
        """If it has not begun; what waits for memory that may be there now is tried at once."""
        self._wanted.set()
        if not self.under_way:
            self._task = asyncio.create_task(self._warm())

    def cancel(self) -> list[asyncio.Task[None]]:
        """The task that was under way; when it has ended, nothing of it is left."""
        task, self._task = self._task, None
        if task is None:
            return []
        task.cancel()
        return [task]

    async def _warm(self) -> None:
        while not await self._tried():
            pass

    async def _tried(self) -> bool:
        self._wanted.clear()
        try:
            return await self._start()
        except NoRoom as error:
            log.warning("not_kept_warm", service=self._name, why=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), AGAIN)
            return False
