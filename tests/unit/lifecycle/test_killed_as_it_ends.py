"""A process is killed just as it ends: the loop has seen its end, and has not told it yet."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest
import uvloop

from stentor.lifecycle.workers.process import Pipes, kill_process

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_nothing_is_wrong_with_that(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def run() -> None:
        python = [sys.executable, "-c", ""]
        transport, pipes = await asyncio.get_running_loop().subprocess_exec(Pipes, *python)
        while transport.get_returncode() is None:  # noqa: ASYNC110 - nobody tells of that moment
            await asyncio.sleep(0)
        kill_process(transport)
        await pipes.exited.wait()
        transport.close()
        kill_process(transport)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(run(), 20))
