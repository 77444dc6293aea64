"""A request in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from stentor.errors import StentorError
from stentor.lifecycle.service import Service
from tests.unit.lifecycle.simulated import Thing


class Visit:
    """A request: it enters, waits for the service, stays in a call until it is told to go on, and
    inside, without a call, until it is told to go.
    """

    def __init__(self, of: Service[Thing]) -> None:
        self._of = of
        self._go_on, self._go = asyncio.Event(), asyncio.Event()
        self.waits = True
        self._uses: Thing | None = None
        of.enter()
        self.task = asyncio.create_task(self._run())

    @property
    def inside(self) -> bool:
        """It uses what runs."""
        return not self.task.done() and self._uses is not None and self._uses.alive

    async def _run(self) -> None:
        try:
            self._uses = await self._of.ensure_ready()
            self.waits = False
            with self._of.call():
                await self._until_either(self._go_on.wait(), self._uses.exited())
            await self._until_either(self._go.wait(), self._uses.exited())
        except StentorError:
            pass  # a clear error is an end
        finally:
            self.waits = False
            self._of.leave()

    async def _until_either(self, *ends: Coroutine[Any, Any, object]) -> None:
        tasks = [asyncio.create_task(end) for end in ends]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def go_on(self) -> None:
        self._go_on.set()

    def go(self) -> None:
        self._go_on.set()
        self._go.set()
