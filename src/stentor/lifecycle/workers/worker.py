"""A worker as a service: started with its engine loaded, spoken to over connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from stentor.errors import ModelUnavailable, NoRoom, WorkerLost, WorkerStalled
from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.memory import memory_of
from stentor.lifecycle.needs import Policy, Room
from stentor.lifecycle.restarts import FULL_PAUSE
from stentor.lifecycle.service import DRAIN_TIMEOUT, Service
from stentor.lifecycle.state import State
from stentor.lifecycle.workers.connection import Connection, Unreachable
from stentor.lifecycle.workers.process import NeverListened, WorkerCommand, WorkerProcess
from stentor_engine import Capabilities
from stentor_engine.errors import ConnectionLost, EngineError, OutOfMemory, WireError
from stentor_engine.messages import Info

log = structlog.get_logger(__name__)

START_ATTEMPTS = 3
Prepare = Callable[[WorkerCommand], Awaitable[WorkerCommand]]
"""The command as it is to be started, with what it needs installed and fetched; may take long, and
raise ModelUnavailable."""
Explain = Callable[[WorkerCommand, bool], Awaitable[str]]
"""Why it may be that a command did not start, by the look of what it needs, and what to do; empty:
it is not by that. Told whether the worker ended without a word; may raise ModelUnavailable."""


class Loaded:
    """A worker's process whose engine is loaded."""

    def __init__(
        self, process: WorkerProcess, capabilities: Capabilities, *, on_gpu: bool = False
    ) -> None:
        self.process = process
        self._on_gpu = on_gpu
        self.capabilities = capabilities

    async def exited(self) -> int | None:
        return await self.process.exited()

    def kill(self) -> None:
        self.process.kill()

    async def stop(self, *, timeout: float | None = None) -> None:
        await (self.process.stop() if timeout is None else self.process.stop(timeout=timeout))

    async def memory(self) -> Bytes:
        """The driver's word for a GPU, or where it tells nothing the worker's own."""
        used = await asyncio.to_thread(memory_of, self.process.pid)
        if not self._on_gpu or len(used) > 1:
            return used
        try:
            return {**used, **await self.process.device_memory()}
        except (WireError, TimeoutError):  # a call of it will find out what is wrong
            return used


class WorkerLauncher:
    def __init__(
        self,
        command: WorkerCommand,
        *,
        start_timeout: float,
        prepare: Prepare | None,
        explain: Explain | None,
    ) -> None:
        self._command = command
        self._start_timeout = start_timeout
        self._prepare = prepare
        self._explain = explain
        self._stderr = ""

    async def prepare(self) -> None:
        if self._prepare is not None:
            self._command = await self._prepare(self._command)

    async def launch(self) -> Loaded:
        try:
            async with asyncio.timeout(self._start_timeout):
                return await self._launch()
        except (EngineError, WireError, OSError) as error:  # TimeoutError is an OSError
            raise await self._failed(error) from error

    async def _launch(self) -> Loaded:
        """A process that dies while it starts says nothing of its engine: it is started again."""
        for attempt in range(START_ATTEMPTS, 0, -1):
            try:
                return await self._launch_once()
            except ConnectionLost:
                if attempt == 1:
                    raise
                log.warning("worker_died_starting", engine=self._command.engine)
        raise AssertionError("the last attempt returns or raises")

    async def _launch_once(self) -> Loaded:
        process = await WorkerProcess.spawn(self._command)
        try:
            on_gpu = self._command.settings.get("device", "cpu") not in ("cpu", "auto")
            loaded = Loaded(process, _ready(await process.loaded()), on_gpu=on_gpu)
        except BaseException:
            self._stderr = process.tail
            await process.stop(timeout=0)
            raise
        log.info("worker_ready", engine=self._command.engine, pid=process.pid)
        return loaded

    async def _failed(self, error: Exception) -> ModelUnavailable:
        why = str(error)
        if isinstance(error, TimeoutError):
            why = f"no answer within {self._start_timeout:g} s (lifecycle.start_timeout)"
        elif isinstance(error, OSError):  # whose text names a path
            why = error.strerror or type(error).__name__
        log.error("worker_start_failed", engine=self._command.engine, why=why, stderr=self._stderr)
        if self._explain is not None and isinstance(error, EngineError | WireError):
            silent = isinstance(error, NeverListened)
            if found := await self._explain(self._command, silent):
                why = f"{why}; {found}" if silent else found
        told = f"engine '{self._command.engine}' could not be started: {why}"
        if isinstance(error, OutOfMemory):
            return NoRoom(told, retry_after=FULL_PAUSE)
        return ModelUnavailable(told)


class Worker:
    """`ensure_ready`, then `call`. Everything here runs on the event loop, in one thread."""

    def __init__(
        self,
        command: WorkerCommand,
        *,
        start_timeout: float,
        prepare: Prepare | None = None,
        explain: Explain | None = None,
        name: str | None = None,
        policy: Policy | None = None,
        room: Room | None = None,
    ) -> None:
        """`name`: of the service; that of the engine if there is only one of it."""
        launcher = WorkerLauncher(
            command, start_timeout=start_timeout, prepare=prepare, explain=explain
        )
        named = name or f"engine '{command.engine}'"
        self.service: Service[Loaded] = Service(named, launcher, policy=policy, room=room)
        self._capabilities: Capabilities | None = None

    @property
    def state(self) -> State:
        return self.service.state

    @property
    def capabilities(self) -> Capabilities | None:
        """As the engine last told; None before its first start."""
        return self._capabilities

    @property
    def pid(self) -> int | None:
        running = self.service.running
        return running.process.pid if running else None

    async def ensure_ready(self) -> Capabilities:
        """Joins a running start or begins one; raises ModelUnavailable or ShuttingDown."""
        self._capabilities = (await self.service.ensure_ready()).capabilities
        return self._capabilities

    @asynccontextmanager
    async def call(self) -> AsyncGenerator[Connection, None]:
        """A connection for one call. The worker is not stopped while a call runs.

        Raises WorkerLost when the worker is gone, and WorkerLost or WorkerStalled when it had to
        be killed, for breaking the protocol or for giving no sign of life in time.
        """
        service, running = self.service, self.service.running
        if running is None:
            raise WorkerLost("the worker ended")
        try:
            with service.call():
                async with await running.process.connect() as connection:
                    yield connection
        except ConnectionLost as error:
            await service.ended(running)
            if isinstance(error, Unreachable) and running is service.running:
                service.kill(running, "it lives, and takes no connections")
                await service.ended(running)
            raise WorkerLost("the worker ended under a call") from error
        except WireError as error:
            service.kill(running, f"it broke the protocol: {error}")
            await service.ended(running)
            raise WorkerLost("the worker broke the protocol") from error
        except TimeoutError as error:
            service.kill(running, "it gave no sign of life")
            await service.ended(running)
            raise WorkerStalled(
                "the engine gave no sign of life within lifecycle.stall_timeout"
            ) from error

    def succeeded(self) -> None:
        """A call went well: earlier failures no longer count."""
        self.service.succeeded()

    async def close(self, *, drain_timeout: float = DRAIN_TIMEOUT) -> None:
        """For good: waits for running calls, then ends the process."""
        await self.service.close(drain_timeout=drain_timeout)


def _ready(info: Info) -> Capabilities:
    if info.capabilities is None:
        why = info.error or "it said nothing of itself"
        raise OutOfMemory(why) if info.retryable else EngineError(why)
    return info.capabilities
