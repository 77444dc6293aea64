"""What a service must do at moments that were once missed."""

from __future__ import annotations

import asyncio

import pytest

from stentor.errors import ModelUnavailable
from stentor.lifecycle.state import State
from tests.unit.lifecycle.simulated import Starter, World, is_open, service
from tests.unit.lifecycle.simulated import world as world  # a fixture
from tests.unit.lifecycle.test_service_machine import LONGEST


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


def test_what_hangs_up_and_lives_is_not_waited_for_again_and_again(world: World) -> None:
    """A client waits for all of its tries. One that does end then is seen to."""
    starter = Starter(start_seconds=0.0)

    async def run() -> None:
        one = service(starter)
        running = await one.ensure_ready()
        began = world.now
        for _ in range(4):
            await one.ended(running)
        assert 2.0 < world.now - began < 4.0
        running.dies_slowly = True
        one.kill(running, "it takes no connections")
        await one.ended(running)
        assert one.state is State.FAILED
        again = await one.ensure_ready()
        began = world.now
        await one.ended(again)
        assert world.now - began >= 2.0
        await one.close()

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
