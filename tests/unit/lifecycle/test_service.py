"""A service through everything that can happen to it, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stentor.errors import ModelUnavailable, NoRoom, ShuttingDown, StentorError
from stentor.lifecycle.needs import Unbounded
from stentor.lifecycle.service import Service
from stentor.lifecycle.state import State
from tests.unit.lifecycle.simulated import Starter, Thing, World, is_open, service
from tests.unit.lifecycle.simulated import world as world  # a fixture

LONGEST = 120.0
"""Seconds in which every wait for a service alone must end: a few starts, and the pauses between
them."""


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


class Life(RuleBasedStateMachine):
    """Requests come, wait, stay and leave; starts fail, hang and are slow; what runs dies, refuses
    to stop and grows; its owner unloads it, asks it to give way, and closes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.starter = Starter()
        self.visits: list[Visit] = []
        self.work: set[asyncio.Task[Any]] = set()
        self.vacating = 0
        self.closed = False
        self.starter.when_asked = self.it_is_asked_to_stop

    def it_is_asked_to_stop(self) -> None:
        """Nobody who is inside loses it for another reason than its owner's."""
        if not self.closed and not self.vacating and any(visit.inside for visit in self.visits):
            self.world.defects.append("it is stopped under a request")

    @initialize(
        idle=st.sampled_from([0.0, 5.0, float("inf")]),
        keep_warm=st.booleans(),
        limit=st.sampled_from([100.0, float("inf")]),
    )
    def begin(self, idle: float, keep_warm: bool, limit: float) -> None:
        async def made() -> Service[Thing]:
            return service(self.starter, idle_timeout=idle, keep_warm=keep_warm, memory_limit=limit)

        self.one = self.world.run(made())

    def do(self, what: Callable[[], object], *, after: float = 0.01) -> None:
        async def done() -> None:
            what()
            await asyncio.sleep(after)

        self.world.run(done())

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        async def begun() -> None:
            self.work.add(asyncio.create_task(work))

        self.world.run(begun())

    @rule(
        outcome=st.sampled_from(["starts", "fails", "hangs"]),
        seconds=st.sampled_from([0.0, 0.5, 15.0]),
        preparing=st.sampled_from([0.0, 3.0]),
    )
    def starts_will(self, outcome: str, seconds: float, preparing: float) -> None:
        self.starter.outcome = outcome
        self.starter.start_seconds = seconds
        self.starter.prepare_seconds = preparing

    @precondition(lambda self: not self.closed)
    @rule()
    def come(self) -> None:
        self.do(lambda: self.visits.append(Visit(self.one)))

    @precondition(lambda self: self.visits)
    @rule(data=st.data(), rest=st.booleans())
    def leave(self, data: st.DataObject, rest: bool) -> None:
        visit = data.draw(st.sampled_from(self.visits))
        self.do(visit.go_on if rest else visit.go)

    @precondition(lambda self: not self.closed)
    @rule(seconds=st.sampled_from([0.1, 1.0]))
    def use(self, seconds: float) -> None:
        """Shortly."""

        def both() -> None:
            self.come_now()
            self.visits[-1].go()

        self.do(both, after=seconds)

    @precondition(lambda self: self.visits)
    @rule(data=st.data(), before=st.booleans())
    def hang_up(self, data: st.DataObject, before: bool) -> None:
        """`before`: in the very moment in which another request comes."""
        visit = data.draw(st.sampled_from(self.visits))

        def both() -> None:
            if before:
                self.come_now()
            visit.task.cancel()

        self.do(both)

    def come_now(self) -> None:
        if not self.closed:
            self.visits.append(Visit(self.one))

    @rule()
    def die(self) -> None:
        for thing in self.starter.alive:
            self.do(thing.die)

    @rule()
    def freeze(self) -> None:
        for thing in self.starter.alive:
            thing.obeys = False

    @rule(used=st.sampled_from([50, 150]))
    def measure(self, used: int) -> None:
        self.do(lambda: self.one.measured({"ram": used}))

    @rule()
    def give_way(self) -> None:
        self.do(lambda: self.one.give_way("for a test"))

    @rule()
    def stay(self) -> None:
        self.do(lambda: self.one.stay("for a test"))

    @rule(come=st.booleans())
    def withdraw(self, come: bool) -> None:
        """`come`: a start is given up in the moment in which it is begun."""

        async def both() -> None:
            if come:
                self.come_now()
                await asyncio.sleep(0)
            self.one.withdraw()

        self.world.run(both())

    @precondition(lambda self: not self.closed and self.one.policy.keep_warm)
    @rule()
    def warm_up(self) -> None:
        self.do(self.one.warm_up)

    @rule(timeout=st.sampled_from([0.0, 2.0, 60.0]), hurry=st.booleans())
    def unload(self, timeout: float, hurry: bool) -> None:
        async def unload() -> None:
            self.vacating += 1
            try:
                async with asyncio.timeout(1.0 if hurry else None):
                    waiting = any(visit.waits for visit in self.visits)
                    await self.one.vacate("unloaded", timeout=timeout)
                    assert waiting or any(v.waits for v in self.visits) or not self.starter.alive
            except TimeoutError:
                pass  # who asked for it has gone
            finally:
                self.vacating -= 1

        self.background(unload())

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 40.0]))
    def spend(self, seconds: float) -> None:
        self.world.spend(seconds)

    @rule(drain=st.sampled_from([0.0, 10.0]))
    def close(self, drain: float) -> None:
        async def close() -> None:
            self.closed = True
            await self.one.close(drain_timeout=drain)
            assert not self.starter.alive

        self.background(close())

    @invariant()
    def one_thing_at_most(self) -> None:
        assert len(self.starter.alive) <= 1

    @invariant()
    def what_cannot_be_used_is_gone(self) -> None:
        if getattr(self, "one", None) and self.one.state in (State.STOPPED, State.FAILED):
            assert not self.starter.alive

    @invariant()
    def open_again_when_it_has_stopped(self) -> None:
        if getattr(self, "one", None) and self.one.state in (State.STOPPED, State.FAILED):
            assert self.one.open

    @invariant()
    def no_defect(self) -> None:
        assert self.world.defects == []
        for task in self.work:
            if task.done():
                task.result()

    def teardown(self) -> None:
        try:
            self._end()
        finally:
            self.world.close()

    def _end(self) -> None:
        if not hasattr(self, "one"):
            return
        self.world.spend(LONGEST)
        assert not [visit for visit in self.visits if visit.waits], "a wait without an end"
        for visit in self.visits:
            self.do(visit.go)
        self.world.spend(LONGEST)
        assert all(visit.task.done() for visit in self.visits)
        assert self.one.users == 0
        pinned = self.one.policy.pinned
        if not pinned and not self.closed:
            assert self.one.state in (State.STOPPED, State.FAILED), "it is idle"
        self.world.run(self.one.close())
        assert (self.one.state, self.starter.alive) == (State.STOPPED, [])
        assert all(task.done() for task in self.work)
        self.no_defect()
        self.world.spend(LONGEST)
        assert not self.starter.alive, "it runs after it was closed"
        with pytest.raises(ShuttingDown):
            self.world.run(self.one.ensure_ready())
        assert self.world.defects == []


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase


