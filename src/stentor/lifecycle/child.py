"""A program that is started and watched. Decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from stentor.ended import ended
from stentor.lifecycle.remains import MARK, kill_remains

LIMIT = 4096
"""Bytes that a line of a child's output may have."""
LOOK_AGAIN = 0.05
"""Seconds until a start that was given up is looked at again."""

if sys.platform == "win32":
    from asyncio.windows_utils import Popen as _Base  # whose pipes a loop can read
else:
    _Base = subprocess.Popen[bytes]


def hold_up_one_thread() -> None:
    """For this whole process, once: with vfork a child would hold up all of its threads until it
    runs its program, and not only the one that starts it. That Python may be told so is documented
    with `subprocess`.
    """
    subprocess._USE_VFORK = False  # type: ignore[misc]  # declared final: it is not


class Child:
    """Runs; `spawn` is the only way to one. Its output has to be read.

    It is started by a thread: from its fork until it runs its program a child holds up whoever
    started it, and one that is frozen there would hold up every request of this process.
    """

    def __init__(self, popen: subprocess.Popen[bytes], mark: str) -> None:
        self._popen = popen
        self._mark = mark
        self._exited = asyncio.Event()
        self._unread = [pipe for pipe in (popen.stdout, popen.stderr) if pipe is not None]
        self._transports: list[asyncio.BaseTransport] = []
        self.stdout = asyncio.StreamReader(limit=LIMIT)
        self.stderr = asyncio.StreamReader(limit=LIMIT)
        """Nothing, where it is `merged`."""
        told = asyncio.get_running_loop(), self._exited
        threading.Thread(
            target=_wait, args=(popen, *told), daemon=True, name=f"child-{popen.pid}"
        ).start()

    @classmethod
    async def spawn(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        merged: bool = False,
    ) -> Child:
        """In a session of its own: Ctrl-C is for the gateway, which drains what it started.
        `merged`: what it writes to stderr comes with stdout. Raises OSError; cancelled, it leaves
        nothing.
        """
        mark = uuid.uuid4().hex
        popen = await _started(
            argv,
            env={**env, MARK: mark},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            start_new_session=True,
        )
        child = cls(popen, mark)
        try:
            await child._read()
        except BaseException:
            child.kill()
            child.close()
            await ended([asyncio.ensure_future(child.exited())])
            raise
        return child

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def has_ended(self) -> bool:
        """As far as this loop was told."""
        return self._exited.is_set()

    async def exited(self) -> int | None:
        """Its exit code; negative: the signal that ended it."""
        await self._exited.wait()
        return self._popen.returncode

    def close_stdin(self) -> None:
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()

    def kill(self) -> None:
        """Also one whose end nobody has told yet."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.kill()

    async def end(self, *, timeout: float, kill: Callable[[], None]) -> None:
        """Asks it to end, by closing its stdin; `kill` is called where it does not follow within
        so many seconds. When this returns, nothing is left of it and of what it started.
        """
        self.close_stdin()
        try:
            async with asyncio.timeout(timeout):
                await self.exited()
        except TimeoutError:
            kill()
            await self.exited()
        finally:
            await asyncio.shield(asyncio.to_thread(kill_remains, self.pid, self._mark))

    def close(self) -> None:
        """Its output is not wanted any more."""
        self.close_stdin()
        for transport in self._transports:
            transport.close()
        for pipe in self._unread:
            pipe.close()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        for pipe, reader in ((self._popen.stdout, self.stdout), (self._popen.stderr, self.stderr)):
            if pipe is None:
                reader.feed_eof()
                continue
            end = pipe if sys.platform == "win32" else _ReadEnd(pipe)
            self._unread.remove(pipe)  # the loop closes what it was given
            transport, _ = await loop.connect_read_pipe(
                functools.partial(asyncio.StreamReaderProtocol, reader), end
            )
            self._transports.append(transport)


class _ReadEnd:
    """Of a pipe, in place of its file. uvloop closes the number of what it reads and then closes
    the file, whose number may be a stranger's by then: this one looks before.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._fd: int | None = os.dup(file.fileno())
        self._identity = _identity(self._fd)
        file.close()

    def fileno(self) -> int:
        if self._fd is None:
            raise ValueError("It is closed.")
        return self._fd

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None and _identity(fd) == self._identity:
            os.close(fd)


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Popen(_Base):
    """Known from the moment in which there is a process, and not only when it runs its program."""

    def __init__(self, known: list[_Popen], argv: Sequence[str], **how: Any) -> None:
        known.append(self)
        super().__init__(argv, **how)

    def kill_if_there(self) -> None:
        if getattr(self, "pid", None):
            self.kill()


async def _started(argv: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
    known: list[_Popen] = []
    done = threading.Event()

    def start() -> _Popen:
        try:
            return _Popen(known, argv, **how)
        finally:
            done.set()

    # Futures of threads, and no tasks: all tasks of a loop that ends are cancelled.
    loop = asyncio.get_running_loop()
    starting = loop.run_in_executor(None, start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await ended([starting, loop.run_in_executor(None, _give_up, known, done)])
        raise


def _give_up(known: Sequence[_Popen], done: threading.Event) -> None:
    """Until nothing is left of it. Blocks."""
    while not done.wait(LOOK_AGAIN):
        for popen in known:
            popen.kill_if_there()
    for popen in known:
        popen.kill_if_there()
        if popen.pid:
            popen.wait()
        for pipe in (popen.stdin, popen.stdout, popen.stderr):
            if pipe is not None:
                pipe.close()


def _wait(
    popen: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop, exited: asyncio.Event
) -> None:
    popen.wait()
    with contextlib.suppress(RuntimeError):  # the loop has ended before
        loop.call_soon_threadsafe(exited.set)
