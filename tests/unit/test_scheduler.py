from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack

import pytest

from stentor.backends.base import Backend
from stentor.errors import (
    EngineFailed,
    ModelUnavailable,
    OutOfMemory,
    QueueFull,
    ShuttingDown,
    StentorError,
    WorkerLost,
)
from stentor.routing.scheduler import Admission, Scheduler
from stentor.types import AudioChunk, Priority
from stentor_engine import Capabilities, ConversionCall, SpeechCall, Transcript, TranscriptionCall

pytestmark = pytest.mark.anyio


class Slots:
    """A backend that only has slots."""

    warm = True
    service = None

    ready_at = -math.inf

    def __init__(self, slots: int, *, name: str = "slots", healthy: bool = True) -> None:
        self.name = name
        self.slots = slots
        self.healthy = healthy
        self.open = True
        self.users = 0
        self._listeners: list[Callable[[], None]] = []

    def change(self, *, slots: int | None = None, is_open: bool | None = None) -> None:
        self.slots = self.slots if slots is None else slots
        self.open = self.open if is_open is None else is_open
        for listener in self._listeners:
            listener()

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def enter(self) -> None:
        self.users += 1

    def leave(self) -> None:
        self.users -= 1

    async def ensure_ready(self) -> Capabilities:
        return Capabilities("speech", 24_000)

    async def speak(self, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        return
        yield

    async def listen(self, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        return
        yield

    async def convert(self, call: ConversionCall) -> AsyncGenerator[AudioChunk, None]:
        return
        yield

    async def close(self) -> None:
        pass


def scheduler(*backends: Backend, queue_limit: int = 32) -> Scheduler:
    return Scheduler(backends, queue_limit=queue_limit)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_request_is_refused_only_when_it_comes() -> None:
    one = scheduler(Slots(1), queue_limit=2)
    admitted = [one.admit() for _ in range(3)]
    with pytest.raises(QueueFull) as refused:
        one.admit()
    assert refused.value.retry_after is not None
    admitted[0].leave()
    one.admit()


async def test_nothing_is_admitted_after_closing() -> None:
    one = scheduler(Slots(1))
    one.close()
    with pytest.raises(ShuttingDown):
        one.admit()


async def order_of_leases(one: Scheduler, wanted: list[tuple[Admission, str]]) -> str:
    """Each wants a lease while the only slot is taken; the order in which they get it."""
    got: list[str] = []

    async def lease(admission: Admission, name: str) -> None:
        async with admission.lease():
            got.append(name)

    async with one.admit().lease():
        tasks = [asyncio.create_task(lease(admission, name)) for admission, name in wanted]
        await settle()
        assert got == []
    await asyncio.gather(*tasks)
    return "".join(got)


async def test_requests_take_turns() -> None:
    one = scheduler(Slots(1))
    a, b = one.admit(), one.admit()
    wanted = [(a, "a"), (a, "a"), (a, "a"), (b, "b"), (b, "b")]
    assert await order_of_leases(one, wanted) == "ababa"


async def test_live_before_jobs_before_warm_up() -> None:
    one = scheduler(Slots(1))
    warm, job, live = (one.admit(priority) for priority in reversed(Priority))
    wanted = [(warm, "w"), (job, "j"), (live, "l"), (job, "j"), (live, "l")]
    assert await order_of_leases(one, wanted) == "lljjw"


async def test_a_waiter_that_is_cancelled_holds_nothing() -> None:
    one = scheduler(Slots(1))
    admission = one.admit()
    async with one.admit().lease():
        waiting = asyncio.create_task(admission.lease().__aenter__())
        await settle()
        assert one.waiting == 1
        waiting.cancel()
        await asyncio.wait([waiting])
        assert one.waiting == 0
    async with asyncio.timeout(5), one.admit().lease():
        pass


async def test_one_cancelled_at_the_moment_of_its_turn_gives_the_slot_back() -> None:
    one = scheduler(Slots(1))
    admission = one.admit()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(one.admit().lease())
        waiting = asyncio.create_task(admission.lease().__aenter__())
        await settle()
        await stack.aclose()  # gives it the turn
        waiting.cancel()  # before it could run
    await asyncio.wait([waiting])
    async with asyncio.timeout(5), one.admit().lease():
        pass


async def test_the_next_backend_takes_what_the_first_has_no_slot_for() -> None:
    one = scheduler(Slots(1, name="first"), Slots(1, name="second"))
    async with one.admit().lease() as first, one.admit().lease() as second:
        assert (first.name, second.name) == ("first", "second")


async def test_a_sick_backend_is_left_alone_while_another_is_well() -> None:
    sick = Slots(1, name="sick", healthy=False)
    one = scheduler(sick, Slots(1, name="well"))
    async with one.admit().lease() as backend:
        assert backend.name == "well"
    alone = scheduler(sick)
    async with alone.admit().lease() as backend:
        assert backend.name == "sick"


@pytest.mark.parametrize("kind", [EngineFailed, ModelUnavailable, OutOfMemory])
async def test_who_could_not_serve_a_request_is_not_asked_by_it_again(
    kind: type[StentorError],
) -> None:
    first, second = Slots(1, name="first"), Slots(1, name="second")
    one = scheduler(first, second)
    admission = one.admit()
    with pytest.raises(kind):
        async with admission.lease():
            raise kind("it cannot")
    assert admission.again(kind("it cannot"))
    for _ in range(2):
        async with admission.lease() as backend:
            assert backend is second
    async with one.admit().lease() as backend:  # another request
        assert backend is first
    with pytest.raises(kind):
        async with admission.lease():
            raise kind("nor can it")
    assert admission.again(kind("nor can it")) == kind.retryable


async def test_who_died_under_a_request_is_asked_again() -> None:
    """Started anew it goes on with the voice that was heard."""
    first = Slots(1, name="first")
    admission = scheduler(first, Slots(1, name="second")).admit()
    with pytest.raises(WorkerLost):
        async with admission.lease():
            raise WorkerLost("it died")
    async with admission.lease() as backend:
        assert backend is first


async def test_slots_that_come_while_requests_wait_are_used() -> None:
    backend = Slots(1)
    one = scheduler(backend)
    async with one.admit().lease():
        waiting = asyncio.create_task(one.admit().lease().__aenter__())
        await settle()
        assert not waiting.done()
        backend.change(slots=2)
        await asyncio.wait_for(waiting, 5)


async def test_a_closed_backend_serves_only_those_that_it_let_in() -> None:
    backend = Slots(2)
    one = scheduler(backend)
    inside, outside = one.admit(), one.admit()
    async with inside.lease():
        pass
    backend.change(is_open=False)
    waiting = asyncio.create_task(outside.lease().__aenter__())
    async with asyncio.timeout(5), inside.lease():
        await settle()
        assert not waiting.done()
    backend.change(is_open=True)
    await asyncio.wait_for(waiting, 5)


async def test_who_cannot_go_in_keeps_nobody_else_waiting() -> None:
    closed, other = Slots(1, name="closed"), Slots(1, name="other", healthy=False)
    closed.open = False
    one = scheduler(closed, other)
    async with asyncio.timeout(5), one.admit().lease() as backend:
        assert backend is other


async def test_who_is_inside_does_not_wait_for_the_memory_of_another() -> None:
    """The first backend has to leave for somebody else, whom the second one would wait behind."""
    first, second = Slots(1, name="first"), Slots(1, name="second", healthy=False)
    one = scheduler(first, second)
    inside = one.admit()
    async with inside.lease():
        first.healthy = False
        first.change(is_open=False)
        waiting = asyncio.create_task(inside.lease().__aenter__())
        await settle()
        assert not waiting.done()
    assert await asyncio.wait_for(waiting, 5) is first
    async with asyncio.timeout(5), one.admit().lease() as backend:
        assert backend is second


async def test_a_request_uses_a_backend_until_it_ends() -> None:
    backend = Slots(2)
    one = scheduler(backend)
    with one.admit() as admission:
        assert backend.users == 0
        for _ in range(2):
            async with admission.lease():
                assert backend.users == 1
        assert backend.users == 1
    assert backend.users == 0


async def test_empty_when_the_last_request_has_left() -> None:
    one = scheduler(Slots(1))
    await asyncio.wait_for(one.empty(), 5)
    with one.admit():
        emptied = asyncio.create_task(one.empty())
        await settle()
        assert not emptied.done()
    await asyncio.wait_for(emptied, 5)