def test_a_start_given_up_before_its_first_step_keeps_nobody_waiting(world: World) -> None:
    async def run() -> None:
        one = service(Starter())
        waiting = asyncio.create_task(one.ensure_ready())
        await asyncio.sleep(0)
        one.withdraw()
        async with asyncio.timeout(5):
            await waiting
        await one.close()

    world.run(run())


def test_who_gives_up_closing_does_not_keep_it_from_ending(world: World) -> None:
    starter = Starter()

    async def run() -> None:
        one = service(starter)
        await one.ensure_ready()
        starter.thing.obeys = False
        closing = asyncio.create_task(one.close())
        await asyncio.sleep(0.1)
        closing.cancel()
        await asyncio.wait([closing])
        await one.close()
        assert one.state is State.STOPPED

    world.run(run())
    assert not starter.alive


def test_what_has_to_go_for_its_owner_does_not_stay_for_another(world: World) -> None:
    """Memory was wanted, then it was unloaded, then the memory was not wanted any more."""

    async def run() -> None:
        one = service(Starter())
        one.enter()
        await one.ensure_ready()
        one.give_way("room for another")
        unloading = asyncio.create_task(one.vacate("unloaded", timeout=30))
        await asyncio.sleep(0.1)
        one.stay("room for another")
        assert not is_open(one)
        one.leave()
        async with asyncio.timeout(1):
            await unloading
        assert (one.state, one.open) == (State.STOPPED, True)

    world.run(run())


def test_what_cannot_be_killed_keeps_no_request_for_ever(world: World) -> None:
    """Its memory is not free: another one is started only when it has gone."""
    starter = Starter()

    async def run() -> None:
        one = service(starter)
        await one.ensure_ready()
        held = starter.thing
        held.held, held.obeys = True, False
        unloading = asyncio.create_task(one.vacate("unloaded", timeout=0))
        await asyncio.sleep(10)
        with pytest.raises(ModelUnavailable, match=r"was stopped \(unloaded\), and does not end"):
            await one.ensure_ready()
        assert (one.state, starter.alive) == (State.DRAINING, [held])
        held.die()
        await asyncio.gather(unloading, one.ensure_ready())
        assert starter.thing is not held
        await one.close()

    world.run(run())
    assert world.now < LONGEST


def test_unloading_waits_for_the_end_of_a_start_that_it_gives_up(world: World) -> None:
    starter = Starter(start_seconds=15, clean_up_seconds=2)

    async def run() -> None:
        one = service(starter)
        waiting = asyncio.create_task(one.ensure_ready())
        await asyncio.sleep(0.1)
        waiting.cancel()
        await one.vacate("unloaded", timeout=1)
        assert (one.state, starter.phase) == (State.STOPPED, "")

    world.run(run())


