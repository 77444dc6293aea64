"""The gateway's end of a connection to a worker: events with deadlines."""

from __future__ import annotations

import asyncio
import errno
from types import TracebackType
from typing import Self

from wyoming.event import Event

from stentor_engine.errors import ConnectionLost
from stentor_engine.wire import MAX_LINE, read_event, write_event

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What this process lacks, however well the worker is."""


class Unreachable(ConnectionLost):
    """Nobody takes connections there."""


class Connection:
    """Leaving the context closes it, which cancels what the worker is doing for it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: str, *, timeout: float) -> Self:
        """`address` as a worker announces it; raises ConnectionLost, and Unreachable where that is
        not for what this process lacks.
        """
        kind, _, place = address.partition(":")
        try:
            async with asyncio.timeout(timeout):
                if kind == "unix":
                    return cls(*await asyncio.open_unix_connection(place, limit=MAX_LINE))
                host, _, port = place.rpartition(":")
                return cls(*await asyncio.open_connection(host, int(port), limit=MAX_LINE))
        except (OSError, ValueError, OverflowError) as error:  # TimeoutError is an OSError
            kind_of = ConnectionLost if getattr(error, "errno", None) in _OURS else Unreachable
            raise kind_of(f"no connection to the worker: {error!r}") from error

    async def send(self, event: Event, *, timeout: float) -> None:
        """Raises WireError, or TimeoutError when the worker does not take it in time."""
        await write_event(self._writer, event, timeout=timeout)

    async def receive(self, *, timeout: float | None) -> Event:
        """The next event; raises WireError, or TimeoutError after so many seconds without one."""
        async with asyncio.timeout(timeout):
            return await read_event(self._reader)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()
