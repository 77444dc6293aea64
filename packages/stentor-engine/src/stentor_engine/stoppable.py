"""For engines whose library blocks, and can be told from another thread to end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

STEP = 0.05
"""Seconds between two chances to stop."""


def stoppable(work: Callable[[], T], stop: Callable[[], None]) -> Generator[None, None, T]:
    """What `work` returns or raises, as a generator's value; it runs in a thread of its own.

    Closed before that, `stop` is called, upon which `work` must end soon: closing waits for it.
    """
    with ThreadPoolExecutor(1, "engine-work") as thread:
        future = thread.submit(work)
        try:
            while not wait([future], STEP).done:
                yield None
        finally:
            if not future.done():
                stop()
    return future.result()
