"""A request that is handed on as it is, and its answer as it comes."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import aiohttp
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from stentor.api.disconnect import ClientGone
from stentor.api.errors import StreamBroken
from stentor.api.forward_socket import BROKEN, Client, bridge
from stentor.backends.served import Lent
from stentor.ended import ended
from stentor.errors import WorkerLost

CONNECT_TIMEOUT = 10.0
AHEAD = 16
"""Pieces of a body, of 64 KiB at most as a rule, that are read before the server takes them."""
HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
"""RFC 9110, 7.6.1: of one connection only, as are those that `Connection` names."""
OURS = frozenset({b"host", b"expect"})
HANDSHAKE = b"sec-websocket-"
Headers = Iterable[tuple[bytes, bytes]]
Server = AbstractAsyncContextManager[Lent]
"""Entered, it is ready."""


@dataclass(frozen=True)
class Target:
    """`path` and `query` as the client wrote them. `keyed`: its Authorization was for us."""

    path: str
    query: bytes
    keyed: bool

    def url(self, server: Lent) -> URL:
        query = f"?{self.query.decode('latin-1')}" if self.query else ""
        return URL(f"{server.address.url}{self.path}{query}", encoded=True)

    def headers(self, given: Headers) -> list[tuple[str, str]]:
        own = OURS | {b"authorization"} if self.keyed else OURS
        return [(k.decode("latin-1"), v.decode("latin-1")) for k, v in _end_to_end(given, own)]


class _Request:
    """The client's side of it, which is read ahead of the server: so a hang-up is seen."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pieces: asyncio.Queue[Message] = asyncio.Queue(AHEAD)
        self.gone = False
        self.answered = False

    async def read(self) -> None:
        """Until the client hangs up."""
        while (message := await self._receive())["type"] != "http.disconnect":
            await self._pieces.put(message)
        self.gone = True

    async def body(self, lent: Lent) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._pieces.get()
            if piece := message.get("body", b""):
                yield piece
                lent.heard()
            more = message.get("more_body", False)


async def forward_http(
    server: Server, target: Target, scope: Scope, receive: Receive, send: Send
) -> None:
    """Raises what entering `server` raises, and WorkerLost or ClientGone, where no answer began;
    StreamBroken where one did. Who hangs up does not wait for the server any more.
    """
    request = _Request(receive)
    reading = asyncio.create_task(request.read())
    await asyncio.sleep(0)  # for one that has hung up already
    handing = asyncio.create_task(_hand_on(server, target, scope, request, send))
    try:
        await asyncio.wait([reading, handing], return_when=asyncio.FIRST_COMPLETED)
        if handing.done() and not request.gone:
            handing.result()
        elif not request.answered:
            raise ClientGone
    finally:
        await _cancelled([reading, handing])


async def _hand_on(
    server: Server, target: Target, scope: Scope, request: _Request, send: Send
) -> None:
    if request.gone:
        return
    try:
        async with server as lent:
            await _ask(lent, target, scope, request, send)
    except WorkerLost as error:
        if request.answered:
            raise StreamBroken(error.code, str(error)) from error
        raise


async def _ask(lent: Lent, target: Target, scope: Scope, request: _Request, send: Send) -> None:
    async def noticed(message: Message) -> None:
        request.answered = True
        await _heard(lent, send, message)

    headers = target.headers(scope["headers"])
    body = request.body(lent) if _has_body(scope["headers"]) else None
    try:
        async with _session() as session:
            asked = session.request(
                scope["method"],
                target.url(lent),
                headers=headers,
                data=body,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
            async with asked as answer:
                await _pass_back(answer, noticed)
    except aiohttp.ClientError as error:
        raise WorkerLost("the server went away under a request") from error


async def _heard(lent: Lent, send: Send, message: Message) -> None:
    """What the server said is handed on. However long a client takes for it, the server lives."""
    lent.heard()
    await send(message)
    lent.heard()


async def _pass_back(answer: aiohttp.ClientResponse, send: Send) -> None:
    headers = list(_end_to_end(answer.raw_headers, frozenset({b"date"})))  # ours is set anyway
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    async for piece in answer.content.iter_any():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def forward_socket(
    server: Server, target: Target, scope: Scope, receive: Receive, send: Send
) -> None:
    """Raises what entering `server` raises, and WorkerLost where it did not take the connection."""
    await receive()  # websocket.connect
    first = asyncio.ensure_future(receive())
    client = Client(scope, receive, send, first)
    bridging = asyncio.create_task(_bridge(server, target, client))
    try:
        await asyncio.wait([first, bridging], return_when=asyncio.FIRST_COMPLETED)
        if bridging.done() or client.accepted:
            await bridging
    except WorkerLost:
        if not client.accepted:
            raise
        await client.close(BROKEN)
    finally:
        await _cancelled([first, bridging])


async def _bridge(server: Server, target: Target, client: Client) -> None:
    headers = [h for h in target.headers(client.scope["headers"]) if not _of_handshake(h[0])]
    async with server as lent, _session() as session:
        client.send = functools.partial(_heard, lent, client.send)
        await bridge(session, target.url(lent), headers, client)


def _session() -> aiohttp.ClientSession:
    """For one request: nothing of one client is kept for another."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
    )


def _end_to_end(given: Headers, own: frozenset[bytes]) -> Iterable[tuple[bytes, bytes]]:
    pairs = [(name.lower(), value) for name, value in given]
    named = [value for name, value in pairs if name == b"connection"]
    dropped = {part.strip().lower() for value in named for part in value.split(b",")}
    dropped |= HOP_BY_HOP | own
    return ((name, value) for name, value in pairs if name not in dropped)


def _has_body(headers: Headers) -> bool:
    names = {name.lower(): value for name, value in headers}
    return b"transfer-encoding" in names or names.get(b"content-length", b"0") != b"0"


def _of_handshake(name: str) -> bool:
    return name.encode("latin-1").startswith(HANDSHAKE)


async def _cancelled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await ended(tasks)
