"""A worker's process: started, spoken to, stopped. Decides nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from wyoming.event import Event

from stentor.lifecycle.child import Child
from stentor.lifecycle.variables import without_secrets
from stentor.lifecycle.workers.connection import Connection
from stentor_engine.errors import ConnectionLost, MalformedFrame
from stentor_engine.messages import Info, describe_event, parse_info, parse_pong

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = 5.0
STOP_TIMEOUT = 3.0
"""Seconds from closing a worker's stdin to killing it; it gives itself a little less."""
QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}
"""What engines load would tell its makers what runs, and fetch what only the gateway fetches. GPUs
have the numbers that the driver gives them."""
TAIL = 4096
"""Bytes of a worker's stderr that are kept to explain a failed start."""


@dataclass(frozen=True)
class WorkerCommand:
    """`settings`: device, weights and options, as the engine's `Settings`."""

    engine: str
    file: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    python: str = sys.executable
    """That of the environment which the engine needs."""

    def argv(self, listen: str) -> list[str]:
        # -I: neither the working folder nor the user's own packages get into a worker.
        worker = [self.python, "-I", "-m", "stentor_engine.worker"]
        named = ["--engine", self.engine, "--file", str(self.file), "--listen", listen]
        return [*worker, *named, "--settings", json.dumps(dict(self.settings))]


class NeverListened(ConnectionLost):
    """It ended as soon as it was started, without a word about its engine."""


class WorkerProcess:
    """Running, with an address. `spawn` is the only way to one."""

    def __init__(self, child: Child, folder: Path) -> None:
        self._child = child
        self._folder = folder
        self._tail = bytearray()
        self._reading = asyncio.create_task(self._read_stderr())
        self._address = ""

    @classmethod
    async def spawn(cls, command: WorkerCommand) -> WorkerProcess:
        """Returns when the worker listens; raises NeverListened if it ended before, and another
        WireError if it said anything else than where it listens.

        The caller sets the deadline; a cancelled spawn leaves no process behind.
        """
        folder = Path(tempfile.mkdtemp(prefix="stentor-"))
        listen = f"unix:{folder / 'worker.sock'}" if os.name == "posix" else "tcp:127.0.0.1"
        try:
            child = await Child.spawn(command.argv(listen), env=without_secrets() | QUIET)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        worker = cls(child, folder)
        try:
            await worker._await_announcement()
        except BaseException:
            log.warning("worker_silent", engine=command.engine, stderr=worker.tail)
            await worker.stop(timeout=0)
            raise
        return worker

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def tail(self) -> str:
        """The end of what the worker wrote to stderr."""
        return self._tail.decode(errors="replace").strip()

    async def connect(self) -> Connection:
        return await Connection.open(self._address, timeout=CONNECT_TIMEOUT)

    async def loaded(self) -> Info:
        """Waits until the engine is loaded or has failed to; raises WireError or TimeoutError."""
        async with await self.connect() as connection:
            await connection.send(describe_event(), timeout=CONNECT_TIMEOUT)
            while True:
                # The start deadline of the caller bounds this wait.
                info = parse_info(await connection.receive(timeout=None))
                if info.state != "loading":
                    return info

    async def device_memory(self) -> dict[str, int]:
        """Bytes that it says to take of GPUs, by device; raises WireError or TimeoutError."""
        async with await self.connect() as connection:
            await connection.send(Event("ping"), timeout=CONNECT_TIMEOUT)
            return parse_pong(await connection.receive(timeout=CONNECT_TIMEOUT))

    async def exited(self) -> int | None:
        """Its exit code; negative: the signal that ended it."""
        return await self._child.exited()

    def kill(self) -> None:
        self._child.kill()

    async def stop(self, *, timeout: float = STOP_TIMEOUT) -> None:
        """Asks the worker to end, kills it after `timeout` seconds, and leaves nothing of it."""
        try:
            await self._child.end(timeout=timeout, kill=self.kill)
        finally:
            self._reading.cancel()
            self._child.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _await_announcement(self) -> None:
        try:
            line = await self._child.stdout.readline()
        except ValueError as error:
            raise MalformedFrame("the worker's first line has no end") from error
        if not line:
            await self.exited()
            await self._reading
            raise NeverListened("the worker ended before it listened")
        self._address = _announced(line)

    async def _read_stderr(self) -> None:
        while piece := await self._child.stderr.read(TAIL):
            self._tail = (self._tail + piece)[-TAIL:]
            log.debug("worker_stderr", pid=self.pid, text=piece.decode(errors="replace"))


def _announced(line: bytes) -> str:
    try:
        address = json.loads(line)["listening"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedFrame("the worker's first line does not say where it listens") from error
    if not isinstance(address, str):
        raise MalformedFrame("the worker's address is not a string")
    return address
