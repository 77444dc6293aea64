"""Work on a few things at once and hand over the results in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from stentor.ended import ended

P = TypeVar("P")
R = TypeVar("R")


class Running(Generic[P, R]):
    """Work that has begun. Its results wait here, so that it never waits for who reads them."""

    def __init__(self, plan: P, work: AsyncGenerator[R, None]) -> None:
        self.plan = plan
        self._results: list[R] = []
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(work))
        self._task.add_done_callback(lambda _: self._changed.set())

    async def _run(self, work: AsyncGenerator[R, None]) -> None:
        async with aclosing(work):
            async for result in work:
                self._results.append(result)
                self._changed.set()

    async def results(self) -> AsyncIterator[list[R]]:
        """All there is, whenever there is something; raises what the work raised, after that."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            done = self._task.done()
            results, self._results = self._results, []
            if results:
                yield results
            if done:
                self._task.result()
                return

    def cancel(self) -> None:
        self._task.cancel()

    @property
    def task(self) -> asyncio.Task[None]:
        return self._task


async def in_order(
    plans: AsyncGenerator[P, None], work: Callable[[P], AsyncGenerator[R, None]], *, ahead: int
) -> AsyncGenerator[Running[P, R], None]:
    """Begins work on the next plans, at most `ahead` beyond the one that is being read.

    Owns `plans`, and closes them. An error of theirs is raised after the work that was begun before
    it. Closing the generator cancels all that runs, and waits for it.
    """
    room = asyncio.Semaphore(ahead + 1)
    begun: asyncio.Queue[Running[P, R] | None] = asyncio.Queue()

    async def begin() -> None:
        try:
            async with aclosing(plans):
                await room.acquire()
                async for plan in plans:
                    begun.put_nowait(Running(plan, work(plan)))
                    await room.acquire()
        finally:
            begun.put_nowait(None)

    beginning = asyncio.create_task(begin())
    running: Running[P, R] | None = None
    try:
        while (running := await begun.get()) is not None:
            yield running
            running.cancel()
            await ended([running.task])
            room.release()
        await beginning
    finally:
        # All are cancelled before anything is awaited: a web framework that cancels this task may
        # do so again at every await.
        beginning.cancel()
        waiting = [begun.get_nowait() for _ in range(begun.qsize())]
        left = [unread for unread in (running, *waiting) if unread is not None]
        for unread in left:
            unread.cancel()
        await ended([beginning, *(unread.task for unread in left)])
