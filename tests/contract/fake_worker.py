"""A worker that answers with whatever a test wants.

The process is real: the gateway starts it, reads from it where to connect to, and kills it. It says
the address of a server in the test, which speaks for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from wyoming.event import Event

from stentor.backends.engine import EngineBackend
from stentor.lifecycle.workers.process import WorkerCommand
from stentor.lifecycle.workers.worker import Worker
from stentor_engine import Capabilities
from stentor_engine.errors import WireError
from stentor_engine.messages import Info, info_event
from stentor_engine.wire import MAX_LINE, encode, read_event

RATE = 8_000
SPEECH = info_event(Info("fake", "ready", Capabilities("speech", RATE)))
CONVERSION = info_event(Info("fake", "ready", Capabilities("conversion", RATE)))
TRANSCRIPTION = info_event(Info("fake", "ready", Capabilities("transcription", RATE)))

PROGRAM = Path(__file__).with_name("fake_worker.sh")
"""Nothing that a test writes: a child that is just being forked would hold it open for writing, and
what is open for writing does not run."""
Then = Literal["close", "hold", "die", "drip", "deaf"]
"""After the answer: hang up; say nothing more; be killed and so hang up; go on with a line that has
no end, byte by byte; say nothing more and read nothing, either."""


@dataclass
class FakeWorker:
    folder: Path
    info: bytes = encode(SPEECH)
    answer: bytes = b""
    then: Then = "close"
    requests: list[Event] = field(default_factory=list)
    pid: Callable[[], int | None] = lambda: None

    @property
    def address(self) -> str:
        return f"unix:{self.folder / 's'}"

    def command(self, first_line: bytes | None = None, *, child: bool = False) -> WorkerCommand:
        """`first_line`: what it says instead of its address; `child`: it starts one."""
        said = self.folder / "said"
        said.write_bytes(first_line or f'{{"listening": "{self.address}"}}\n'.encode())
        return WorkerCommand("fake", said, {"child": child}, python=str(PROGRAM))

    @asynccontextmanager
    async def backend(self, *, stall_timeout: float = 20.0) -> AsyncIterator[EngineBackend]:
        """A new one, with a process of its own."""
        worker = Worker(self.command(), start_timeout=20.0)
        backend = EngineBackend("fake", worker, max_parallel=None, stall_timeout=stall_timeout)
        self.pid = lambda: worker.pid
        try:
            yield backend
        finally:
            await worker.close(drain_timeout=0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_event(reader)
            if request.type == "describe":
                writer.write(self.info)
                await reader.read()  # until the gateway has heard enough
            else:
                self.requests.append(request)
                if self.then != "deaf" and request.type in ("transcribe", "convert"):
                    while (await read_event(reader)).type != "audio-stop":
                        pass
                await self._answer(reader, writer)
        except (OSError, WireError):
            pass  # the gateway may hang up whenever it has heard enough
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.answer)
        await writer.drain()
        if self.then == "die" and (pid := self.pid()):
            os.kill(pid, signal.SIGKILL)
        if self.then == "hold":
            await reader.read()
        if self.then == "deaf":
            assert isinstance(writer.transport, asyncio.Transport)
            writer.transport.pause_reading()
            await asyncio.Event().wait()
        while self.then == "drip":
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)


@asynccontextmanager
async def fake_worker() -> AsyncIterator[FakeWorker]:
    with tempfile.TemporaryDirectory(prefix="st-") as folder:
        fake = FakeWorker(Path(folder))
        path = fake.address.removeprefix("unix:")
        server = await asyncio.start_unix_server(fake.serve, path, limit=MAX_LINE)
        try:
            yield fake
        finally:
            server.close()
