"""A WebSocket that is handed on, message by message, both ways, with its end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import aiohttp
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
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


async def bridge(
    session: aiohttp.ClientSession,
    url: URL,
    headers: Iterable[tuple[str, str]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Accepts the client when the server accepted us; a refusal is handed on with its status."""
    await receive()  # websocket.connect
    try:
        socket = await session.ws_connect(
            url,
            headers=list(headers),
            protocols=scope["subprotocols"],
            max_msg_size=MESSAGE_MOST,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT),
        )
    except aiohttp.WSServerHandshakeError as error:
        refusal = Response(status_code=error.status if error.status >= 400 else 502)
        await refusal(scope, receive, send)
        return
    except aiohttp.ClientError as error:
        raise WorkerLost("the server did not take the connection") from error
    await send({"type": "websocket.accept", "subprotocol": socket.protocol})
    try:
        await _first([_to_server(receive, socket), _to_client(socket, send)])
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


async def _to_client(socket: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    while (message := await socket.receive()).type in (TEXT, BINARY):
        kind = "text" if message.type is TEXT else "bytes"
        await send({"type": "websocket.send", kind: message.data})
    code = BROKEN if socket.close_code in (None, ABNORMAL) else socket.close_code
    reason = message.extra if message.type is aiohttp.WSMsgType.CLOSE else None
    sent = NORMAL if code in NEVER_SENT else code
    await send({"type": "websocket.close", "code": sent, "reason": reason or ""})


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
