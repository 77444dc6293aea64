"""When a client that found the queue full is told to come again."""

from __future__ import annotations

import asyncio

import pytest

from stentor.errors import QueueFull
from stentor.routing.scheduler import Admission, Scheduler
from tests.unit.lifecycle.simulated import World, world
from tests.unit.test_scheduler import Slots

__all__ = ["world"]


def told(full: Scheduler) -> float:
    with pytest.raises(QueueFull) as refused:
        full.admit()
    assert refused.value.retry_after is not None
    return round(refused.value.retry_after, 2)


async def serve(admission: Admission, seconds: float) -> None:
    with admission:
        async with admission.lease():
            await asyncio.sleep(seconds)


@pytest.mark.parametrize("slots", [1, 2])
def test_it_is_the_rest_of_what_is_served(world: World, slots: int) -> None:
    one = Scheduler([Slots(slots)], queue_limit=3)

    async def scenario() -> None:
        await serve(one.admit(), 10.0)
        served = [asyncio.create_task(serve(one.admit(), 10.0)) for _ in range(slots + 3)]
        await asyncio.sleep(4.0)
        assert told(one) == 6.0  # however many wait: the first that ends makes a place
        await asyncio.sleep(6.1)
        waiting = [one.admit() for _ in range(slots)]
        assert told(one) == 9.9
        await asyncio.wait(served)
        for each in waiting:
            each.leave()

    world.run(scenario())


def test_what_takes_longer_than_usual_may_take_as_long_again(world: World) -> None:
    one = Scheduler([Slots(1)], queue_limit=0)

    async def scenario() -> None:
        served = asyncio.create_task(serve(one.admit(), 50.0))
        await asyncio.sleep(5.0)
        assert told(one) == 5.0  # nothing is known yet
        await served
        served = asyncio.create_task(serve(one.admit(), 400.0))
        await asyncio.sleep(55.0)
        assert told(one) == 55.0
        await asyncio.sleep(100.0)
        assert told(one) == 60.0
        served.cancel()

    world.run(scenario())


def test_it_knows_of_a_model_on_its_way_into_memory(world: World) -> None:
    backend = Slots(1)
    one = Scheduler([backend], queue_limit=1)

    async def scenario() -> None:
        await serve(one.admit(), 2.0)
        backend.ready_at = world.now + 30.0
        served = [asyncio.create_task(serve(one.admit(), 32.0 - n * 30.0)) for n in range(2)]
        await asyncio.sleep(10.0)
        assert told(one) == 22.0
        await asyncio.wait(served)
        waiting = [one.admit(), one.admit()]  # which are served by nobody yet
        assert told(one) == 2.0
        for each in waiting:
            each.leave()

    world.run(scenario())


def test_the_wait_for_a_model_is_no_time_of_a_request(world: World) -> None:
    backend = Slots(1)
    one = Scheduler([backend], queue_limit=0)

    async def scenario() -> None:
        backend.ready_at = world.now + 30.0
        await serve(one.admit(), 32.0)
        served = asyncio.create_task(serve(one.admit(), 2.0))
        await asyncio.sleep(0.5)
        assert told(one) == 1.5
        await served

    world.run(scenario())
