from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.lifecycle.eviction import Plan, Resident, Room, make_room

BUDGET = {"cuda:0": 10, "ram": 100}


def resident(
    name: str,
    gpu: int = 0,
    ram: int = 0,
    *,
    busy: bool = False,
    pinned: bool = False,
    idle: float = 0.0,
    reload: float = 0.0,
) -> Resident:
    return Resident(name, {"cuda:0": gpu, "ram": ram}, busy, pinned, idle, reload)


@pytest.mark.parametrize(
    ("need", "residents", "plan"),
    [
        ({"cuda:0": 10}, [], Plan(Room.FITS)),
        ({}, [resident("a", 10)], Plan(Room.FITS)),
        ({"mps": 99}, [resident("a", 10)], Plan(Room.FITS)),
        ({"cuda:0": 4}, [resident("a", 6)], Plan(Room.FITS)),
        ({"cuda:0": 5}, [resident("a", 6)], Plan(Room.EVICT, ("a",), "cuda:0")),
        # What is on another device does not help.
        (
            {"cuda:0": 5},
            [resident("a", 6), resident("b", 0, 90)],
            Plan(Room.EVICT, ("a",), "cuda:0"),
        ),
        # The cheapest to start again, then the one that is idle longest.
        (
            {"cuda:0": 5},
            [resident("dear", 5, reload=9.0), resident("cheap", 5, reload=1.0)],
            Plan(Room.EVICT, ("cheap",), "cuda:0"),
        ),
        (
            {"cuda:0": 5},
            [resident("fresh", 5, idle=1.0), resident("stale", 5, idle=9.0)],
            Plan(Room.EVICT, ("stale",), "cuda:0"),
        ),
        # A small one that leaves does not leave for nothing, when a great one has to go anyway.
        (
            {"cuda:0": 9},
            [resident("small", 1, reload=1.0), resident("great", 9, reload=9.0)],
            Plan(Room.EVICT, ("great",), "cuda:0"),
        ),
        # Idle ones before busy ones, whatever they cost.
        (
            {"cuda:0": 5},
            [resident("busy", 5, busy=True), resident("idle", 5, reload=99.0)],
            Plan(Room.EVICT, ("idle",), "cuda:0"),
        ),
        ({"cuda:0": 5}, [resident("busy", 6, busy=True)], Plan(Room.WAIT, ("busy",), "cuda:0")),
        ({"cuda:0": 5}, [resident("pinned", 6, pinned=True)], Plan(Room.NEVER, (), "cuda:0")),
        ({"cuda:0": 11}, [], Plan(Room.NEVER, (), "cuda:0")),
        (
            {"cuda:0": 5, "ram": 50},
            [resident("gpu", 6), resident("ram", 0, 60)],
            Plan(Room.EVICT, ("gpu", "ram"), "cuda:0"),
        ),
    ],
)
def test_plan(need: dict[str, int], residents: list[Resident], plan: Plan) -> None:
    assert make_room(need, residents, BUDGET) == plan


@pytest.mark.parametrize(
    ("need", "residents", "left", "plan"),
    [
        ({"cuda:0": 4}, [], {"cuda:0": 4}, Plan(Room.FITS)),
        ({"cuda:0": 5}, [], {"cuda:0": 4}, Plan(Room.OTHERS, (), "cuda:0")),
        ({"cuda:0": 5}, [], {"cuda:1": 0}, Plan(Room.FITS)),
        ({"cuda:0": 11}, [], {"cuda:0": 4}, Plan(Room.NEVER, (), "cuda:0")),
        ({"cuda:0": 11}, [], {"cuda:0": 20}, Plan(Room.NEVER, (), "cuda:0")),
        ({"cuda:0": 4}, [resident("a", 2)], {"cuda:0": 5}, Plan(Room.EVICT, ("a",), "cuda:0")),
        # Nobody leaves where strangers are in the way all the same.
        ({"cuda:0": 6}, [resident("a", 2)], {"cuda:0": 5}, Plan(Room.OTHERS, (), "cuda:0")),
        (
            {"cuda:0": 4},
            [resident("a", 2, pinned=True)],
            {"cuda:0": 5},
            Plan(Room.OTHERS, (), "cuda:0"),
        ),
    ],
)
def test_plan_beside_other_programs(
    need: dict[str, int], residents: list[Resident], left: dict[str, int], plan: Plan
) -> None:
    assert make_room(need, residents, BUDGET, left) == plan


sizes = st.fixed_dictionaries({"cuda:0": st.integers(0, 6), "ram": st.integers(0, 60)})
everyone = st.lists(
    st.builds(
        Resident,
        st.sampled_from("abcdef"),
        sizes,
        busy=st.booleans(),
        pinned=st.booleans(),
        idle=st.floats(0, 100),
        reload=st.floats(0, 100),
    ),
    max_size=6,
    unique_by=lambda each: each.name,
)


def fits(need: dict[str, int], residents: list[Resident]) -> bool:
    return all(
        not need[device] or need[device] + sum(r.memory[device] for r in residents) <= most
        for device, most in BUDGET.items()
    )


@given(sizes, everyone)
def test_a_plan_is_enough_and_asks_of_nobody_what_it_must_not(
    need: dict[str, int], residents: list[Resident]
) -> None:
    plan = make_room(need, residents, BUDGET)
    leaving = [each for each in residents if each.name in plan.leave]
    staying = [each for each in residents if each.name not in plan.leave]
    assert not any(each.pinned for each in leaving)
    assert fits(need, staying) == (plan.room is not Room.NEVER)
    if plan.room is Room.EVICT:
        assert leaving
        assert not any(each.busy for each in leaving)
    for spared in leaving:
        assert not fits(need, [*staying, spared]), "it left for nothing"


@given(sizes, everyone)
def test_never_is_told_only_where_it_is_true(
    need: dict[str, int], residents: list[Resident]
) -> None:
    movable = [each for each in residents if not each.pinned]
    pinned = [each for each in residents if each.pinned]
    possible = any(
        fits(need, [*pinned, *stay])
        for count in range(len(movable) + 1)
        for stay in combinations(movable, count)
    )
    idle = [each for each in movable if not each.busy]
    enough = fits(need, [each for each in residents if each not in idle])
    room = make_room(need, residents, BUDGET).room
    assert (room is Room.NEVER) == (not possible)
    assert (room in (Room.FITS, Room.EVICT)) == enough
