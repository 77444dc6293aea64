"""Several services on one budget, through everything that can happen, in simulated time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from stentor.lifecycle.eviction import Bytes, within
from stentor.lifecycle.residency import Residency
from stentor.lifecycle.service import Service
from stentor.lifecycle.state import State
from tests.unit.lifecycle.machine import SimulatedMachine
from tests.unit.lifecycle.place import TIMEOUT
from tests.unit.lifecycle.simulated import STEP, Card, Starter, Thing, is_open, service
from tests.unit.lifecycle.visit import Visit

LONGEST = 300.0
"""Seconds in which every wait must end."""
PATIENT = 30.0
"""Seconds in which what waited for strangers only has started, or has failed to."""
NAMES = ("a", "b", "c", "d")
SIZE = 160
"""Of the GPU: more than the budget."""
DEVICES = ("cuda:0", "cpu", "cuda:1")


class Door:
    """A residency, with a list of who waits at it, and a look at whom it lets in."""

    def __init__(self, residency: Residency, let_in: Callable[[], None]) -> None:
        self._residency = residency
        self._let_in = let_in
        self.waiting: list[str] = []

    async def claim(self, name: str) -> None:
        self.waiting.append(name)
        try:
            await self._residency.claim(name)
            self._let_in()
        finally:
            self.waiting.remove(name)

    async def clear(self, name: str) -> bool:
        return await self._residency.clear(name)

    def free(self, name: str) -> None:
        self._residency.free(name)

    def forget(self, name: str) -> None:
        self._residency.forget(name)

    def changed(self) -> None:
        self._residency.changed()

    def has_room(self, name: str) -> bool:
        return self._residency.has_room(name)


class Machine(SimulatedMachine):
    """What fits, waits, is evicted, paused and resumed; `grows`: things may take more than they
    were said to.
    """

    grows = False

    def __init__(self) -> None:
        super().__init__()
        self.visits: list[tuple[str, Visit]] = []
        self.starters: dict[str, Starter] = {}
        self.services: dict[str, Service[Thing]] = {}
        self.cutting: dict[str, int] = {}
        """How often the owner ended it with requests inside."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        async def made() -> None:
            self.card = Card(self.starters, SIZE, tells=data.draw(st.booleans(), "driver tells"))
            look = self.card.look if data.draw(st.booleans(), "looks") else None
            self.residency = Residency({"cuda:0": 100, "ram": 100}, timeout=TIMEOUT, look=look)
            self.door = Door(self.residency, self._let_in)
            self.watching = asyncio.create_task(self.residency.watch())
            for name in NAMES:
                self._add(name, data)

        self.world.run(made())

    def _let_in(self) -> None:
        """Beside what others take, there is room for all that was let in."""
        claimed = self.residency.claimed.get("cuda:0", 0)
        left = self.residency.left_by_others.get("cuda:0", SIZE)
        if not self.grows and claimed > left:
            self.world.defects.append(f"{claimed} were let in where there are {left}")

    def _add(self, name: str, data: st.DataObject) -> None:
        def asked_to_stop() -> None:
            inside = [visit for of, visit in self.visits if of == name and visit.inside]
            if inside and not self.cutting.get(name):
                self.world.defects.append(f"{name} is stopped under a request")

        device = data.draw(st.sampled_from(DEVICES), f"device of {name}")
        memory = data.draw(st.sampled_from([60, 50, 100, 0, 120]), f"memory of {name}")
        idle = data.draw(st.sampled_from([5.0, 50.0, float("inf")]), f"idle of {name}")
        takes = {"ram" if device == "cpu" else device: memory} if memory else {}
        self.starters[name] = Starter(takes, when_asked=asked_to_stop)
        self.services[name] = service(
            self.starters[name],
            name=name,
            room=self.door,
            device=device,
            memory=memory,
            idle_timeout=idle,
            keep_warm=data.draw(st.sampled_from([False, False, True]), f"{name} is kept warm"),
            memory_limit=200.0,
        )
        self.residency.add(self.services[name])

    @rule(
        name=st.sampled_from(NAMES), outcome=st.sampled_from(["starts", "fails", "full", "hangs"])
    )
    def starts_will(self, name: str, outcome: str) -> None:
        self.starters[name].outcome = outcome

    @rule(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
    def come(self, names: list[str]) -> None:
        self.do(lambda: self.visits.extend((each, Visit(self.services[each])) for each in names))

    @rule(name=st.sampled_from(NAMES), seconds=st.sampled_from([1.0, 0.1]))
    def use(self, name: str, seconds: float) -> None:
        """Shortly."""

        def both() -> None:
            self.visits.append((name, Visit(self.services[name])))
            self.visits[-1][1].go()

        self.do(both, after=seconds)

    @precondition(lambda self: self.visits)
    @rule(data=st.data(), hang_up=st.booleans())
    def leave(self, data: st.DataObject, hang_up: bool) -> None:
        _, visit = data.draw(st.sampled_from(self.visits))
        self.do(visit.task.cancel if hang_up else visit.go)

    @rule(name=st.sampled_from(NAMES), freeze=st.booleans())
    def break_one(self, name: str, freeze: bool) -> None:
        for thing in self.starters[name].alive:
            if freeze:
                thing.obeys = False
            else:
                self.do(thing.die)

    @rule(name=st.sampled_from(NAMES), broken=st.booleans())
    def cannot_be_measured(self, name: str, broken: bool) -> None:
        for thing in self.starters[name].alive:
            thing.measurable = not broken

    @precondition(lambda self: self.grows)
    @rule(name=st.sampled_from(NAMES), by=st.sampled_from([10, 60, 300]))
    def grow(self, name: str, by: int) -> None:
        for thing in self.starters[name].alive:
            for device in ("ram", "cuda:0"):
                thing.used[device] = thing.used.get(device, 0) + by
        self.world.spend(2.5)

    @rule(budget=st.sampled_from([80, 100, 150]))
    def budget(self, budget: int) -> None:
        def change() -> None:
            self.residency.budget = {"cuda:0": budget, "ram": budget}

        if self.grows:  # one that shrinks is as good as growth
            self.do(change)

    @rule(size=st.sampled_from([0, 40, 90, SIZE]))
    def strangers(self, size: int) -> None:
        """Come and go; what is in memory they cannot take."""

        def change() -> None:
            self.card.strangers = max(0, min(size, SIZE - self.card.ours))

        self.do(change, after=2.5)

    @rule(
        devices=st.sampled_from([["cuda"], ["cuda:0"], ["cpu", "cuda:1"]]),
        timeout=st.sampled_from([1.0, 20.0]),
    )
    def pause(self, devices: Collection[str], timeout: float) -> None:
        async def pause() -> None:
            names = [n for n, s in self.services.items() if _on(s.policy.device, devices)]
            for name in names:
                self.cutting[name] = self.cutting.get(name, 0) + 1
            await self.residency.pause(devices, timeout=timeout)
            for name in names:
                self.cutting[name] -= 1
                if _on(self.services[name].policy.device, self.residency.paused):
                    assert not self.starters[name].alive, "it runs on a paused device"
                    assert self.starters[name].phase != "launch"

        self.background(pause(), after=STEP)

    @rule()
    def resume(self) -> None:
        self.do(self.residency.resume)

    @rule(name=st.sampled_from(NAMES), timeout=st.sampled_from([1.0, 20.0]))
    def unload(self, name: str, timeout: float) -> None:
        async def unload() -> None:
            self.cutting[name] = self.cutting.get(name, 0) + 1
            await self.services[name].vacate("unloaded", timeout=timeout)
            self.cutting[name] -= 1

        self.background(unload(), after=STEP)

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def replace(self, name: str, data: st.DataObject) -> None:
        """As a reload does when its last request has ended."""
        for who, visit in self.visits:
            if who == name:
                self.do(visit.task.cancel)
        self.world.run(self.services[name].close())
        assert not self.starters[name].alive
        assert name not in self.residency.services
        assert not self.residency.has_room(name)

        async def added() -> None:
            self._add(name, data)

        self.world.run(added())

    @rule(seconds=st.sampled_from([0.5, 3.0, 6.0, 70.0]))
    def spend(self, seconds: float) -> None:
        self.world.spend(seconds)

    @invariant()
    def nothing_is_claimed_beyond_the_budget(self) -> None:
        if self.services and not self.grows:
            budget = self.residency.budget
            claimed = self.residency.claimed
            assert all(claimed.get(device, 0) <= budget[device] for device in budget), claimed

    @invariant()
    def what_runs_has_claimed(self) -> None:
        """What was declared; growth is measured later."""
        for device in ("cuda:0", "ram"):
            running = [n for n, s in self.starters.items() if s.alive or s.phase == "launch"]
            takes = sum(self.starters[name].takes.get(device, 0) for name in running)
            assert self.grows or takes <= self.residency.budget[device]

    @invariant()
    def what_does_not_run_claims_nothing(self) -> None:
        if self.services:
            ended = (State.STOPPED, State.FAILED)
            here = [one for one in self.services.values() if one.state not in ended]
            for device, claimed in self.residency.claimed.items():
                most = sum(s.footprint.claim.get(device, 0) for s in here)
                assert claimed <= most, device

    @invariant()
    def nothing_of_ours_is_taken_for_a_strangers(self) -> None:
        if self.services and not self.grows:
            assert self.residency.taken_by_others.get("cuda:0", 0) <= self.card.strangers

    @invariant()
    def pinned_ones_are_not_evicted(self) -> None:
        for one in self.services.values():
            if one.policy.pinned:
                assert not re.search("makes room|is full|idle for", one.reason), one.reason

    @invariant()
    def nobody_waits_when_nothing_is_in_the_way(self) -> None:
        if not self.services:
            return
        self.world.settle()
        if not self.door.waiting:
            return
        first = self.services[self.door.waiting[0]]
        assert not _fits(first.footprint.need, self.residency), f"{first.name} waits for nothing"

    def end(self) -> None:
        if not self.services:
            return
        for _, visit in self.visits:
            visit.go()
        self.world.spend(LONGEST)
        assert all(visit.task.done() for _, visit in self.visits), "a wait without an end"
        assert all(task.done() for task in self.work)
        self.no_defect()
        assert not self.watching.done(), "memory is not looked after any more"
        self.card.strangers = 0  # what is kept warm may wait for them just now
        self.world.spend(PATIENT)
        assert not self.door.waiting
        self.do(self.residency.resume)
        assert all(is_open(one) for one in self.services.values() if one.state is State.STOPPED)
        for one in self.services.values():
            self.world.run(one.close())
        assert self.residency.claimed == {}
        assert not any(starter.alive for starter in self.starters.values())


def _on(device: str, devices: Collection[str]) -> bool:
    return device in devices or device.partition(":")[0] in devices


def _fits(need: Bytes, residency: Residency) -> bool:
    claimed, budget = residency.claimed, within(residency.budget, residency.left_by_others)
    return all(need.get(d, 0) + claimed.get(d, 0) <= most for d, most in budget.items())


class GrowingMachine(Machine):
    grows = True


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
GrowingMachine.TestCase.settings = Machine.TestCase.settings
TestDeclared = Machine.TestCase
TestGrowing = GrowingMachine.TestCase
