"""Other programs on a GPU: what they take is not ours to give, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from stentor.errors import NoRoom
from stentor.lifecycle.residency import OTHERS_PATIENCE
from stentor.lifecycle.state import State
from stentor.lifecycle.strangers import LOOK_TIMEOUT, Seen, taken_by_others
from tests.unit.lifecycle.place import Place
from tests.unit.lifecycle.simulated import World
from tests.unit.lifecycle.simulated import world as world  # a fixture

MIB = 2**20
SIZE = 100 * MIB


@pytest.mark.parametrize(
    ("seen", "takes", "moving", "before", "others"),
    [
        (Seen(100, 100, 0), 0, False, 0, 0),
        (Seen(100, 30, 0), 0, False, 0, 70),
        (Seen(100, 30, 50), 0, False, 0, 20),
        (Seen(100, 30, 0), 50, False, 0, 20),  # the driver does not tell whose it is
        (Seen(100, 30, 60), 50, False, 0, 10),  # it grew since it was measured
        (Seen(100, 30, 0), 90, False, 0, 0),
        (Seen(100, 30, 0), 0, True, 0, 0),  # it may be what is just being loaded
        (Seen(100, 30, 0), 0, True, 20, 20),
        (Seen(100, 90, 0), 0, True, 20, 10),
    ],
)
def test_what_is_not_ours(seen: Seen, takes: int, moving: bool, before: int, others: int) -> None:
    assert taken_by_others(seen, takes, moving=moving, before=before) == others


def card(**memory: int) -> Place:
    """`memory`: MiB of services."""
    return Place(SIZE, gpu=True, **{name: size * MIB for name, size in memory.items()})


@asynccontextmanager
async def watched(place: Place) -> AsyncIterator[None]:
    watching = asyncio.create_task(place.residency.watch())
    await asyncio.sleep(0.1)
    yield
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    await place.close()


def ready(place: Place) -> str:
    return "".join(n for n, s in place.services.items() if s.state is State.READY)


def test_what_does_not_fit_beside_strangers_is_refused_in_time(world: World) -> None:
    async def run() -> None:
        place = card(a=50)
        place.card.strangers = 60 * MIB
        async with watched(place):
            assert not place.services["a"].healthy  # another backend is asked first
            began = world.now
            told = "a needs 50 MiB of cuda:0: other programs hold 60 MiB of it"
            with pytest.raises(NoRoom, match=told) as refused:
                await place.use("a")
            assert OTHERS_PATIENCE <= world.now - began < OTHERS_PATIENCE + 3
            assert refused.value.retry_after
            assert place.services["a"].state is State.STOPPED
            assert place.starters["a"].launches == 0
            place.card.strangers = 0
            await place.use("a")
            assert ready(place) == "a"

    world.run(run())


def test_who_waits_comes_in_when_they_are_gone(world: World) -> None:
    async def run() -> None:
        place = card(a=50)
        place.card.strangers = 60 * MIB
        async with watched(place):
            waiting = asyncio.create_task(place.use("a"))
            await asyncio.sleep(5)
            assert not waiting.done()
            place.card.strangers = 40 * MIB
            async with asyncio.timeout(3):
                await waiting

    world.run(run())


def test_a_short_wait_for_memory_tells_of_them_too(world: World) -> None:
    async def run() -> None:
        place = Place(SIZE, gpu=True, timeout=3.0, a=50 * MIB)
        place.card.strangers = 60 * MIB
        async with watched(place):
            with pytest.raises(NoRoom, match="other programs hold 60 MiB"):
                await place.use("a")

    world.run(run())


def test_who_waits_for_strangers_holds_nobody_up(world: World) -> None:
    async def run() -> None:
        place = card(a=50, b=30)
        place.card.strangers = 60 * MIB
        async with watched(place):
            waiting = asyncio.create_task(place.use("a"))
            await asyncio.sleep(1)
            assert place.services["b"].healthy
            await place.use("b")
            await asyncio.sleep(3)
            place.card.strangers = 0
            await waiting
            assert ready(place) == "ab"

    world.run(run())


@pytest.mark.parametrize("tells", [True, False])
def test_an_idle_one_leaves_where_strangers_came(world: World, tells: bool) -> None:
    """There was room for both; and nobody leaves for what finds no room then."""

    async def run() -> None:
        place = card(a=30, b=40, c=80)
        place.card.tells = tells
        async with watched(place):
            await place.use("a")
            await asyncio.sleep(5)
            assert place.residency.taken_by_others == {"cuda:0": 0}
            place.card.strangers = 50 * MIB
            with pytest.raises(NoRoom, match="other programs hold 50 MiB"):
                await place.use("c")
            assert ready(place) == "a"
            await place.use("b")
            assert ready(place) == "b"
            assert place.services["a"].reason == "it makes room for b"

    world.run(run())


def test_what_is_being_loaded_is_no_strangers(world: World) -> None:
    """It takes its memory long before it is ready and was measured."""

    async def run() -> None:
        place = card(a=40, b=40)
        place.card.tells = False
        place.starters["a"].start_seconds = 10.0
        async with watched(place):
            loading = asyncio.create_task(place.use("a"))
            await asyncio.sleep(4)
            await place.use("b")
            assert not loading.done()
            await loading
            assert ready(place) == "ab"

    world.run(run())


def test_a_driver_that_hangs_keeps_nobody_waiting(world: World) -> None:
    async def run() -> None:
        place = card(a=50, b=50)
        place.card.hangs = True
        async with watched(place):
            async with asyncio.timeout(LOOK_TIMEOUT + 1):
                await place.use("a")
            async with asyncio.timeout(1):
                await place.use("b")
            assert place.card.looks == 1

    world.run(run())
