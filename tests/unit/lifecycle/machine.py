"""What the state machines of simulated services have in common."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.unit.lifecycle.simulated import STEP, World


class SimulatedMachine(RuleBasedStateMachine):
    """In a world of its own, in which no task fails and nothing is logged as a defect."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.work: set[asyncio.Task[Any]] = set()
        """What goes on beside the rules."""

    def do(self, what: Callable[[], object], *, after: float = STEP) -> None:
        """And what follows at once."""

        async def done() -> None:
            what()
            await asyncio.sleep(after)

        self.world.run(done())

    def background(self, work: Coroutine[Any, Any, Any], *, after: float = 0.0) -> None:
        async def begun() -> None:
            self.work.add(asyncio.create_task(work))
            await asyncio.sleep(after)

        self.world.run(begun())

    @invariant()
    def no_defect(self) -> None:
        assert self.world.defects == []
        for task in self.work:
            if task.done():
                task.result()

    def teardown(self) -> None:
        try:
            self.end()
        finally:
            self.world.close()

    @abstractmethod
    def end(self) -> None:
        """All that waits comes to its end, and nothing is left."""
