"""Bodies are bounded while they come in, whatever their headers say."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stentor.api.errors import error_response
from stentor.errors import TooLarge

LINGER = 3.0
"""Seconds in which what a client still sends is read and dropped: one that is cut off while it
sends would see a reset connection instead of the answer."""


class BodyLimit:
    """Answers 413 for a body over its limit, as soon as it is known to be over."""

    def __init__(self, app: ASGIApp, *, upload: int, other: int) -> None:
        """Limits in bytes: for multipart bodies, and for all others."""
        self._app = app
        self._upload = upload
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        multipart = headers.get("content-type", "").startswith("multipart/")
        limit = self._upload if multipart else self._other
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            await _refuse(scope, receive, send, limit)
            return
        await _Counted(limit, receive, send).run(self._app, scope)


class _Counted:
    """Counts what is received. Past the limit the app sees a hang-up, the client the 413."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self._limit = limit
        self._receive = receive
        self._send = send
        self._received = 0
        self._answered = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        await app(scope, self._counting, self._guarded)
        if self._over() and not self._answered:
            await _refuse(scope, self._receive, self._send, self._limit)

    def _over(self) -> bool:
        return self._received > self._limit

    async def _counting(self) -> Message:
        if self._over():
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._received += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self._over() else message

    async def _guarded(self, message: Message) -> None:
        if self._over() and not self._answered:
            return  # the app's answer to the hang-up
        self._answered = True
        await self._send(message)


async def _refuse(scope: Scope, receive: Receive, send: Send, limit: int) -> None:
    try:
        async with asyncio.timeout(LINGER):
            while (message := await receive()).get("more_body"):
                if message["type"] == "http.disconnect":
                    return
    except TimeoutError:
        pass  # it goes on sending: it may not read the answer
    error = TooLarge(f"the body is larger than {limit / 2**20:g} MiB")
    await error_response(error)(scope, receive, send)
