"""Calls that are given up, and when together they tell that nothing lives there."""

from __future__ import annotations

import asyncio

from stentor.errors import WorkerLost
from stentor.lifecycle.service import Service
from stentor.lifecycle.silence import Silence
from tests.unit.lifecycle.simulated import Starter, Thing, World, service
from tests.unit.lifecycle.simulated import world as world  # a fixture

LIMIT = 10.0


async def given_up(silence: Silence[Thing], one: Service[Thing], seconds: float) -> None:
    async def call() -> None:
        with silence.of_call(one):
            await asyncio.Event().wait()

    calling = asyncio.create_task(call())
    await asyncio.wait([calling], timeout=seconds)
    calling.cancel()
    await asyncio.wait([calling])


def test_one_after_another_they_wait_long_enough(world: World) -> None:
    starter = Starter()

    async def run() -> None:
        one, silence = service(starter), Silence[Thing](LIMIT)
        await one.ensure_ready()
        for _ in range(3):
            await given_up(silence, one, 3.0)
            await asyncio.sleep(100)  # nobody waits, and nothing is due
        assert starter.alive
        await given_up(silence, one, 3.0)
        assert not starter.alive
        await one.close()

    world.run(run())


def test_those_that_wait_together_wait_once(world: World) -> None:
    starter = Starter()

    async def run() -> None:
        one, silence = service(starter), Silence[Thing](LIMIT)
        await one.ensure_ready()
        await asyncio.gather(*(given_up(silence, one, 6.0) for _ in range(4)))
        assert starter.alive
        await given_up(silence, one, 5.0)
        assert not starter.alive
        await one.close()

    world.run(run())


def test_what_was_heard_counts_for_all(world: World) -> None:
    starter = Starter()

    async def run() -> None:
        one, silence = service(starter), Silence[Thing](LIMIT)
        await one.ensure_ready()
        for _ in range(5):
            waiting = asyncio.create_task(given_up(silence, one, 8.0))
            await asyncio.sleep(4.0)
            silence.heard()
            await waiting
            await given_up(silence, one, 4.0)
            silence.heard()
        assert starter.alive
        await one.close()

    world.run(run())


def test_another_one_is_not_blamed_for_the_one_before(world: World) -> None:
    starter = Starter()

    async def run() -> None:
        one, silence = service(starter), Silence[Thing](LIMIT)
        await one.ensure_ready()
        await given_up(silence, one, 8.0)
        starter.thing.die()
        await asyncio.sleep(1)
        await one.ensure_ready()
        await given_up(silence, one, 8.0)
        assert starter.alive
        await one.close()

    world.run(run())


def test_one_that_was_lost_and_lives_is_blamed(world: World) -> None:
    """Its connections break, and it does not end."""
    starter = Starter()

    async def run() -> None:
        one, silence = service(starter), Silence[Thing](LIMIT)
        await one.ensure_ready()
        for _ in range(6):
            try:
                with silence.of_call(one):
                    await asyncio.sleep(2.0)
                    raise WorkerLost("the connection broke")
            except WorkerLost:
                pass
        assert not starter.alive
        await one.close()

    world.run(run())
