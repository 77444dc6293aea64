"""A service through everything that can happen to it, in simulated time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from stentor.errors import ShuttingDown
from stentor.lifecycle.service import Service
from stentor.lifecycle.state import State
from tests.unit.lifecycle.machine import SimulatedMachine
from tests.unit.lifecycle.simulated import Starter, Thing, service
from tests.unit.lifecycle.visit import Visit

LONGEST = 120.0
"""Seconds in which every wait for a service alone must end: a few starts, and the pauses between
them."""


class Life(SimulatedMachine):
    """Requests come, wait, stay and leave; starts fail, hang and are slow; what runs dies, refuses
    to stop and grows; its owner unloads it, asks it to give way, and closes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.starter = Starter()
        self.visits: list[Visit] = []
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

    def end(self) -> None:
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
