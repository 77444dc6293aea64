"""Children of this process, on both kinds of loops, at the odd moments of their lives."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import psutil
import pytest
import uvloop

from stentor.lifecycle.child import Child, _ReadEnd, hold_up_one_thread
from tests.wait import until, until_async

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
NewLoop = Callable[[], asyncio.AbstractEventLoop]
both_loops = pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
ENV = dict(os.environ)


@pytest.fixture(autouse=True, scope="module")
def one_thread_is_held_up() -> None:
    hold_up_one_thread()


def run(loop: NewLoop, work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(work, 30))


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def children() -> list[psutil.Process]:
    return psutil.Process().children()


@both_loops
def test_what_it_writes_and_its_end(loop: NewLoop) -> None:
    async def work() -> None:
        code = "import sys; print('out'); print('err', file=sys.stderr); input(); sys.exit(7)"
        child = await Child.spawn(python(f"try:\n {code}\nexcept EOFError:\n sys.exit(8)"), env=ENV)
        assert await child.stdout.readline() == b"out\n"
        assert await child.stderr.readline() == b"err\n"
        child.close_stdin()
        assert await child.exited() == 8
        child.close()

    run(loop, work())
    assert not children()


@both_loops
def test_merged(loop: NewLoop) -> None:
    async def work() -> None:
        child = await Child.spawn(python("import os; os.write(2, b'x')"), env=ENV, merged=True)
        assert await child.stdout.read() == b"x"
        assert await child.stderr.read() == b""
        assert await child.exited() == 0
        child.close()

    run(loop, work())


@both_loops
def test_one_that_leaves_somebody_with_its_output_has_ended(loop: NewLoop) -> None:
    async def work() -> None:
        code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
        child = await Child.spawn(python(code), env=ENV)
        left = psutil.Process(int(await child.stdout.readline()))
        assert await child.exited() == 0
        child.close()
        left.kill()

    run(loop, work())


@both_loops
def test_killed_as_it_ends(loop: NewLoop) -> None:
    async def work() -> None:
        child = await Child.spawn(python(""), env=ENV)
        await until_async(lambda: not _runs(child.pid), "it has ended")
        child.kill()
        assert await child.exited() == 0
        child.kill()
        child.close()

    run(loop, work())


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@both_loops
def test_no_such_program(loop: NewLoop) -> None:
    async def work() -> None:
        with pytest.raises(FileNotFoundError):
            await Child.spawn(["/no/such/program"], env=ENV)

    run(loop, work())
    assert not children()


@both_loops
def test_a_start_that_is_given_up_at_any_moment(loop: NewLoop) -> None:
    """Nothing of it is left, and none of its files is closed twice: another might have its number
    by then.
    """
    chance = random.Random(7)

    async def attempt(patience: float) -> None:
        starting = asyncio.create_task(Child.spawn(["sleep", "60"], env=ENV))
        await asyncio.wait([starting], timeout=patience)
        starting.cancel()
        await asyncio.wait([starting])
        if starting.cancelled():
            assert not children(), "it is gone when that is told"
        else:
            starting.result().kill()
            await starting.result().exited()
            starting.result().close()

    async def work() -> None:
        await attempt(5.0)
        files = psutil.Process().num_fds()
        for _ in range(150):
            await attempt(chance.uniform(0.0, 0.01))
        await until_async(lambda: psutil.Process().num_fds() <= files, "all are closed")
        gc.collect()  # a file that is closed twice is told here

    run(loop, work())
    until(lambda: not children(), "nothing is left")


@both_loops
@pytest.mark.parametrize("given_up", [False, True])
def test_a_loop_that_ends_while_some_are_started(loop: NewLoop, given_up: bool) -> None:
    """At any moment. Whoever runs it cancels all of its tasks then, those too that clean up."""
    chance = random.Random(7)

    async def begin(patience: float) -> list[asyncio.Task[Child]]:
        starting = [asyncio.create_task(Child.spawn(["sleep", "60"], env=ENV)) for _ in range(3)]
        await asyncio.wait(starting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        for each in starting if given_up else ():
            each.cancel()
        await asyncio.sleep(0)
        return starting

    for _ in range(20):
        with asyncio.Runner(loop_factory=loop) as runner:
            starting = runner.run(begin(chance.choice([0.0, chance.uniform(0.0, 0.02)])))
            left = [each.result() for each in starting if each.done() and not each.cancelled()]
            for child in left:
                child.kill()
                child.close()
    gc.collect()
    until(lambda: not children(), "nothing is left")


def test_what_a_loop_has_closed_is_a_strangers_by_then() -> None:
    """As uvloop does: the number first, then the file that it was given."""
    reading, writing = os.pipe()
    end = _ReadEnd(os.fdopen(reading, "rb"))
    os.close(end.fileno())
    stranger, _ = pipes = os.pipe()
    assert stranger in (reading, end.fileno())
    os.dup2(stranger, number := end.fileno())
    end.close()
    os.fstat(number)
    for each in {writing, *pipes, number}:
        os.close(each)


class Freezer:
    """Stops what is started before it runs its program: as a fork of this one, it has its name."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.frozen: psutil.Process | None = None
        self._thread = threading.Thread(target=self._freeze)

    def __enter__(self) -> Freezer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _freeze(self) -> None:
        own = psutil.Process().cmdline()
        while not self._done.is_set():
            for child in children():
                try:
                    child.suspend()
                    if child.cmdline() == own:
                        self.frozen = child
                        return
                    child.resume()
                except psutil.Error:
                    pass  # it ended just now


@pytest.mark.skipif(sys.platform != "linux", reason="a child is frozen by its /proc")
@both_loops
def test_frozen_before_it_runs_its_program(loop: NewLoop) -> None:
    """The loop goes on; and nothing is left of a start that is given up."""

    async def attempt(freezer: Freezer) -> None:
        starting = asyncio.create_task(Child.spawn(["sleep", "60"], env=ENV))
        try:
            await asyncio.wait([starting], timeout=0.2)
            while freezer.frozen is not None and not starting.done():
                began = time.monotonic()
                await asyncio.wait([starting], timeout=0.05)
                assert time.monotonic() - began < 5.0
                starting.cancel()
        finally:
            starting.cancel()
            await asyncio.wait([starting])
            if not starting.cancelled():
                child = starting.result()
                child.kill()
                await child.exited()
                child.close()

    async def work() -> None:
        with Freezer() as freezer:
            while freezer.frozen is None:
                await attempt(freezer)

    run(loop, work())
    until(lambda: not children(), "nothing is left")
    assert subprocess.run(python("print(1)"), capture_output=True, check=True).stdout == b"1\n"
