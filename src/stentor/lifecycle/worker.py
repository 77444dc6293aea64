"""One local worker: the owner of its state, and the only place that changes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from stentor.errors import ModelUnavailable, ShuttingDown, WorkerLost, WorkerStalled
from stentor.lifecycle.connection import Connection
from stentor.lifecycle.process import WorkerCommand, WorkerProcess
from stentor.lifecycle.state import Happening, State, backoff, next_state
from stentor_engine import Capabilities
from stentor_engine.errors import ConnectionLost, EngineError, WireError
from stentor_engine.messages import Info

log = structlog.get_logger(__name__)

BACKOFF_WAIT = 5.0
"""Seconds that a caller waits for a crashed worker's next start; a longer pause is an error."""
START_ATTEMPTS = 3
EXIT_WAIT = 2.0
"""Seconds from a lost connection until the process must be seen to have ended."""
DRAIN_TIMEOUT = 10.0
"""Seconds that running calls have to end in when the worker is stopped."""


class Worker:
    """`ensure_ready`, then `call`. Everything here runs on the event loop, in one thread."""

    def __init__(
        self,
        command: WorkerCommand,
        *,
        start_timeout: float,
        find_python: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """`find_python`: what to start it with, if not the command's own; may take longer than
        `start_timeout`, and raise ModelUnavailable.
        """
        self._command = command
        self._find_python = find_python
        self._start_timeout = start_timeout
        self._state = State.STOPPED
        self._process: WorkerProcess | None = None
        self._capabilities: Capabilities | None = None
        self._starting: asyncio.Task[Capabilities] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._reason = ""
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def state(self) -> State:
        return self._state

    @property
    def startable(self) -> bool:
        """Ready, or no pause after a failure keeps it from being started."""
        return self._state is not State.FAILED or time.monotonic() >= self._retry_at

    @property
    def capabilities(self) -> Capabilities | None:
        """As the engine last told; None before its first start."""
        return self._capabilities

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._state is State.READY else None

    async def ensure_ready(self) -> Capabilities:
        """Joins a running start or begins one; raises ModelUnavailable or ShuttingDown."""
        while True:
            if self._closing:
                raise ShuttingDown("the server is shutting down")
            if self._state is State.READY and self._capabilities is not None:
                return self._capabilities
            if self._starting is not None:
                return await _join(self._starting)
            if pause := self._pause():
                await asyncio.sleep(pause)
            else:
                self._starting = asyncio.create_task(self._start())
                self._starting.add_done_callback(_retrieve)

    @asynccontextmanager
    async def call(self) -> AsyncGenerator[Connection, None]:
        """A connection for one call. The worker is not stopped while a call runs.

        Raises WorkerLost when the worker is gone, and WorkerLost or WorkerStalled when it had to
        be killed, for breaking the protocol or for giving no sign of life in time.
        """
        process = self._process
        if process is None or self._state is not State.READY:
            raise WorkerLost("the worker ended")
        self._calls += 1
        self._idle.clear()
        try:
            async with await process.connect() as connection:
                yield connection
        except ConnectionLost as error:
            await self._await_exit(process)
            raise WorkerLost("the worker ended under a call") from error
        except WireError as error:
            await self._kill(process, f"it broke the protocol: {error}")
            raise WorkerLost("the worker broke the protocol") from error
        except TimeoutError as error:
            await self._kill(process, "it gave no sign of life")
            raise WorkerStalled("the engine stalled") from error
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._idle.set()

    def succeeded(self) -> None:
        """A call went well: earlier failures no longer count."""
        self._failures = 0

    async def close(self, *, drain_timeout: float = DRAIN_TIMEOUT) -> None:
        """For good: waits for running calls, then ends the process."""
        self._closing = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        self._apply(Happening.DRAIN)
        try:
            async with asyncio.timeout(drain_timeout):
                await self._idle.wait()
        except TimeoutError:
            log.warning("drain_timeout", engine=self._command.engine, calls=self._calls)
        if self._process is not None:
            await self._process.stop()
        if self._watching is not None:
            await self._watching

    async def _start(self) -> Capabilities:
        self._apply(Happening.START)
        began = time.monotonic()
        try:
            if self._find_python is not None:
                self._command = replace(self._command, python=await self._find_python())
            async with asyncio.timeout(self._start_timeout):
                process, capabilities = await self._spawn()
        except ModelUnavailable as error:
            self._count_failure()
            self._apply(Happening.FAILED)
            self._reason = str(error)
            raise
        except (EngineError, WireError, OSError) as error:
            raise self._start_failed(error) from error
        except BaseException:  # cancelled, or a defect: it must not be starting for ever
            self._count_failure()
            self._apply(Happening.FAILED)
            raise
        finally:
            self._starting = None
        self._process, self._capabilities = process, capabilities
        self._apply(Happening.LOADED)
        self._watching = asyncio.create_task(self._watch(process))
        took = round(time.monotonic() - began, 3)
        log.info("worker_ready", engine=self._command.engine, pid=process.pid, seconds=took)
        return capabilities

    async def _spawn(self) -> tuple[WorkerProcess, Capabilities]:
        """A process that dies while it starts says nothing of its engine: it is started again."""
        for attempt in range(START_ATTEMPTS, 0, -1):
            try:
                return await self._spawn_once()
            except ConnectionLost:
                if attempt == 1:
                    raise
                log.warning("worker_died_starting", engine=self._command.engine)
        raise AssertionError("the last attempt returns or raises")

    async def _spawn_once(self) -> tuple[WorkerProcess, Capabilities]:
        process = await WorkerProcess.spawn(self._command)
        try:
            return process, _ready(await process.loaded())
        except BaseException:
            self._reason = process.tail
            await process.stop(timeout=0)
            raise

    def _start_failed(self, error: Exception) -> ModelUnavailable:
        self._count_failure()
        self._apply(Happening.FAILED)
        why = str(error)
        if isinstance(error, TimeoutError):
            why = f"no answer within {self._start_timeout:g} s"
        elif isinstance(error, OSError):  # whose text names a path
            why = error.strerror or type(error).__name__
        log.error("worker_start_failed", engine=self._command.engine, why=why, stderr=self._reason)
        self._reason = why
        return ModelUnavailable(f"engine '{self._command.engine}' could not be started: {why}")

    async def _watch(self, process: WorkerProcess) -> None:
        code = await process.exited()
        if self._state is State.READY:
            self._reason = f"it ended with exit code {code}"
            log.warning("worker_exited", engine=self._command.engine, pid=process.pid, code=code)
            self._count_failure()
        self._apply(Happening.EXITED)
        self._process = None
        await process.stop(timeout=0)

    def _count_failure(self) -> None:
        self._failures += 1
        self._retry_at = time.monotonic() + backoff(self._failures)

    def _pause(self) -> float:
        """Seconds until it may be started; raises ModelUnavailable if they are too many."""
        pause = max(0.0, self._retry_at - time.monotonic())
        if pause > BACKOFF_WAIT or (pause > 0 and self._capabilities is None):
            raise ModelUnavailable(
                f"engine '{self._command.engine}' failed: {self._reason}; "
                f"it is started again in {pause:.0f} s at the earliest"
            )
        return pause

    async def _kill(self, process: WorkerProcess, reason: str) -> None:
        """For a worker that no longer does what it must; it counts as a crash."""
        log.warning("worker_killed", engine=self._command.engine, reason=reason)
        process.kill()
        await self._await_exit(process)

    async def _await_exit(self, process: WorkerProcess) -> None:
        """So that whoever tries again does not meet the same process."""
        if process is self._process and self._watching is not None:
            await asyncio.wait([self._watching], timeout=EXIT_WAIT)

    def _apply(self, happening: Happening) -> None:
        self._state = next_state(self._state, happening)


def _retrieve(starting: asyncio.Task[Capabilities]) -> None:
    """A failed start is in the log, even if nobody waits for it any more."""
    if not starting.cancelled():
        starting.exception()


async def _join(starting: asyncio.Task[Capabilities]) -> Capabilities:
    """The start belongs to all who wait for it, so none of them takes it along when cancelled."""
    await asyncio.wait([starting])
    if starting.cancelled():
        raise ShuttingDown("the server is shutting down")
    return starting.result()


def _ready(info: Info) -> Capabilities:
    if info.capabilities is None:
        raise EngineError(info.error or "it said nothing of itself")
    return info.capabilities
