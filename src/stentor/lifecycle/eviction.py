"""Who has to leave memory so that a model can come in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

Bytes = Mapping[str, int]
"""By device: `ram`, `cuda:0`, …"""


@dataclass(frozen=True)
class Resident:
    """Something that is in memory, or on its way into it."""

    name: str
    memory: Bytes
    """What it takes, or is known to be going to take."""
    busy: bool
    """Requests use it, or it is just being started."""
    pinned: bool
    """Its owner wants it to stay."""
    idle: float = 0.0
    """Seconds since it was last used."""
    reload: float = 0.0
    """Seconds that it takes to start it again."""


class Room(Enum):
    FITS = "fits"
    EVICT = "evict"
    """It fits when those that are named have left; they are idle."""
    WAIT = "wait"
    """It would fit if those that are named, some of them busy, had left."""
    OTHERS = "others"
    """It would fit if what other programs take were free."""
    NEVER = "never"


@dataclass(frozen=True)
class Plan:
    room: Room
    leave: tuple[str, ...] = ()
    """Names of residents, in the order in which they were chosen."""
    short: str = ""
    """The device that has not enough."""


def make_room(
    need: Bytes, residents: Sequence[Resident], budget: Bytes, left: Bytes | None = None
) -> Plan:
    """For something that needs so much. A device without a budget has room for everything.
    `left`: what other programs leave of a device, where that is known.

    The cheapest to start again leaves first, of equals the one that is idle longest; never a busy
    one while idle ones are enough, never a pinned one, and none whose leaving would not help.
    """
    plan = _make_room(need, residents, within(budget, left or {}))
    if plan.room is Room.NEVER and _make_room(need, residents, budget).room is not Room.NEVER:
        return Plan(Room.OTHERS, short=plan.short)
    return plan


def within(budget: Bytes, left: Bytes) -> Bytes:
    """The budget, where there is so much."""
    return {device: min(most, left.get(device, most)) for device, most in budget.items()}


def _make_room(need: Bytes, residents: Sequence[Resident], budget: Bytes) -> Plan:
    short = _short(need, residents, budget)
    if not short:
        return Plan(Room.FITS)
    movable = [each for each in residents if not each.pinned]
    idle = [each for each in movable if not each.busy]
    for room, candidates in ((Room.EVICT, idle), (Room.WAIT, movable)):
        leave = _leaving(need, residents, budget, candidates)
        if leave is not None:
            return Plan(room, leave, short[0])
    left = [each for each in residents if each.pinned]
    return Plan(Room.NEVER, short=_short(need, left, budget)[0])


def _leaving(
    need: Bytes, residents: Sequence[Resident], budget: Bytes, candidates: Sequence[Resident]
) -> tuple[str, ...] | None:
    """The names of those of the candidates that have to leave; None: all would not be enough."""
    ordered = sorted(candidates, key=lambda each: (each.busy, each.reload, -each.idle, each.name))
    chosen: list[Resident] = []
    for candidate in ordered:
        short = _short(need, _without(residents, chosen), budget)
        if not short:
            break
        if any(candidate.memory.get(device, 0) > 0 for device in short):
            chosen.append(candidate)
    if _short(need, _without(residents, chosen), budget):
        return None
    for spared in list(chosen):  # the cheapest first: a later, greater one may make it needless
        rest = [each for each in chosen if each is not spared]
        if not _short(need, _without(residents, rest), budget):
            chosen = rest
    return tuple(each.name for each in chosen)


def _without(residents: Sequence[Resident], leaving: Collection[Resident]) -> list[Resident]:
    names = {each.name for each in leaving}
    return [each for each in residents if each.name not in names]


def _short(need: Bytes, residents: Sequence[Resident], budget: Bytes) -> list[str]:
    """The devices on which it does not fit."""
    return [
        device
        for device, most in budget.items()
        if (wanted := need.get(device, 0)) > 0
        and wanted + sum(each.memory.get(device, 0) for each in residents) > most
    ]
