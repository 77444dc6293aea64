"""How a server of somebody else's is seen to be ready: over HTTP, or as Wyoming has it."""

from __future__ import annotations

import aiohttp

from stentor.lifecycle.servers.served import Address, Look, NotReady
from stentor.lifecycle.workers.connection import Connection
from stentor_engine.errors import EngineError, WireError
from stentor_engine.messages import describe_event, expect

LONG = 3_600.0
"""Seconds: whoever looks has the deadline, and takes only its own for no answer."""


def http_look(path: str | None) -> Look:
    """`path`: answers 2xx when the server is ready; None: any answer below 500 at / will do."""

    async def look(address: Address) -> None:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LONG)) as session,
                session.get(address.url + (path or "/"), allow_redirects=False) as answer,
            ):
                if answer.status >= 500 or (path is not None and not answer.ok):
                    raise NotReady(f"GET {path or '/'} gave {answer.status}")
        except aiohttp.ClientConnectorError as error:
            raise NotReady("no connection") from error
        except aiohttp.ClientError as error:
            raise NotReady(f"GET {path or '/'} gave no HTTP answer") from error

    return look


async def wyoming_look(address: Address) -> None:
    try:
        async with await Connection.open(
            f"tcp:{address.host}:{address.port}", timeout=LONG
        ) as connection:
            await connection.send(describe_event(), timeout=LONG)
            expect(await connection.receive(timeout=LONG), "info")
    except (WireError, EngineError) as error:
        raise NotReady(f"describe: {error}") from error
