"""A client that hangs up before its answer has begun ends the work for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.requests import Request

from stentor.ended import ended

T = TypeVar("T")


class ClientGone(Exception):
    """The client hung up; nobody is left to answer."""


async def until_disconnect(request: Request, work: Coroutine[None, None, T]) -> T:
    """The result of `work`; raises ClientGone when the client hangs up before, after the work was
    cancelled. The request's body must have been read.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait([working, watching], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return await working
        raise ClientGone
    finally:
        watching.cancel()
        if not working.done():
            working.cancel()
            await ended([working])


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
