"""Services that share a budget, at moments that were once missed."""

from __future__ import annotations

import asyncio

import pytest

from stentor.errors import NoRoom
from stentor.lifecycle.residency import PATIENCE
from stentor.lifecycle.state import State
from tests.unit.lifecycle.place import Place
from tests.unit.lifecycle.simulated import World, is_open
from tests.unit.lifecycle.simulated import world as world  # a fixture


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


def test_what_finds_no_memory_to_load_in_has_another_try_without_the_idle_ones(
    world: World,
) -> None:
    """They took more than was known. It is no failure of its own."""

    async def run() -> None:
        place = Place(1000, a=50, b=50, c=50, p=50)
        place.services["p"] = place.add("p", 50, idle_timeout=float("inf"))
        await place.use("a", "b", "p")
        place.services["b"].enter()
        place.starters["c"].outcome = "full"
        with pytest.raises(NoRoom, match="told to find no memory"):
            await place.use("c")
        assert place.states() == "a:stopped b:ready c:stopped p:ready"
        assert place.services["a"].reason == "c found too little memory"
        assert place.starters["c"].launches == 2
        assert not place.services["c"].healthy  # another backend is better
        with pytest.raises(NoRoom):
            await place.use("c")  # at once, and once: nobody is there who might leave
        assert place.starters["c"].launches == 3
        place.starters["c"].outcome = "starts"
        await place.use("c")
        assert place.states() == "a:stopped b:ready c:ready p:ready"
        place.services["b"].leave()
        await place.close()

    world.run(run())


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
