"""Services that share the memory of one device."""

from __future__ import annotations

from typing import Any

from stentor.lifecycle.residency import Residency
from stentor.lifecycle.service import Service
from tests.unit.lifecycle.simulated import Card, Starter, Thing, service

TIMEOUT = 60.0
"""Seconds that a claim waits."""


class Place:
    """A residency with services of so many bytes, each idle until it is asked. `gpu`: they are on
    one, which is looked at.
    """

    def __init__(
        self, budget: int, *, gpu: bool = False, timeout: float = TIMEOUT, **memory: int
    ) -> None:
        self._memory, self._device = ("cuda:0", "cuda:0") if gpu else ("ram", "cpu")
        self.starters = {name: Starter({self._memory: size}) for name, size in memory.items()}
        self.card = Card(self.starters, budget)
        look = self.card.look if gpu else None
        self.residency = Residency({self._memory: budget}, timeout=timeout, look=look)
        self.services = {name: self.add(name, memory[name]) for name in memory}

    def add(self, name: str, memory: int, **policy: Any) -> Service[Thing]:
        starter = self.starters.setdefault(name, Starter({self._memory: memory}))
        usual = {"idle_timeout": 1000.0, "memory": memory, "device": self._device}
        one = service(starter, name=name, room=self.residency, **(usual | policy))
        self.residency.add(one)
        return one

    async def use(self, *names: str) -> None:
        """One after the other."""
        for name in names:
            one = self.services[name]
            one.enter()
            try:
                await one.ensure_ready()
            finally:
                one.leave()

    def states(self) -> str:
        return " ".join(f"{n}:{s.state.value}" for n, s in self.services.items())

    async def close(self) -> None:
        for one in list(self.services.values()):
            await one.close()
