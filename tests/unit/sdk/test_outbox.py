from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stentor_engine.outbox import Outbox
from tests.wait import until_async

LIMIT = 20.0


def putting(outbox: Outbox[int], count: int) -> bool:
    """In a thread: puts so many numbers and the end; False if it was told to stop."""
    taken = all(outbox.put(number) for number in range(count))
    outbox.end()
    return taken


@pytest.mark.anyio
@pytest.mark.parametrize("bound", [1, 2, 64])
async def test_everything_comes_in_order_and_then_the_end(bound: int) -> None:
    outbox: Outbox[int] = Outbox(asyncio.get_running_loop(), bound)
    putter = asyncio.ensure_future(asyncio.to_thread(putting, outbox, 5_000))
    received: list[int] = []
    while items := await asyncio.wait_for(outbox.take(), LIMIT):
        assert len(items) <= bound
        received += items
    assert received == list(range(5_000))
    assert await putter
    assert await outbox.take() == []  # the end stays the end


@pytest.mark.anyio
async def test_nothing_but_the_end() -> None:
    outbox: Outbox[int] = Outbox(asyncio.get_running_loop(), 4)
    await asyncio.to_thread(outbox.end)
    assert await asyncio.wait_for(outbox.take(), LIMIT) == []


@pytest.mark.anyio
async def test_a_fast_reader_gets_each_item_at_once() -> None:
    outbox: Outbox[int] = Outbox(asyncio.get_running_loop(), 4)
    for number in range(3):
        await asyncio.to_thread(outbox.put, number)
        assert await asyncio.wait_for(outbox.take(), LIMIT) == [number]


@pytest.mark.anyio
async def test_a_slow_reader_holds_the_thread_back() -> None:
    outbox: Outbox[int] = Outbox(asyncio.get_running_loop(), 3)
    progress: list[int] = []

    def put() -> None:
        for number in range(7):
            outbox.put(number)
            progress.append(number)
        outbox.end()

    with ThreadPoolExecutor(1) as threads:
        putter = asyncio.get_running_loop().run_in_executor(threads, put)
        await until_async(lambda: len(progress) == 3, "the outbox is full")
        assert await outbox.take() == [0, 1, 2]
        await until_async(lambda: len(progress) == 6, "the outbox is full again")
        assert await outbox.take() == [3, 4, 5]
        assert await asyncio.wait_for(outbox.take(), LIMIT) == [6]
        await asyncio.wait_for(putter, LIMIT)


@pytest.mark.anyio
async def test_closing_frees_a_thread_that_waits() -> None:
    outbox: Outbox[int] = Outbox(asyncio.get_running_loop(), 1)
    outbox.put(0)
    waits = threading.Event()

    def put() -> bool:
        waits.set()
        return outbox.put(1)

    putter = asyncio.ensure_future(asyncio.to_thread(put))
    await until_async(waits.is_set, "the thread puts")
    assert not putter.done()
    outbox.close()
    assert await asyncio.wait_for(putter, LIMIT) is False
    assert outbox.put(2) is False
    outbox.end()


@pytest.mark.anyio
async def test_a_rest_ends_with_its_time_and_what_came_meanwhile_is_taken_together() -> None:
    outbox: Outbox[int] = Outbox(asyncio.get_running_loop(), 64)
    await asyncio.wait_for(outbox.rest(0.001), LIMIT)
    await asyncio.to_thread(outbox.put, 1)
    await asyncio.to_thread(outbox.put, 2)
    assert await asyncio.wait_for(outbox.take(), LIMIT) == [1, 2]


@pytest.mark.anyio
async def test_the_end_ends_a_rest() -> None:
    outbox: Outbox[int] = Outbox(asyncio.get_running_loop(), 64)
    resting = asyncio.ensure_future(outbox.rest(3600))
    await asyncio.to_thread(putting, outbox, 3)
    await asyncio.wait_for(resting, LIMIT)
    assert await outbox.take() == [0, 1, 2]
    await asyncio.wait_for(outbox.rest(3600), LIMIT)  # the end stays the end
    assert await outbox.take() == []
