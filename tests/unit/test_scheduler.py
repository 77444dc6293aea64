from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from stentor.backends.base import Backend
from stentor.errors import QueueFull, ShuttingDown
from stentor.routing.scheduler import Admission, Scheduler
from stentor.types import AudioChunk, Priority
from stentor_engine import Capabilities, SpeechCall, Transcript, TranscriptionCall

pytestmark = pytest.mark.anyio


class Slots:
    """A backend that only has slots."""

    warm = True

    def __init__(self, slots: int, *, name: str = "slots", healthy: bool = True) -> None:
        self.name = name
        self.slots = slots
        self.healthy = healthy

    async def ensure_ready(self) -> Capabilities:
        return Capabilities("speech", 24_000)

    async def speak(self, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        return
        yield

    async def listen(self, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
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
    assert refused.value.retry_after >= 1
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
