"""A server that a command of the owner's starts, and that ends with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import structlog

from stentor.ended import ended
from stentor.errors import ModelUnavailable
from stentor.lifecycle.child import Child
from stentor.lifecycle.eviction import Bytes
from stentor.lifecycle.keeper import NOT_FOUND, kept
from stentor.lifecycle.memory import memory_of
from stentor.lifecycle.remains import kill_group
from stentor.lifecycle.servers.served import (
    LOOPBACK,
    Address,
    Look,
    StartFailed,
    free_port,
    is_taken,
    until_ready,
)
from stentor.lifecycle.variables import without_ours

log = structlog.get_logger(__name__)

STOP_TIMEOUT = 5.0
"""Seconds from SIGTERM to SIGKILL."""
MARGIN = 1.0
"""Seconds that the keeper has beyond them before it is ended itself."""
TAIL = 4096
"""Bytes of what a command wrote that are kept to explain its end."""


@dataclass(frozen=True)
class Command:
    """`{port}` in `argv` and in the values of `env` stands for the port to listen on. `port`: None
    for any free one; `cwd`: None for the gateway's own.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    port: int | None = None

    @property
    def knows_port(self) -> bool:
        """Where it is to listen is told to it, or known of it."""
        told = (*self.argv, *self.env.values())
        return self.port is not None or any("{port}" in each for each in told)


class CommandProcess:
    """Running. `spawn` is the only way to one."""

    def __init__(self, child: Child, address: Address) -> None:
        self.address = address
        self._child = child
        self._tail = bytearray()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def spawn(cls, command: Command) -> CommandProcess:
        """Raises OSError when it cannot be run, StartFailed when its port is taken."""
        port = free_port() if command.port is None else command.port
        if command.port is not None and is_taken(port):
            raise StartFailed(f"something else listens on port {port}")
        own = {k: _with_port(v, port) for k, v in command.env.items()}
        argv = [_with_port(each, port) for each in command.argv]
        child = await Child.spawn(
            kept(argv, timeout=STOP_TIMEOUT),
            env=without_ours() | own,
            cwd=command.cwd,
            merged=True,
        )
        return cls(child, Address(LOOPBACK, port))

    @property
    def pid(self) -> int:
        """Of its keeper."""
        return self._child.pid

    @property
    def tail(self) -> str:
        """The end of what it wrote, to stdout or stderr."""
        return self._tail.decode(errors="replace").strip()

    async def exited(self) -> int | None:
        return await self._child.exited()

    def kill(self) -> None:
        if not self._child.has_ended:
            _kill_below(self.pid)
            kill_group(self.pid)
            self._child.kill()

    async def stop(self, *, timeout: float = STOP_TIMEOUT + MARGIN) -> None:
        """SIGTERM, and SIGKILL when it does not follow in time; `timeout` 0: at once."""
        try:
            await self._child.end(timeout=timeout, kill=self.kill)
        finally:
            await asyncio.wait([self._reading], timeout=MARGIN)  # its last words
            self._reading.cancel()
            self._child.close()

    async def memory(self) -> Bytes:
        return await asyncio.to_thread(memory_of, self.pid)

    async def _read(self) -> None:
        while piece := await self._child.stdout.read(TAIL):
            self._tail = (self._tail + piece)[-TAIL:]
            log.debug("command_output", pid=self.pid, text=piece.decode(errors="replace"))


class CommandLauncher:
    """Raises ModelUnavailable for what goes wrong; what the command wrote goes to the log only."""

    def __init__(self, name: str, command: Command, look: Look, *, start_timeout: float) -> None:
        """`start_timeout`: seconds until it must be ready."""
        self._name = name
        self._command = command
        self._look = look
        self._start_timeout = start_timeout

    async def prepare(self) -> None:
        """Nothing."""

    async def launch(self) -> CommandProcess:
        try:
            process = await CommandProcess.spawn(self._command)
        except StartFailed as error:
            raise self._failed(str(error), "") from error
        except OSError as error:
            why = f"it cannot be run: {error.strerror or type(error).__name__}"
            if self._command.cwd is not None and not self._command.cwd.is_dir():
                why = "its cwd is no folder; the log tells which"
            raise self._failed(why, str(self._command.cwd or "")) from error
        try:
            await self._ready(process)
        except StartFailed as error:
            await process.stop(timeout=0)
            advice = "" if self._command.knows_port else "; {port} is nowhere in its command"
            raise self._failed(f"{error}{advice}", process.tail) from error
        except BaseException:
            await process.stop(timeout=0)
            raise
        log.info("command_ready", backend=self._name, pid=process.pid, port=process.address.port)
        return process

    async def _ready(self, process: CommandProcess) -> None:
        """Raises StartFailed, at once when the process ends."""
        exiting = asyncio.create_task(process.exited())
        looking = asyncio.create_task(
            until_ready([process.address], self._look, timeout=self._start_timeout)
        )
        try:
            await asyncio.wait([exiting, looking], return_when=asyncio.FIRST_COMPLETED)
            # A dead one's port may be another's, who is ready.
            if exiting.done():
                raise StartFailed(_ending(exiting.result()))
            await looking
        finally:
            exiting.cancel()
            looking.cancel()
            await ended([exiting, looking])

    def _failed(self, why: str, said: str) -> ModelUnavailable:
        log.error("command_start_failed", backend=self._name, why=why, said=said)
        return ModelUnavailable(f"'{self._name}' could not be started: {why}")


def _kill_below(pid: int) -> None:
    """What it started, also in groups of their own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def _with_port(text: str, port: int) -> str:
    return text.replace("{port}", str(port))


def _ending(code: int | None) -> str:
    if code == NOT_FOUND:
        return "there is no such program, or it may not be run; the log tells which"
    return f"it ended with exit code {code} before it was ready; the log has what it said"
