"""The gateway's `Worker` and the process that it owns: started once, started again, ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from stentor.backends.engine import EngineBackend
from stentor.errors import ModelUnavailable, ShuttingDown, StentorError, WorkerLost
from stentor.lifecycle.state import State
from stentor.lifecycle.workers.worker import Worker
from stentor_engine import OptionValue, SpeechCall
from tests.contract.conftest import worker_command
from tests.contract.fake_worker import fake_worker
from tests.wait import until_async

pytestmark = pytest.mark.anyio

LIMIT = 20.0


def odd_worker(*, weights: Path | None = None, **options: OptionValue) -> Worker:
    return Worker(worker_command("odd-speech", weights=weights, **options), start_timeout=LIMIT)


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes() -> list[psutil.Process]:
    """Those that this process has started, and that have not ended."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if alive(child)]


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    files = psutil.Process().num_fds()
    before = {process.pid for process in processes()}
    yield
    assert {process.pid for process in processes()} <= before
    await until_async(lambda: psutil.Process().num_fds() <= files, "all files are closed")


async def test_all_who_wait_share_one_start() -> None:
    worker = odd_worker()
    assert (worker.state, worker.pid, worker.capabilities) == (State.STOPPED, None, None)
    first, *others = await asyncio.gather(*(worker.ensure_ready() for _ in range(20)))
    assert all(other is first for other in others)
    assert worker.capabilities is first
    assert len([p for p in processes() if "odd-speech" in p.cmdline()]) == 1
    await worker.close()
    assert worker.state is State.STOPPED


async def test_one_who_leaves_does_not_take_the_start_along(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    worker = odd_worker(weights=weights, load="wait")
    leaving, staying = (asyncio.create_task(worker.ensure_ready()) for _ in range(2))
    await until_async(lambda: processes(), "it is started")
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    weights.touch()
    await asyncio.wait_for(staying, LIMIT)
    assert worker.state is State.READY
    await worker.close()


@pytest.mark.parametrize("early", [True, False])
async def test_closing_ends_a_start(early: bool) -> None:
    worker = odd_worker(load="hang")
    waiting = [asyncio.create_task(worker.ensure_ready()) for _ in range(3)]
    await asyncio.sleep(0)
    if not early:
        await until_async(lambda: processes(), "it is started")
    await asyncio.wait_for(worker.close(), LIMIT)
    for waiter in waiting:
        with pytest.raises(ShuttingDown):
            await waiter
    with pytest.raises(ShuttingDown):
        await worker.ensure_ready()
    assert worker.state is State.STOPPED


async def test_a_start_that_nobody_waits_for_may_fail(tmp_path: Path) -> None:
    worker = odd_worker(load="raise")
    waiting = asyncio.create_task(worker.ensure_ready())
    await until_async(lambda: processes(), "it is started")
    waiting.cancel()
    await until_async(lambda: worker.state is State.FAILED, "it fails")
    await worker.close()


async def test_failed_starts_are_told_and_then_spared() -> None:
    worker = odd_worker(load="raise")
    for _ in range(2):  # one failure says nothing yet
        with pytest.raises(ModelUnavailable, match=r"could not be started: .*no model"):
            await worker.ensure_ready()
    with pytest.raises(ModelUnavailable, match=r"no model \(line \d+\); it is started again in"):
        await worker.ensure_ready()
    assert worker.state is State.FAILED
    await worker.close()


async def test_a_start_that_takes_too_long() -> None:
    worker = Worker(worker_command("odd-speech", load="hang"), start_timeout=1.0)
    with pytest.raises(ModelUnavailable, match="no answer within 1 s"):
        await worker.ensure_ready()
    await worker.close()


async def crash(worker: Worker) -> int:
    pid = worker.pid
    assert pid is not None
    psutil.Process(pid).kill()
    await until_async(lambda: worker.state is State.FAILED, "the crash is noticed")
    return pid


async def test_a_crash_is_followed_by_a_new_start() -> None:
    worker = odd_worker()
    await worker.ensure_ready()
    first = await crash(worker)
    assert worker.pid is None
    with pytest.raises(WorkerLost):
        async with worker.call():
            raise AssertionError
    await worker.ensure_ready()
    assert await crash(worker) != first
    await worker.close()


async def test_closing_during_a_pause_after_crashes_starts_nothing() -> None:
    worker = odd_worker()
    for _ in range(3):
        await worker.ensure_ready()
        await crash(worker)
    waiting = asyncio.create_task(worker.ensure_ready())
    await asyncio.sleep(0)
    await worker.close()
    with pytest.raises(ShuttingDown):
        await asyncio.wait_for(waiting, LIMIT)
    assert worker.state is State.STOPPED


def backend_of(worker: Worker) -> EngineBackend:
    return EngineBackend("odd", worker, max_parallel=None, stall_timeout=LIMIT)


async def test_closing_lets_running_calls_end() -> None:
    backend = backend_of(odd_worker())
    async with aclosing(backend.speak(SpeechCall("well"))) as chunks:
        samples = len((await anext(chunks)).samples)
        closing = asyncio.create_task(backend.close())
        await asyncio.sleep(0)
        samples += sum([len(chunk.samples) async for chunk in chunks])
    assert samples == 1600
    await asyncio.wait_for(closing, LIMIT)


async def test_closing_does_not_wait_for_ever() -> None:
    worker = odd_worker()
    async with aclosing(backend_of(worker).speak(SpeechCall("hang"))) as chunks:
        await anext(chunks)
        await asyncio.wait_for(worker.close(drain_timeout=0.1), LIMIT)
        with pytest.raises(StentorError):
            await anext(chunks)


async def test_what_floods_the_pipes_is_cut_off() -> None:
    async with fake_worker() as fake:
        worker = Worker(fake.command(b"x" * 1_000_000), start_timeout=LIMIT)
        with pytest.raises(ModelUnavailable, match="first line"):
            await worker.ensure_ready()
        await worker.close()


async def test_a_worker_takes_its_own_children_along() -> None:
    """Even when it was killed; and they, who hold its pipes, hold nobody up."""
    async with fake_worker() as fake:
        worker = Worker(fake.command(child=True), start_timeout=LIMIT)
        await worker.ensure_ready()
        assert worker.pid is not None
        shell = psutil.Process(worker.pid)
        await until_async(lambda: shell.name() == "cat", "the shell has started all of it")
        (child,) = shell.children()
        await crash(worker)
        await until_async(lambda: not alive(child), "the child ends")
        await worker.close()
