"""`kind = "process"` and `kind = "container"`: somebody else's server, started on this machine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from stentor.backends.local import Local
from stentor.errors import InvalidRequest, WorkerLost, WorkerStalled
from stentor.lifecycle.servers.pulse import Pulse
from stentor.lifecycle.servers.served import Address, Look, Served
from stentor.lifecycle.service import Service
from stentor.lifecycle.silence import Silence
from stentor.types import AudioChunk
from stentor_engine import Capabilities, ConversionCall, SpeechCall, Transcript, TranscriptionCall


class Dialect(Protocol):
    """How such a server is asked. `place` is what `at` made of its address. All raise StentorError
    only: WorkerLost where it went away, WorkerStalled where it gave no sign of life in time.
    """

    def at(self, address: Address) -> str: ...

    async def capabilities(self, place: str) -> Capabilities:
        """As configured, and as it tells itself."""

    def speak(self, place: str, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        """Closing it early closes the connection. Ends only when all was spoken."""

    def listen(self, place: str, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        """Closing it early closes the connection."""

    async def close(self) -> None: ...


class Raw:
    """`protocol = "none"`: nothing is known but the address."""

    def __init__(self, model: str) -> None:
        self._model = model

    def at(self, address: Address) -> str:
        return address.url

    async def capabilities(self, place: str) -> Capabilities:
        raise self._refusal()

    def speak(self, place: str, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        raise self._refusal()

    def listen(self, place: str, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        raise self._refusal()

    async def close(self) -> None:
        """Nothing is open."""

    def _refusal(self) -> InvalidRequest:
        where = f"/upstream/{self._model}/"
        return InvalidRequest(f"model '{self._model}' is reached under {where} only", param="model")


@dataclass(frozen=True)
class Lent:
    """A server for a request past our API. `heard` is called whenever it sends something, or takes
    it.
    """

    address: Address
    heard: Callable[[], None]


class ServedBackend(Local):
    def __init__(
        self,
        name: str,
        service: Service[Served],
        dialect: Dialect,
        look: Look,
        *,
        max_parallel: int,
        stall_timeout: float,
    ) -> None:
        super().__init__(name, service)
        self._served = service
        self._silence: Silence[Served] = Silence(stall_timeout)
        self._pulse = Pulse(service, look, limit=stall_timeout)
        self._dialect = dialect
        self._max_parallel = max_parallel
        self._told_by: Served | None = None
        self._capabilities: Capabilities | None = None

    @property
    def slots(self) -> int:
        return self._max_parallel

    async def ensure_ready(self) -> Capabilities:
        running = await self._served.ensure_ready()
        if self._capabilities is None or running is not self._told_by:
            place = self._dialect.at(running.address)
            self._capabilities = await self._dialect.capabilities(place)
            self._told_by = running
        return self._capabilities

    async def speak(self, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        async with (
            self._watched() as place,
            aclosing(self._dialect.speak(place, call)) as chunks,
        ):
            async for chunk in chunks:
                self._heard()
                yield chunk

    async def listen(self, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        async with (
            self._watched() as place,
            aclosing(self._dialect.listen(place, call)) as heard,
        ):
            async for transcript in heard:
                self._heard()
                yield transcript

    def convert(self, call: ConversionCall) -> AsyncGenerator[AudioChunk, None]:
        """No protocol of such a server has it."""
        raise InvalidRequest(f"the backend '{self.name}' does not convert", param="model")

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Lent]:
        """For a request past our API: as long as it gives any sign of life. When it gives none it
        is killed, and who used it is cancelled: this raises WorkerStalled.
        """
        async with self._reached() as running, self._pulse.asked(running):
            yield Lent(running.address, self._heard)

    def _heard(self) -> None:
        """It lives, whoever asked for it."""
        self._silence.heard()
        self._pulse.heard()

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator[Served]:
        """It is ready, and not stopped in good order before the context is left. What gives no sign
        of life is killed, as a worker is: it may never come back by itself.
        """
        running = await self._served.ensure_ready()
        try:
            with self._served.call():
                yield running
            self._served.succeeded()
        except WorkerStalled as error:
            self._served.kill(running, str(error))
            await self._served.ended(running)
            raise
        except WorkerLost:
            await self._served.ended(running)
            raise

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[str]:
        """For a call of which something is to be heard."""
        async with self._reached() as running:
            with self._silence.of_call(self._served):
                yield self._dialect.at(running.address)

    async def close(self) -> None:
        self._pulse.close()
        await self._served.close()
        await self._dialect.close()
