"""A service that its owner wants to be ready, always."""

from __future__ import annotations

import asyncio

import pytest

from stentor.errors import ModelUnavailable, NoRoom
from stentor.lifecycle.needs import Unbounded
from stentor.lifecycle.state import State
from tests.unit.lifecycle.simulated import Starter, World, is_open, service
from tests.unit.lifecycle.simulated import world as world  # a fixture


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

        async def clear(self, name: str) -> bool:
            return False

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
