"""Time that passes at once, and things to start that do as they are told."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from stentor.errors import ModelUnavailable, NoRoom
from stentor.lifecycle.needs import Policy, Room
from stentor.lifecycle.service import Service
from stentor.lifecycle.strangers import Seen

T = TypeVar("T")
START_TIMEOUT = 20.0
STEP = 0.01
"""Seconds of simulated time: what is to happen at once has happened then."""
ROUNDS_MOST = 10_000
"""Of the loop, without any time passing."""


class _Selector(selectors.SelectSelector):
    """Nothing comes from outside: where a loop would wait, time goes on."""

    now = 0.0
    _rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        assert found or timeout is not None, "everything waits, and nothing will ever happen"
        self._rounds = 0 if timeout else self._rounds + 1
        assert self._rounds < ROUNDS_MOST, "something waits without waiting"
        if not found:
            self.now += timeout or 0.0
        return found


class World:
    """An event loop whose clock is the clock of all that runs on it."""

    def __init__(self) -> None:
        self._selector = _Selector()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self.defects: list[str] = []
        self.log: list[MutableMapping[str, Any]] = []
        self._loop.set_exception_handler(lambda _, context: self.defects.append(str(context)))

    @property
    def now(self) -> float:
        return self._selector.now

    def run(self, work: Awaitable[T]) -> T:
        """Until the work has ended, however long that takes in its own time."""
        with self._own_time():
            return self._loop.run_until_complete(work)

    def spend(self, seconds: float = STEP) -> None:
        self.run(asyncio.sleep(seconds))

    def settle(self) -> None:
        """What is due happens, and no time passes."""

        async def rounds() -> None:
            for _ in range(20):
                await asyncio.sleep(0)

        self.run(rounds())

    def close(self) -> None:
        """What still runs is cancelled."""
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                self.run(asyncio.gather(*tasks, return_exceptions=True))
        finally:
            self._loop.close()

    @contextmanager
    def _own_time(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "monotonic", lambda: self._selector.now)
            with capture_logs() as entries:
                yield
            self.log += entries


@dataclass
class Thing:
    """What was started. It dies, refuses to stop, and grows as it is told."""

    used: dict[str, int]
    obeys: bool = True
    held: bool = False
    """By the system: it cannot be killed, as in a driver that hangs."""
    dies_slowly: bool = False
    """In a second: it gives back a GPU's memory."""
    stop_takes: float = 0.2
    measurable: bool = True
    asked_to_stop: bool = False
    alive: bool = True
    when_asked: Callable[[], None] = lambda: None
    """Called when it is asked to stop while it runs."""
    _exited: asyncio.Event = field(default_factory=asyncio.Event)

    def die(self) -> None:
        self.alive = False
        self._exited.set()

    async def exited(self) -> int | None:
        await self._exited.wait()
        return 0 if self.asked_to_stop else -9

    def kill(self) -> None:
        if self.dies_slowly:
            asyncio.get_running_loop().call_later(1.0, self.die)
        elif not self.held:
            self.die()

    async def stop(self, *, timeout: float = 3.0) -> None:
        if self.alive and not self.asked_to_stop:
            self.asked_to_stop = True
            self.when_asked()
        patience = min(timeout, self.stop_takes) if self.obeys else timeout
        try:
            async with asyncio.timeout(patience):
                await self._exited.wait()
        except TimeoutError:
            self.kill()
            await self._exited.wait()

    async def memory(self) -> Mapping[str, int]:
        if not self.measurable:
            raise OSError("this cannot be measured now")
        await asyncio.sleep(STEP)
        return dict(self.used) if self.alive else {}


def is_open(one: Service[Thing]) -> bool:
    return one.open


@dataclass
class Starter:
    """A launcher. What its starts do is told before each."""

    takes: Mapping[str, int] = field(default_factory=dict)
    """Bytes by device that a thing takes when it has started."""
    outcome: str = "starts"
    """`starts`, `fails`, `full`, which finds no memory, or `hangs`, which is cut off by the start's
    deadline.
    """
    prepare_seconds: float = 0.0
    start_seconds: float = 0.5
    clean_up_seconds: float = 0.1
    """What ending a start that is given up takes."""
    things: list[Thing] = field(default_factory=list)
    phase: str = ""
    """`prepare`, `launch`, or nothing."""
    launches: int = 0
    when_asked: Callable[[], None] = lambda: None

    @property
    def alive(self) -> list[Thing]:
        return [thing for thing in self.things if thing.alive]

    @property
    def thing(self) -> Thing:
        (thing,) = self.alive
        return thing

    async def prepare(self) -> None:
        self.phase = "prepare"
        try:
            await asyncio.sleep(self.prepare_seconds)
        finally:
            self.phase = ""

    async def launch(self) -> Thing:
        assert self.phase == "", "two starts at once"
        assert not self.alive, "two running things of one service"
        self.phase = "launch"
        self.launches += 1
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await asyncio.sleep(1e6 if self.outcome == "hangs" else self.start_seconds)
            if self.outcome == "fails":
                raise ModelUnavailable("told to fail")
            if self.outcome == "full":
                raise NoRoom("told to find no memory")
        except TimeoutError as error:
            raise ModelUnavailable("no answer in time") from error
        except asyncio.CancelledError:
            await asyncio.sleep(self.clean_up_seconds)
            raise
        finally:
            self.phase = ""
        self.things.append(Thing(dict(self.takes), when_asked=self.when_asked))
        return self.things[-1]


@dataclass
class Card:
    """A GPU, with things of ours on it, and with strangers."""

    starters: Mapping[str, Starter]
    size: int
    strangers: int = 0
    tells: bool = True
    """Whose is what; else only how much is free."""
    hangs: bool = False
    looks: int = 0

    async def look(self) -> Mapping[str, Seen]:
        self.looks += 1
        await asyncio.sleep(1e6 if self.hangs else 0)
        free = max(0, self.size - self.strangers - self.ours)
        return {"cuda:0": Seen(self.size, free, self.ours if self.tells else 0)}

    @property
    def ours(self) -> int:
        """What is being loaded takes it already."""
        alive = [thing for starter in self.starters.values() for thing in starter.alive]
        loading = [each for each in self.starters.values() if each.phase == "launch"]
        taken = [*(thing.used for thing in alive), *(each.takes for each in loading)]
        return sum(each.get("cuda:0", 0) for each in taken)


def service(
    starter: Starter, *, name: str = "one", room: Room | None = None, **policy: Any
) -> Service[Thing]:
    return Service(name, starter, policy=Policy(**policy), room=room)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()
    assert made.defects == []
