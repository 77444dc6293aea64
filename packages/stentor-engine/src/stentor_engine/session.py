"""One connection to a worker: one call at a time, and an ear for pings and for the hang-up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing

from wyoming.event import Event

from . import calls, incoming
from .contract import REFERENCE_RATE, Reference
from .errors import ConnectionLost, EngineError, MalformedFrame, WireError
from .host import Host
from .memory import device_memory
from .messages import error_event, extension, info_event, pong_event
from .run import told
from .wire import MAX_LINE, read_event, within, write_event

SEND_TIMEOUT = 60.0
"""Seconds without the other end taking anything: it is gone."""
LINGER = 5.0
"""Seconds to let the other end send what it is at, before it is cut off with its error."""
_LAST = ("audio-stop", "transcript-stop")


class Session:
    def __init__(
        self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._busy = False
        self._loading_told: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until the other end hangs up or breaks the protocol; what runs then is stopped."""
        try:
            while True:
                await self._answer(await read_event(self._reader))
        except ConnectionLost:
            pass  # a hang-up is how a caller cancels
        except (EngineError, WireError) as error:
            await self._stop()
            await self._send_error(error)
            await self._linger()
        finally:
            await self._stop()
            self._writer.close()

    async def _answer(self, event: Event) -> None:
        extension(event)  # refuses another protocol version before anything is done
        if event.type == "ping":
            await self._send(pong_event(event, device_memory()))
        elif event.type == "describe":
            await self._describe()
        elif event.type not in ("synthesize", "transcribe", "convert"):
            raise MalformedFrame(f"'{event.type}' is not a request")
        elif self._busy:
            raise MalformedFrame("one call at a time on a connection")
        else:
            self._begin(await self._call(event))

    async def _call(self, request: Event) -> AsyncGenerator[Event, None]:
        """The answer, when all that belongs to the request has come."""
        if request.type == "transcribe":
            rate = self._host.capabilities.sample_rate
            window = await incoming.receive_window(self._host, self._reader, rate)
            return calls.listen(self._host, request, window)
        if request.type == "convert":
            window = await incoming.receive_window(self._host, self._reader, REFERENCE_RATE)
            return calls.convert(self._host, request, window, await self._reference(request))
        return calls.speak(self._host, request, await self._reference(request))

    async def _reference(self, request: Event) -> Reference | None:
        return await incoming.receive_reference(self._host, request, self._reader, self._send)

    async def _describe(self) -> None:
        loading = not self._host.loaded.is_set()
        await self._send(info_event(self._host.info))
        if loading and self._loading_told is None:
            self._loading_told = self._spawn(self._tell_loaded())

    async def _tell_loaded(self) -> None:
        await self._host.loaded.wait()
        try:
            await self._send(info_event(self._host.info))
        except ConnectionLost:
            pass  # the reader ends the session

    def _begin(self, answer: AsyncGenerator[Event, None]) -> None:
        self._busy = True
        self._spawn(self._run(answer))

    async def _run(self, answer: AsyncGenerator[Event, None]) -> None:
        try:
            async with aclosing(answer):
                async for event in answer:
                    # Before it is sent: the next request may be there before this task goes on.
                    self._busy = event.type not in _LAST
                    await self._send(event)
        except ConnectionLost:
            pass  # the reader ends the session
        except Exception as error:  # noqa: BLE001 - an engine may yield anything, and it is told
            self._busy = False
            await self._send_error(error if isinstance(error, WireError) else told(error))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, event: Event) -> None:
        try:
            await write_event(self._writer, event, timeout=SEND_TIMEOUT)
        except asyncio.TimeoutError as error:
            self._writer.transport.abort()  # nobody takes what still waits to be sent
            raise ConnectionLost("the other end takes nothing") from error

    async def _send_error(self, error: EngineError | WireError) -> None:
        try:
            await self._send(error_event(error))
        except ConnectionLost:
            pass  # nobody is left to tell; the reader ends the session

    async def _linger(self) -> None:
        """Closing on unread input would reset the connection, and with it what was sent last."""
        try:
            self._writer.write_eof()
            await within(LINGER, self._discard())
        except (OSError, asyncio.TimeoutError):
            pass  # gone, or it does not stop sending; either way there is no more to do

    async def _discard(self) -> None:
        while await self._reader.read(MAX_LINE):
            pass
