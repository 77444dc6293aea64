"""One call of the engine, from its thread to the event loop."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Generic, TypeVar

from .errors import EngineError, OutOfMemory
from .loader import MODULES
from .outbox import Outbox
from .yielded import refuse_returned

T = TypeVar("T")

PIECES_AHEAD = 64
"""How many pieces an engine may be ahead of the connection that sends them."""
REST = 0.002
"""Seconds between two sends of a call, unless it ends: a quick engine's pieces travel together."""


class Run(Generic[T]):
    """The engine's generator, which advances in a thread until it ends or is stopped."""

    def __init__(self, start: Callable[[], Iterator[T | None]]) -> None:
        self._start = start
        self._outbox: Outbox[T] = Outbox(asyncio.get_running_loop(), PIECES_AHEAD)
        self._stopped = threading.Event()
        # Until the engine has come to its end: nothing else may pass for success.
        self._error: EngineError | None = EngineError("the engine ended without an end")

    def work(self) -> None:
        """In the engine's thread."""
        try:
            self._advance()
        except BaseException as error:  # noqa: BLE001 - an engine may raise anything, even SystemExit
            report(error)
            self._error = told(error)
        else:
            self._error = None
        finally:
            self._outbox.end()

    def _advance(self) -> None:
        if self._stopped.is_set():  # while the call waited for a thread
            return
        pieces = self._start()
        refuse_returned(pieces)
        try:
            for piece in pieces:
                if self._stopped.is_set() or (piece is not None and not self._outbox.put(piece)):
                    return
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    async def pieces(self) -> AsyncIterator[list[T]]:
        """What the engine yielded, in lists as it comes; then raises EngineError if it failed."""
        while pieces := await self._outbox.take():
            yield pieces
            await self._outbox.rest(REST)
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """The engine stops at its next `yield`; nothing waits for it."""
        self._stopped.set()
        self._outbox.close()


def report(error: BaseException) -> None:
    """All of what an engine did not mean to raise to stderr: the gateway logs that, and tells
    clients one line.
    """
    if not isinstance(error, EngineError):
        traceback.print_exception(error)


def told(error: BaseException) -> EngineError:
    """What an engine raised, as the typed error that goes over the wire."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory(str(error) or "out of memory")
    return EngineError(f"{type(error).__name__}: {error}{_place(error)}")


def _place(error: BaseException) -> str:
    """The line of the engine's file that it comes from."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [at for frame, at in frames if frame.f_globals.get("__name__", "").startswith(MODULES)]
    return f" (line {lines[-1]})" if lines else ""
