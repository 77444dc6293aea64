"""The engine inside its worker: loading it, and running its calls in threads of their own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from .contract import Capabilities, ConversionEngine, Settings, SpeechEngine, TranscriptionEngine
from .declared import declared
from .errors import LoadFailed, WireError
from .messages import MAX_REASON, Info, info_event, parse_info
from .options import complete_options
from .references import References
from .run import Run, report, told
from .wire import encode, within

log = logging.getLogger(__name__)
T = TypeVar("T")
AnyEngine = SpeechEngine | TranscriptionEngine | ConversionEngine

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
        self.references = References()
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
            capabilities = configured(declared(engine), self._settings)
            ready = Info(name, "ready", capabilities)
            _check(ready)
        except Exception as error:  # noqa: BLE001 - whatever it is, the gateway must hear of it
            why = told(error)
            self.info = Info(name, "failed", error=str(why)[:MAX_REASON], retryable=why.retryable)
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
            report(error)
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
    """What cannot be said, or would not be taken, is a failed start; raises LoadFailed."""
    event = info_event(info)
    try:
        encode(event)
        parse_info(event)
    except WireError as error:
        raise LoadFailed(str(error)) from error


def configured(capabilities: Capabilities, settings: Settings) -> Capabilities:
    """With the configuration's option values as defaults; raises InvalidCall for a bad one."""
    defaults = complete_options(capabilities.options, settings.options)
    options = tuple(replace(o, default=defaults[o.name]) for o in capabilities.options)
    return replace(capabilities, options=options)
