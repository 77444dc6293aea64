"""Several services on one budget, through everything that can happen, in simulated time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stentor.errors import NoRoom
from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.residency import PATIENCE, Residency
from stentor.lifecycle.service import Service
from stentor.lifecycle.state import State
from tests.unit.lifecycle.simulated import Starter, Thing, World, is_open, service
from tests.unit.lifecycle.simulated import world as world  # a fixture
from tests.unit.lifecycle.test_service import Visit

TIMEOUT = 60.0
"""Seconds that a claim waits."""
LONGEST = 300.0
"""Seconds in which every wait must end."""
NAMES = ("a", "b", "c", "d")
DEVICES = ("cuda:0", "cpu", "cuda:1")


class Door:
    """A residency, with a list of who waits at it."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self.waiting: list[str] = []

    async def claim(self, name: str) -> None:
        self.waiting.append(name)
        try:
            await self._residency.claim(name)
        finally:
            self.waiting.remove(name)

    def free(self, name: str) -> None:
        self._residency.free(name)

    def forget(self, name: str) -> None:
        self._residency.forget(name)

    def changed(self) -> None:
        self._residency.changed()

    def has_room(self, name: str) -> bool:
        return self._residency.has_room(name)


class Machine(RuleBasedStateMachine):
    """What fits, waits, is evicted, paused and resumed; `grows`: things may take more than they
    were said to.
    """

    grows = False

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.visits: list[tuple[str, Visit]] = []
        self.starters: dict[str, Starter] = {}
        self.services: dict[str, Service[Thing]] = {}
        self.work: set[asyncio.Task[Any]] = set()
        self.cutting: dict[str, int] = {}
        """How often the owner ended it with requests inside."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        async def made() -> None:
            self.residency = Residency({"cuda:0": 100, "ram": 100}, timeout=TIMEOUT)
            self.door = Door(self.residency)
            self.watching = asyncio.create_task(self.residency.watch())
            for name in NAMES:
                self._add(name, data)

        self.world.run(made())

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

    def do(self, what: Callable[[], object], *, after: float = 0.01) -> None:
        async def done() -> None:
            what()
            await asyncio.sleep(after)

        self.world.run(done())

    @rule(name=st.sampled_from(NAMES), outcome=st.sampled_from(["starts", "fails", "hangs"]))
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

        self._background(pause())

    def _background(self, work: Any) -> None:
        async def begun() -> None:
            task = asyncio.create_task(work)
            self.work.add(task)
            await asyncio.sleep(0.01)

        self.world.run(begun())

    @rule()
    def resume(self) -> None:
        self.do(self.residency.resume)

    @rule(name=st.sampled_from(NAMES), timeout=st.sampled_from([1.0, 20.0]))
    def unload(self, name: str, timeout: float) -> None:
        async def unload() -> None:
            self.cutting[name] = self.cutting.get(name, 0) + 1
            await self.services[name].vacate("unloaded", timeout=timeout)
            self.cutting[name] -= 1

        self._background(unload())

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

    @invariant()
    def no_defect(self) -> None:
        assert self.world.defects == []
        for task in self.work:
            if task.done():
                task.result()

    def teardown(self) -> None:
        try:
            if self.services:
                self._end()
        finally:
            self.world.close()

    def _end(self) -> None:
        for _, visit in self.visits:
            visit.go()
        self.world.spend(LONGEST)
        assert all(visit.task.done() for _, visit in self.visits), "a wait without an end"
        assert all(task.done() for task in self.work)
        self.no_defect()
        assert not self.watching.done(), "memory is not looked after any more"
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
    claimed, budget = residency.claimed, residency.budget
    return all(need.get(d, 0) + claimed.get(d, 0) <= most for d, most in budget.items())


class GrowingMachine(Machine):
    grows = True


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
GrowingMachine.TestCase.settings = Machine.TestCase.settings
TestDeclared = Machine.TestCase
TestGrowing = GrowingMachine.TestCase


class Place:
    """A residency with services of so many bytes, each idle until it is asked."""

    def __init__(self, budget: int, *, timeout: float = TIMEOUT, **memory: int) -> None:
        self.residency = Residency({"ram": budget}, timeout=timeout)
        self.starters = {name: Starter({"ram": size}) for name, size in memory.items()}
        self.services = {name: self.add(name, memory[name]) for name in memory}

    def add(self, name: str, memory: int, **policy: Any) -> Service[Thing]:
        starter = self.starters.setdefault(name, Starter({"ram": memory}))
        policy = {"idle_timeout": 1000.0, "memory": memory} | policy
        one = service(starter, name=name, room=self.residency, **policy)
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


def test_while_one_is_stopped_no_other_has_to_go_for_the_same_need(world: World) -> None:
    """It takes its time; meanwhile much else changes."""

    async def run() -> None:
        place = Place(100, a=50, b=50, c=50)
        await place.use("a")
        await asyncio.sleep(1)
        await place.use("b")
        await asyncio.sleep(PATIENCE)
        place.starters["a"].thing.obeys = False
        waiting = asyncio.create_task(place.use("c"))
        await asyncio.sleep(0.1)
        assert place.states() == "a:draining b:ready c:starting"
        for _ in range(5):
            place.residency.changed()
        place.residency.measured("b", {"ram": 50})
        await waiting
        assert place.states() == "a:stopped b:ready c:ready"
        await place.close()

    world.run(run())


def test_what_was_just_loaded_is_left_alone_for_a_while(world: World) -> None:
    """Or two models under short requests would be loaded for each of them."""

    async def run() -> None:
        place = Place(100, a=60, b=60)
        await place.use("a")
        waiting = asyncio.create_task(place.use("b"))
        await asyncio.sleep(PATIENCE / 2)
        assert place.states() == "a:ready b:starting"
        assert not place.residency.has_room("b")
        await waiting
        assert place.states() == "a:stopped b:ready"
        await place.close()

    world.run(run())


def test_a_budget_that_is_just_used_up_is_not_too_full(world: World) -> None:
    async def run() -> None:
        place = Place(100, a=50, b=50)
        watching = asyncio.create_task(place.residency.watch())
        await place.use("a", "b")
        await asyncio.sleep(10)
        assert place.states() == "a:ready b:ready"
        place.starters["a"].thing.used["ram"] = 51
        await asyncio.sleep(5)
        assert place.states() == "a:stopped b:ready"
        assert place.services["a"].reason == "ram is full"
        watching.cancel()
        await place.close()

    world.run(run())


def test_what_grew_past_the_budget_can_be_started_again_alone(world: World) -> None:
    async def run() -> None:
        place = Place(100, a=50, b=50)
        await place.use("a")
        place.residency.measured("a", {"ram": 130})
        assert place.services["a"].state is State.DRAINING  # there is too much, and it is idle
        await place.use("b")
        await place.use("a")
        assert place.states() == "a:ready b:stopped"
        place.services["c"] = place.add("c", 101)
        with pytest.raises(NoRoom, match="c needs 0 MiB of ram: all may take 0 MiB"):
            await place.use("c")
        await place.close()

    world.run(run())


def test_a_greater_budget_lets_in_who_waits(world: World) -> None:
    async def run() -> None:
        place = Place(50, a=50, b=50)
        place.services["a"].enter()
        await place.services["a"].ensure_ready()
        waiting = asyncio.create_task(place.use("b"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        place.residency.budget = {"ram": 100}
        async with asyncio.timeout(1):
            await waiting
        place.services["a"].leave()
        await place.close()

    world.run(run())


def test_patience_ends_once_and_for_all(world: World) -> None:
    """Nothing else happens: the timer alone has to close what is in use."""

    async def run() -> None:
        place = Place(100, a=100, b=100)
        place.services["a"].enter()
        await place.services["a"].ensure_ready()
        waiting = asyncio.create_task(place.use("b"))
        await asyncio.sleep(1.9)
        assert is_open(place.services["a"])
        await asyncio.sleep(0.2)
        assert not is_open(place.services["a"])
        place.services["a"].leave()
        await waiting
        await place.close()

    world.run(run())


def test_who_gives_up_takes_back_what_was_asked_for_it(world: World) -> None:
    async def run() -> None:
        place = Place(100, a=100, b=100)
        place.services["a"].enter()
        await place.services["a"].ensure_ready()
        waiting = asyncio.create_task(place.use("b"))
        await asyncio.sleep(3)
        assert not is_open(place.services["a"])
        waiting.cancel()
        await asyncio.sleep(0.1)
        assert is_open(place.services["a"])
        assert place.services["b"].state is State.STOPPED
        place.services["a"].leave()
        await asyncio.sleep(1)
        assert place.states() == "a:ready b:stopped"
        await place.close()

    world.run(run())


def test_two_that_do_not_fit_together_take_turns(world: World) -> None:
    served: list[str] = []

    async def run() -> None:
        place = Place(100, a=100, b=100)

        async def client(name: str) -> None:
            one = place.services[name]
            while len(served) < 60:
                while not is_open(one):  # noqa: ASYNC110 - in simulated time
                    await asyncio.sleep(0.01)
                one.enter()
                await one.ensure_ready()
                await asyncio.sleep(0.4)
                served.append(name)
                one.leave()

        async with asyncio.timeout(400):
            await asyncio.gather(*(client(name) for name in "aabb"))
        await place.close()

    world.run(run())
    assert min(served.count("a"), served.count("b")) > 20
    runs = "".join(served)
    assert "aa" in runs
    assert "bb" in runs  # what was just loaded does more than one request


def test_resumed_while_requests_still_end_nothing_is_cut(world: World) -> None:
    async def run() -> None:
        place = Place(100, a=50)
        one = place.services["a"]
        warm = place.services["w"] = place.add("w", 50, keep_warm=True)
        one.enter()
        warm.enter()
        await asyncio.gather(one.ensure_ready(), warm.ensure_ready())
        pausing = asyncio.create_task(place.residency.pause(["cpu"], timeout=20))
        await asyncio.sleep(1)
        assert not is_open(one)
        assert not pausing.done()
        place.residency.resume()
        await pausing
        assert is_open(one)
        assert is_open(warm)
        await asyncio.sleep(30)
        assert place.states() == "a:ready w:ready"
        one.leave()
        warm.leave()
        await place.close()

    world.run(run())


def test_a_pause_goes_on_when_who_asked_for_it_has_gone(world: World) -> None:
    async def run() -> None:
        place = Place(100, a=50)
        place.services["a"].enter()
        await place.services["a"].ensure_ready()
        pausing = asyncio.create_task(place.residency.pause(["cpu"], timeout=20))
        await asyncio.sleep(1)
        pausing.cancel()
        place.services["a"].leave()
        await asyncio.sleep(1)
        assert place.services["a"].state is State.STOPPED
        with pytest.raises(NoRoom, match="cpu is paused"):
            await place.use("a")
        await place.close()

    world.run(run())


def test_what_cannot_be_measured_does_not_end_the_watch(world: World) -> None:
    async def run() -> None:
        place = Place(1000, a=50, b=50)
        watching = asyncio.create_task(place.residency.watch())
        await place.use("a", "b")
        place.starters["a"].thing.measurable = False
        place.starters["b"].thing.used["ram"] = 70
        await asyncio.sleep(5)
        assert place.services["b"].footprint.used == {"ram": 70}
        assert not watching.done()
        watching.cancel()
        await place.close()

    world.run(run())
    assert [entry["event"] for entry in world.log].count("not_measured") == 1


def test_what_was_forgotten_has_no_room(world: World) -> None:
    async def run() -> None:
        place = Place(100, a=50)
        await place.use("a")
        one = place.services["a"]
        await one.close()
        assert not one.healthy  # and asking does no harm
        assert place.residency.claimed == {}
        assert place.residency.name("a") == "a"

    world.run(run())


def test_what_only_one_can_have_goes_from_one_to_the_other(world: World) -> None:
    """However much memory there is."""

    async def run() -> None:
        place = Place(1000, a=1, b=1)
        for name in ("c", "d"):
            place.services[name] = place.add(name, 1, exclusive="port 9000")
        await place.use("a", "b", "c")
        place.services["c"].enter()
        waiting = asyncio.create_task(place.use("d"))
        await asyncio.sleep(PATIENCE + 1)
        assert place.states() == "a:ready b:ready c:ready d:starting"
        assert not is_open(place.services["c"])
        place.services["c"].leave()
        await waiting
        assert place.states() == "a:ready b:ready c:stopped d:ready"
        place.services["e"] = place.add("e", 1, exclusive="port 9000")
        place.services["d"].unpin()
        await place.use("e")
        assert place.states() == "a:ready b:ready c:stopped d:stopped e:ready"
        place.services["f"] = place.add("f", 1, exclusive="port 9000", keep_warm=True)
        await place.use("f")
        with pytest.raises(NoRoom, match="e needs port 9000, which something else has"):
            await place.use("e")
        await place.close()

    world.run(run())
