"""Waiting for tasks that were cancelled, whatever happens to who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def ended(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Until all are done; what they raise is not told. A cancellation is raised afterwards only: a
    web framework may repeat it at every await, and what the tasks use must outlive them.
    """
    left = set(tasks)
    cancelled = False
    while left:
        try:
            _, left = await asyncio.wait(left)
        except asyncio.CancelledError:
            cancelled = True
            left = {task for task in left if not task.done()}
    for task in tasks:
        if not task.cancelled():
            task.exception()
    if cancelled:
        raise asyncio.CancelledError