def test_unloading_does_not_wait_for_what_comes_after_it(world: World) -> None:
    """Requests that wait for its end start it again at once."""
    starter = Starter(start_seconds=0.0)

    async def run() -> None:
        one = service(starter)
        await one.ensure_ready()
        first = starter.thing
        unloading = asyncio.create_task(one.vacate("unloaded", timeout=30))
        await asyncio.sleep(0)
        one.enter()
        await asyncio.gather(unloading, one.ensure_ready())
        assert starter.thing is not first
        assert is_open(one)
        one.leave()
        await one.close()

    world.run(run())
    assert world.now < 5


def test_a_given_up_unloading_lets_requests_in_again(world: World) -> None:
    async def run() -> None:
        one = service(Starter())
        one.enter()
        await one.ensure_ready()
        unloading = asyncio.create_task(one.vacate("unloaded", timeout=30))
        await asyncio.sleep(0.1)
        assert not is_open(one)
        unloading.cancel()
        await asyncio.wait([unloading])
        assert is_open(one)
        one.leave()
        assert one.state is State.READY
        await one.close()

    world.run(run())


def test_kept_warm_it_is_started_anew_when_it_has_grown(world: World) -> None:
    starter = Starter()

    async def run() -> None:
        one = service(starter, keep_warm=True, memory_limit=100)
        await one.ensure_ready()
        first = starter.thing
        one.enter()
        one.measured({"ram": 101})
        assert first.alive
        assert not is_open(one)
        one.leave()
        await asyncio.sleep(5)
        assert starter.thing is not first
        assert is_open(one)
        await one.close()

    world.run(run())


def test_a_leak_is_no_need(world: World) -> None:
    async def run() -> None:
        one = service(Starter(), idle_timeout=60.0, memory=50, memory_limit=100)
        await one.ensure_ready()
        one.measured({"ram": 1000})
        assert one.footprint.need == {"ram": 100}
        await one.close()

    world.run(run())


def test_what_was_measured_once_is_not_forgotten(world: World) -> None:
    async def run() -> None:
        one = service(Starter(), memory=50)
        await one.ensure_ready()
        one.measured({"ram": 70})
        one.measured({})  # it could not be told
        assert one.footprint.need == {"ram": 70}
        await one.close()

    world.run(run())


def test_a_listener_that_fails_keeps_nobody_waiting(world: World) -> None:
    heard: list[State] = []

    async def run() -> None:
        one = service(Starter())

        def fail() -> None:
            raise RuntimeError("a defect")

        one.on_change(fail)
        one.on_change(lambda: heard.append(one.state))
        await one.ensure_ready()
        await one.close()

    world.run(run())
    assert heard[0] is State.STARTING
    assert heard[-1] is State.STOPPED
    assert "listener_failed" in {entry["event"] for entry in world.log}


def test_kept_warm_it_is_tried_again_and_again(world: World) -> None:
    starter = Starter(outcome="fails")

    async def run() -> None:
        one = service(starter, keep_warm=True)
        one.warm_up()
        await asyncio.sleep(60)
        tried = starter.launches
        assert 3 < tried < 12
        with pytest.raises(ModelUnavailable, match="told to fail"):
            await one.ensure_ready()
        starter.outcome = "starts"
        await asyncio.sleep(31)
        assert one.state is State.READY
        await one.close()

    world.run(run())


@pytest.mark.parametrize("asked", [False, True], ids=["after-a-minute", "when-asked"])
def test_kept_warm_it_finds_memory_that_was_not_there_before(world: World, asked: bool) -> None:
    class Full(Unbounded):
        there = False

        async def claim(self, name: str) -> None:
            if not self.there:
                raise NoRoom("all is taken")

    room = Full()

    async def run() -> None:
        one = service(Starter(), keep_warm=True, room=room)
        one.warm_up()
        await asyncio.sleep(30)
        assert one.running is None
        room.there = True
        if asked:
            one.warm_up()
        await asyncio.sleep(1 if asked else 31)
        assert one.state is State.READY
        await one.close()

    world.run(run())
    assert [entry["event"] for entry in world.log].count("not_kept_warm") == 1


def test_one_who_leaves_does_not_take_warming_up_along(world: World) -> None:
    class Full:
        """Room comes after ten seconds."""

        claims = 0

        async def claim(self, name: str) -> None:
            self.claims += 1
            await asyncio.sleep(10)

        def free(self, name: str) -> None: ...
        def forget(self, name: str) -> None: ...
        def changed(self) -> None: ...
        def has_room(self, name: str) -> bool:
            return False

    room = Full()

    async def run() -> None:
        one = service(Starter(), keep_warm=True, room=room)
        one.warm_up()
        await asyncio.sleep(5)
        one.enter()
        one.leave()
        await asyncio.sleep(6)
        assert (one.state, room.claims) == (State.READY, 1)
        await one.close()

    world.run(run())
