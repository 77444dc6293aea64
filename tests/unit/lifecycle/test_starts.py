from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.lifecycle.needs import Unbounded
from stentor.lifecycle.service import Service
from stentor.lifecycle.starts import expected_end
from stentor.lifecycle.state import State
from tests.unit.lifecycle.simulated import Starter, Thing, World, service, world

__all__ = ["world"]

seconds = st.floats(0, 1e6)


class Crowded(Unbounded):
    """Room after so many seconds."""

    def __init__(self, wait: float) -> None:
        self.wait = wait

    async def claim(self, name: str) -> None:
        await asyncio.sleep(self.wait)


def test_what_takes_longer_than_usual_is_half_way() -> None:
    assert expected_end(10, 5, now=12) == 15
    assert expected_end(10, 5, now=16) == 22
    assert expected_end(10, 0, now=11) == 12  # nothing is known


@given(seconds, seconds, seconds)
def test_an_end_that_is_expected_is_not_past(began: float, usual: float, elapsed: float) -> None:
    assert expected_end(began, usual, began + elapsed) >= began + elapsed


def ready_in(world: World, one: Service[Thing], *, starting_for: float | None = None) -> float:
    """Seconds, as it is told; of a start, so long after its beginning."""

    async def told() -> float:
        if starting_for is None:
            return one.ready_at - time.monotonic()
        starting = asyncio.create_task(one.ensure_ready())
        await asyncio.sleep(starting_for)
        seconds = one.ready_at - time.monotonic()
        await starting
        return seconds

    return round(world.run(told()), 2)


def test_a_start_is_expected_to_take_what_the_last_one_took(world: World) -> None:
    room, starter = Crowded(4.0), Starter(start_seconds=3.0)
    one = service(starter, room=room, idle_timeout=1.0)
    assert ready_in(world, one) == 0  # nothing is known
    assert ready_in(world, one, starting_for=2.0) == 2.0
    assert ready_in(world, one) == 0
    world.spend(3.0)
    assert one.state is State.STOPPED
    assert ready_in(world, one) == 7.0
    assert ready_in(world, one, starting_for=2.0) == 5.0
    world.spend(3.0)
    room.wait = 16.0
    assert ready_in(world, one, starting_for=12.0) == 12.0


def test_what_crashed_is_expected_after_its_pause(world: World) -> None:
    starter = Starter(start_seconds=1.0)
    one = service(starter)
    for _ in range(3):
        world.run(one.ensure_ready())
        starter.thing.die()
        world.spend()
    assert ready_in(world, one) == pytest.approx(1.0 + 1.0, abs=0.02)
