"""What other programs take of the GPUs: a game has its memory, whatever we have planned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import structlog

from stentor.lifecycle.eviction import Bytes

log = structlog.get_logger(__name__)

LOOK_TIMEOUT = 1.0
"""Seconds that a decision waits for a driver's answer; then it is made by what was known."""


@dataclass(frozen=True)
class Seen:
    """A GPU, as its driver tells. Bytes."""

    size: int
    free: int
    ours: int
    """What processes of ours take, as far as it tells: inside a container it may not."""


Look = Callable[[], Awaitable[Mapping[str, Seen]]]
"""By device."""


@dataclass(frozen=True)
class Ours:
    """What is known here of the services that have claimed memory."""

    takes: Bytes
    """As measured last; of what cannot be measured, what it claims."""
    moving: Collection[str]
    """Devices on which one of them is starting or ending: nobody knows what it takes just now."""


def taken_by_others(seen: Seen, takes: int, *, moving: bool, before: int) -> int:
    """`takes`: by services of ours; `before`: what this told last. While something of ours moves
    there, what seems to be new may be ours, and is not taken for another's.
    """
    others = max(0, seen.size - seen.free - max(seen.ours, takes))
    return min(others, before) if moving else others


class Strangers:
    """Knows what it saw last. Used on the event loop only."""

    def __init__(self, look: Look | None = None) -> None:
        self._look = look
        self._asked: asyncio.Task[Mapping[str, Seen]] | None = None
        self._sizes: Bytes = {}
        self._taken: Bytes = {}

    @property
    def can_look(self) -> bool:
        return self._look is not None

    @property
    def taken(self) -> Bytes:
        """By device, as seen last."""
        return self._taken

    @property
    def left(self) -> Bytes:
        """What they leave of each device to all of us together."""
        return {device: size - self._taken[device] for device, size in self._sizes.items()}

    def forget(self) -> None:
        """Nobody looks any more: what was seen is too old to go by."""
        self._sizes, self._taken = {}, {}

    async def look(self, ours: Callable[[], Ours]) -> None:
        """Returns when it has seen them anew, or the driver is too slow to tell."""
        if self._look is None:
            return
        before = ours().moving
        hangs = self._asked is not None and not self._asked.done()
        if self._asked is None or not hangs:
            self._asked = asyncio.ensure_future(self._look())
        asked = self._asked
        # The answer of one that hangs is too old when it comes; until then no other is asked.
        await asyncio.wait([asked], timeout=0 if hangs else LOOK_TIMEOUT)
        if hangs or not asked.done() or asked.cancelled():
            return
        if (error := asked.exception()) is not None:
            log.warning("gpus_not_seen", why=str(error), kind=type(error).__name__)
            return
        seen, now = asked.result(), ours()
        self._sizes = {device: each.size for device, each in seen.items()}
        self._taken = {
            device: taken_by_others(
                each,
                now.takes.get(device, 0),
                moving=device in before or device in now.moving,
                before=self._taken.get(device, 0),
            )
            for device, each in seen.items()
        }
