from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from stentor.pipelines.in_order import in_order

pytestmark = pytest.mark.anyio


async def numbers(count: int, asked: list[int]) -> AsyncGenerator[int, None]:
    for number in range(count):
        asked.append(number)
        yield number


async def test_results_come_in_the_order_of_the_plans() -> None:
    async def work(number: int) -> AsyncGenerator[str, None]:
        for part in "abc":
            await asyncio.sleep(
                0.001 * (5 - number)
            )  # the later it is begun, the sooner it is done
            yield f"{number}{part}"

    seen = []
    async with aclosing(in_order(numbers(5, []), work, ahead=4)) as begun:
        async for running in begun:
            async for results in running.results():
                seen += results
    assert seen == [f"{number}{part}" for number in range(5) for part in "abc"]


async def test_no_more_is_begun_than_may_wait() -> None:
    asked: list[int] = []

    async def work(number: int) -> AsyncGenerator[int, None]:
        yield number

    async with aclosing(in_order(numbers(100, asked), work, ahead=2)) as begun:
        running = await anext(begun)
        async for _ in running.results():
            for _ in range(50):
                await asyncio.sleep(0)
            assert asked == [0, 1, 2]


async def test_an_error_comes_after_what_was_done_before_it() -> None:
    async def work(number: int) -> AsyncGenerator[int, None]:
        yield number
        if number == 1:
            raise LookupError("one")

    seen = []
    with pytest.raises(LookupError):
        async with aclosing(in_order(numbers(3, []), work, ahead=2)) as begun:
            async for running in begun:
                async for results in running.results():
                    seen += results
    assert seen == [0, 1]


async def test_an_error_of_the_plans_comes_last() -> None:
    async def plans() -> AsyncGenerator[int, None]:
        yield 0
        raise LookupError("plans")

    async def work(number: int) -> AsyncGenerator[int, None]:
        yield number

    seen = []
    with pytest.raises(LookupError):
        async with aclosing(in_order(plans(), work, ahead=2)) as begun:
            async for running in begun:
                async for results in running.results():
                    seen += results
    assert seen == [0]


async def test_leaving_early_cancels_all_that_runs() -> None:
    ended: list[int] = []

    async def work(number: int) -> AsyncGenerator[int, None]:
        try:
            yield number
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async with aclosing(in_order(numbers(10, []), work, ahead=2)) as begun:
        running = await anext(begun)
        async for _ in running.results():
            for _ in range(20):
                await asyncio.sleep(0)
            break
    assert sorted(ended) == [0, 1, 2]


async def test_cancelled_over_and_over_it_still_cancels_all_that_runs() -> None:
    """As web frameworks do: one cancellation at every await, until the task has ended."""
    ended: list[int] = []

    async def work(number: int) -> AsyncGenerator[int, None]:
        try:
            yield number
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async def read() -> None:
        async with aclosing(in_order(numbers(10, []), work, ahead=2)) as begun:
            async for running in begun:
                async for _ in running.results():
                    pass

    reading = asyncio.create_task(read())
    for _ in range(20):
        await asyncio.sleep(0)
    while not reading.done():
        reading.cancel()
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert sorted(ended) == [0, 1, 2]
