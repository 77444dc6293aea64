"""An engine in a worker of its own, as an engine of this process: for the suites of engines whose
packages are not those of the gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from stentor.backends.engine import EngineBackend
from stentor.errors import InvalidRequest
from stentor.lifecycle.workers.process import WorkerCommand
from stentor.lifecycle.workers.worker import Worker
from stentor_engine import (
    Capabilities,
    ConversionCall,
    ConversionEngine,
    InvalidCall,
    SpeechCall,
    SpeechEngine,
    Transcript,
    TranscriptionCall,
    TranscriptionEngine,
    Word,
)
from stentor_engine.contract import Samples
from stentor_engine.host import AnyEngine

T = TypeVar("T")
START_TIMEOUT = 120.0
STALL_TIMEOUT = 60.0
HEAD_START = 0.05
"""Seconds that an engine has for its next answer before the caller may hang up."""


@contextmanager
def remote(command: WorkerCommand) -> Iterator[AnyEngine]:
    """Loaded; what the gateway would tell its client is raised as the engine's own error."""
    with start_blocking_portal("asyncio") as portal:
        worker = portal.call(_worker, command)
        try:
            capabilities = portal.call(worker.ensure_ready)
            backend = EngineBackend(
                command.engine, worker, max_parallel=None, stall_timeout=STALL_TIMEOUT
            )
            yield ENGINES[capabilities.task](portal, backend, capabilities)
        finally:
            portal.call(worker.close)


async def _worker(command: WorkerCommand) -> Worker:
    return Worker(command, start_timeout=START_TIMEOUT)


class Answers(Generic[T]):
    """Of one call. Everything here runs on the event loop."""

    def __init__(self, answers: AsyncGenerator[T, None]) -> None:
        self._answers = answers
        self._next: asyncio.Future[T | None] | None = None

    async def ask(self) -> None:
        """For the next one; returns before it comes, unless it comes soon."""
        self._next = asyncio.ensure_future(anext(self._answers, None))
        await asyncio.wait({self._next}, timeout=HEAD_START)

    async def next(self) -> T | None:
        """What was asked for; None: that was all."""
        assert self._next is not None
        return await self._next

    async def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._answers.aclose()


class Remote:
    def __init__(
        self, portal: BlockingPortal, backend: EngineBackend, capabilities: Capabilities
    ) -> None:
        self.capabilities = capabilities
        self._portal = portal
        self._backend = backend

    def _each(self, generator: AsyncGenerator[T, None]) -> Generator[T | None]:
        """With None before each answer: the worker is at work on it then."""
        answers = Answers(generator)
        try:
            while True:
                self._portal.call(answers.ask)
                yield None
                if (answer := self._portal.call(answers.next)) is None:
                    return
                yield answer
        except InvalidRequest as error:
            raise InvalidCall(str(error)) from error
        finally:
            self._portal.call(answers.close)


class RemoteSpeech(Remote, SpeechEngine):
    def synthesize(self, call: SpeechCall) -> Iterator[Samples | Word | None]:
        for chunk in self._each(self._backend.speak(call)):
            if chunk is None:
                yield None
            else:
                yield from chunk.words
                yield chunk.samples


class RemoteTranscription(Remote, TranscriptionEngine):
    def transcribe(self, call: TranscriptionCall) -> Iterator[Transcript | None]:
        yield from self._each(self._backend.listen(call))


class RemoteConversion(Remote, ConversionEngine):
    def convert(self, call: ConversionCall) -> Iterator[Samples | None]:
        for chunk in self._each(self._backend.convert(call)):
            yield None if chunk is None else chunk.samples


ENGINES: dict[str, type[RemoteSpeech | RemoteTranscription | RemoteConversion]] = {
    "speech": RemoteSpeech,
    "transcription": RemoteTranscription,
    "conversion": RemoteConversion,
}
