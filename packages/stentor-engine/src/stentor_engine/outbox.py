"""What an engine's thread hands to the event loop, in order and bounded."""

from __future__ import annotations

import asyncio
import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Outbox(Generic[T]):
    """One thread puts, one coroutine takes. Taking returns all there is, so a slow reader gets
    fewer and larger pieces, and a fast one gets each piece at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bound: int) -> None:
        """`bound`: how many items wait at most before `put` blocks."""
        self._loop = loop
        self._bound = bound
        self._items: list[T] = []
        self._changed = threading.Condition()
        self._filled = asyncio.Event()
        self._over = asyncio.Event()
        self._ended = False
        self._closed = False

    def put(self, item: T) -> bool:
        """Called in the thread; False: nobody takes any more, stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._bound)
            if self._closed:
                return False
            self._items.append(item)
            if len(self._items) == 1:
                self._loop.call_soon_threadsafe(self._filled.set)
        return True

    def end(self) -> None:
        """Called in the thread: no item follows."""
        with self._changed:
            self._ended = True
            if not self._closed:
                self._loop.call_soon_threadsafe(self._wake)

    async def rest(self, seconds: float) -> None:
        """Lets items gather: returns after so long, or at the end. For the coroutine that takes."""
        waiting = self._loop.call_later(seconds, self._over.set)
        await self._over.wait()
        waiting.cancel()
        if not self._ended:
            self._over.clear()

    async def take(self) -> list[T]:
        """At least one item, or none at the end."""
        await self._filled.wait()
        with self._changed:
            items, self._items = self._items, []
            if not self._ended:
                self._filled.clear()
            self._changed.notify()
        return items

    def _wake(self) -> None:
        self._over.set()
        self._filled.set()

    def close(self) -> None:
        """Called in the loop: nobody takes any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
