"""The engine inside its worker: loading it, and running its calls in threads of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Generic, TypeVar

from .contract import Capabilities, Settings, SpeechEngine, TranscriptionEngine
from .errors import EngineError, LoadFailed, OutOfMemory
from .messages import Info
from .options import complete_options
from .outbox import Outbox

T = TypeVar("T")
AnyEngine = SpeechEngine | TranscriptionEngine

PIECES_AHEAD = 64
"""How many pieces an engine may be ahead of the connection that sends them."""


class Host:
    """Owns the one engine of a worker. Used on the event loop only."""

    def __init__(self, name: str, settings: Settings, load: Callable[[], AnyEngine]) -> None:
        self.info = Info(name, "loading")
        self._settings = settings
        self.loaded = asyncio.Event()
        self._load = load
        self._engine: AnyEngine | None = None
        # Loading and a single engine thread are the same thread, as many libraries want it.
        self._threads = ThreadPoolExecutor(1, "engine")

    @property
    def engine(self) -> AnyEngine:
        """Raises LoadFailed when there is none (yet)."""
        if self._engine is None:
            raise LoadFailed(self.info.error or "the engine is still loading")
        return self._engine

    @property
    def capabilities(self) -> Capabilities:
        """Raises LoadFailed when there is no engine (yet)."""
        if self.info.capabilities is None:
            raise LoadFailed(self.info.error or "the engine is still loading")
        return self.info.capabilities

    async def load(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            engine = await loop.run_in_executor(self._threads, self._load)
            capabilities = configured(engine.capabilities, self._settings)
        except Exception as error:  # noqa: BLE001 - whatever it is, the gateway must hear of it
            self.info = Info(self.info.engine, "failed", error=str(error) or repr(error))
        else:
            self._engine = engine
            if capabilities.parallel > 1:
                self._threads = ThreadPoolExecutor(capabilities.parallel, "engine")
            self.info = Info(self.info.engine, "ready", capabilities)
        self.loaded.set()

    def run(self, start: Callable[[], Iterator[T | None]]) -> Run[T]:
        """Begin a call; `start` makes the engine's generator."""
        run = Run(start)
        self._threads.submit(run.work)
        return run

    def close(self) -> None:
        if self._engine is not None:
            self._threads.submit(self._engine.close).result(timeout=1.0)


def configured(capabilities: Capabilities, settings: Settings) -> Capabilities:
    """With the configuration's option values as defaults; raises InvalidCall for a bad one."""
    defaults = complete_options(capabilities.options, settings.options)
    options = tuple(replace(o, default=defaults[o.name]) for o in capabilities.options)
    return replace(capabilities, options=options)


class Run(Generic[T]):
    """One call of the engine: its generator advances in a thread until it ends or is stopped."""

    def __init__(self, start: Callable[[], Iterator[T | None]]) -> None:
        self._start = start
        self._outbox: Outbox[T] = Outbox(asyncio.get_running_loop(), PIECES_AHEAD)
        self._stopped = threading.Event()
        self._error: EngineError | None = None

    def work(self) -> None:
        """In the engine's thread."""
        try:
            self._advance()
        except EngineError as error:
            self._error = error
        except MemoryError as error:
            self._error = OutOfMemory(str(error) or "out of memory")
        except Exception as error:  # noqa: BLE001 - an engine may raise anything; it is told as typed
            self._error = EngineError(f"{type(error).__name__}: {error}")
        finally:
            self._outbox.end()

    def _advance(self) -> None:
        if self._stopped.is_set():  # while the call waited for a thread
            return
        pieces = self._start()
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
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """The engine stops at its next `yield`; nothing waits for it."""
        self._stopped.set()
        self._outbox.close()
