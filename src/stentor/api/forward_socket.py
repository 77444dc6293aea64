"""A WebSocket that is handed on, message by message, both ways, with its end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from stentor.ended import ended
from stentor.errors import WorkerLost

TEXT, BINARY = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
MESSAGE_MOST = 16 * 2**20
"""Bytes of a message from the server; those of a client are bounded by our own server."""
CLOSE_TIMEOUT = 5.0
NORMAL, GOING_AWAY, NO_CODE, ABNORMAL, BROKEN = 1000, 1001, 1005, 1006, 1011
NEVER_SENT = frozenset({NO_CODE, ABNORMAL, 1015})
"""RFC 6455, 7.4.1: only ever told by one's own end."""


@dataclass
class Client:
    """`first`: what it says first. Before it is accepted that can only be that it is gone."""

    scope: Scope
    receive: Receive
    send: Send
    first: asyncio.Future[Message]
    accepted: bool = False
    _said: bool = False
    _closed: bool = False

    async def accept(self, protocol: str | None) -> None:
        self.accepted = True
        await self.send({"type": "websocket.accept", "subprotocol": protocol})

    async def close(self, code: int, reason: str = "") -> None:
        if not self._closed:
            self._closed = True
            await self.send({"type": "websocket.close", "code": code, "reason": reason})

    async def next(self) -> Message:
        if self._said:
            return await self.receive()
        self._said = True
        return await self.first


async def bridge(
    session: aiohttp.ClientSession, url: URL, headers: Iterable[tuple[str, str]], client: Client
) -> None:
    """Accepts the client when the server accepted us; a refusal is handed on with its status.
    Raises WorkerLost when the server goes without a word, after the client was told.
    """
    try:
        socket = await session.ws_connect(
            url,
            headers=list(headers),
            protocols=client.scope["subprotocols"],
            max_msg_size=MESSAGE_MOST,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
        )
    except aiohttp.WSServerHandshakeError as error:
        refusal = Response(status_code=error.status if error.status >= 400 else 502)
        await refusal(client.scope, client.receive, client.send)
        return
    except aiohttp.ClientError as error:
        raise WorkerLost("the server did not take the connection") from error
    await client.accept(socket.protocol)
    try:
        await _first([_to_server(client.next, socket), _to_client(socket, client)])
    finally:
        await socket.close(code=GOING_AWAY)


async def _to_server(receive: Receive, socket: aiohttp.ClientWebSocketResponse) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        try:
            if (text := message.get("text")) is not None:
                await socket.send_str(text)
            else:
                await socket.send_bytes(message["bytes"])
        except ConnectionResetError:
            return  # the other direction tells the client
    code = message.get("code", NO_CODE)
    reason = (message.get("reason") or "").encode()
    await socket.close(code=GOING_AWAY if code in NEVER_SENT else code, message=reason)


async def _to_client(socket: aiohttp.ClientWebSocketResponse, client: Client) -> None:
    while (message := await socket.receive()).type in (TEXT, BINARY):
        kind = "text" if message.type is TEXT else "bytes"
        await client.send({"type": "websocket.send", kind: message.data})
    code = socket.close_code or ABNORMAL
    lost = code == ABNORMAL
    reason = message.extra if message.type is aiohttp.WSMsgType.CLOSE else None
    sent = NORMAL if code in NEVER_SENT else code
    await client.close(BROKEN if lost else sent, reason or "")
    if lost:
        raise WorkerLost("the server went away under a connection")


async def _first(ways: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Until one of them ends; what it raises is raised."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await ended(tasks)
