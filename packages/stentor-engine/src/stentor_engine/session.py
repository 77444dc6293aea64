"""One connection to a worker: one call at a time, and an ear for pings and for the hang-up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing

from wyoming.event import Event

from . import calls
from .errors import ConnectionLost, EngineError, MalformedFrame, WireError
from .host import Host
from .messages import error_event, extension, info_event
from .wire import read_event, write_event

SEND_TIMEOUT = 60.0
"""Seconds without the other end taking anything: it is gone."""


class Session:
    def __init__(
        self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._call: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until the other end hangs up or breaks the protocol; what runs then is stopped."""
        try:
            while True:
                await self._answer(await read_event(self._reader))
        except ConnectionLost:
            pass  # a hang-up is how a caller cancels
        except WireError as error:
            await self._send_error(error)
        finally:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._writer.close()

    async def _answer(self, event: Event) -> None:
        extension(event)  # refuses another protocol version before anything is done
        if event.type == "ping":
            await self._send(Event("pong", event.data))
        elif event.type == "describe":
            self._spawn(self._describe())
        elif event.type not in ("synthesize", "transcribe"):
            raise MalformedFrame(f"'{event.type}' is not a request")
        elif self._call is not None and not self._call.done():
            raise MalformedFrame("one call at a time on a connection")
        elif event.type == "synthesize":
            self._call = self._spawn(self._run(calls.speak(self._host, event)))
        else:
            window = await calls.receive_window(self._host, self._reader)
            self._call = self._spawn(self._run(calls.listen(self._host, event, window)))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _describe(self) -> None:
        loading = not self._host.loaded.is_set()
        await self._send(info_event(self._host.info))
        if loading:
            await self._host.loaded.wait()
            await self._send(info_event(self._host.info))

    async def _run(self, events: AsyncGenerator[Event, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    await self._send(event)
        except (EngineError, WireError) as error:
            await self._send_error(error)

    async def _send(self, event: Event) -> None:
        await write_event(self._writer, event, timeout=SEND_TIMEOUT)

    async def _send_error(self, error: EngineError | WireError) -> None:
        try:
            await self._send(error_event(error))
        except ConnectionLost:
            pass  # nobody is left to tell; the reader ends the session
