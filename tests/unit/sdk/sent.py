"""Events on their way over the wire."""

from __future__ import annotations

import asyncio

from wyoming.event import Event

from stentor_engine.wire import MAX_LINE, encode, read_event


def sent(event: Event) -> Event:
    """The event as the other end reads it."""

    async def read() -> Event:
        reader = asyncio.StreamReader(limit=MAX_LINE)
        reader.feed_data(encode(event))
        return await asyncio.wait_for(read_event(reader), 20)

    return asyncio.run(read())
