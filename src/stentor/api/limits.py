"""Bodies are bounded while they come in, whatever their headers say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stentor.api.errors import StreamBroken, error_response
from stentor.errors import TooLarge

LINGER = 3.0
"""Seconds in which what a client still sends is read and dropped: one that is cut off while it
sends would see a reset connection instead of the answer."""


class BodyLimit:
    """Answers 413 for a body over its limit, as soon as it is known to be over."""

    def __init__(self, app: ASGIApp, *, uploads: Iterable[str], upload: int, other: int) -> None:
        """Limits in bytes: for the paths that begin so and take files, and for all others."""
        self._app = app
        self._uploads = tuple(uploads)
        self._upload = upload
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._upload if scope["path"].startswith(self._uploads) else self._other
        length = Headers(scope=scope).get("content-length", "")
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
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass  # it goes on sending: it may not read the answer
    error = TooLarge(f"the body is larger than {limit / 2**20:g} MiB")
    await error_response(error)(scope, receive, send)


class SendDeadline:
    """Breaks off an answer that its client does not take: it holds a place in a queue."""

    def __init__(self, app: ASGIApp, *, timeout: float) -> None:
        """`timeout`: seconds for one piece of the answer."""
        self._app = app
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self._timeout):
                    await send(message)
            except TimeoutError as error:
                raise StreamBroken("client_stalled", "the client takes nothing") from error

        await self._app(scope, receive, send_in_time if scope["type"] == "http" else send)
