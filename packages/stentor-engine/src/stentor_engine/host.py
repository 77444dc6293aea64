"""The engine inside its worker: loading it, and running its calls in threads of their own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Generic, TypeVar

from .contract import Capabilities, Settings, SpeechEngine, TranscriptionEngine
from .errors import EngineError, LoadFailed, OutOfMemory
from .messages import MAX_REASON, Info, info_event, parse_info
from .options import complete_options
from .outbox import Outbox
from .wire import encode, within

log = logging.getLogger(__name__)
T = TypeVar("T")
AnyEngine = SpeechEngine | TranscriptionEngine

PIECES_AHEAD = 64
"""How many pieces an engine may be ahead of the connection that sends them."""
CLOSE_TIMEOUT = 1.0
"""Seconds for running calls to stop and for the engine's own `close`, together."""


class Host:
    """Owns the one engine of a worker. Used on the event loop only."""

    def __init__(self, name: str, settings: Settings, load: Callable[[], AnyEngine]) -> None:
        self.info = Info(name, "loading")
        self._settings = settings
        self.loaded = asyncio.Event()
        self._load = load
        self._engine: AnyEngine | None = None
        self._running: set[asyncio.Future[None]] = set()
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
        """Ends with `info` telling what came of it, whatever that is."""
        name, loop = self.info.engine, asyncio.get_running_loop()
        try:
            engine = await loop.run_in_executor(self._threads, self._load_engine)
            capabilities = configured(engine.capabilities, self._settings)
            ready = Info(name, "ready", capabilities)
            _check(ready)
        except Exception as error:  # noqa: BLE001 - whatever it is, the gateway must hear of it
            self.info = Info(name, "failed", error=str(told(error))[:MAX_REASON])
        else:
            self._engine, self.info = engine, ready
            if capabilities.parallel > 1:
                self._threads = ThreadPoolExecutor(capabilities.parallel, "engine")
        self.loaded.set()

    def _load_engine(self) -> AnyEngine:
        """In the engine's thread; a future could not carry every exception."""
        try:
            return self._load()
        except BaseException as error:
            raise told(error) from error

    def run(self, start: Callable[[], Iterator[T | None]]) -> Run[T]:
        """Begin a call; `start` makes the engine's generator."""
        run = Run(start)
        work = asyncio.get_running_loop().run_in_executor(self._threads, run.work)
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        return run

    async def close(self) -> None:
        """Closes the engine when its calls, which were stopped, have ended; not without end."""
        try:
            await within(CLOSE_TIMEOUT, self._close())
        except asyncio.TimeoutError:
            log.warning("the engine is busy, and ends without being closed")
        except Exception:
            log.exception("the engine could not be closed")

    async def _close(self) -> None:
        await asyncio.gather(*self._running)
        if self._engine is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._engine.close)


def _check(info: Info) -> None:
    """What cannot be said, or would not be taken, is a failed start."""
    event = info_event(info)
    encode(event)
    parse_info(event)


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
        # Until the engine has come to its end: nothing else may pass for success.
        self._error: EngineError | None = EngineError("the engine ended without an end")

    def work(self) -> None:
        """In the engine's thread."""
        try:
            self._advance()
        except BaseException as error:  # noqa: BLE001 - an engine may raise anything, even SystemExit
            self._error = told(error)
        else:
            self._error = None
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


def told(error: BaseException) -> EngineError:
    """What an engine raised, as the typed error that goes over the wire."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory(str(error) or "out of memory")
    return EngineError(f"{type(error).__name__}: {error}")
