"""Waiting for what must come true, instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STEP = 0.02


def until(condition: Callable[[], T], what: str, *, timeout: float = 20.0) -> T:
    """The condition's first true value; AssertionError with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        time.sleep(STEP)
    return value


async def until_async(condition: Callable[[], T], what: str, *, timeout: float = 20.0) -> T:
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s: {what}"
        await asyncio.sleep(STEP)
    return value
