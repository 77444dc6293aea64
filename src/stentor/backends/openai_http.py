"""Requests to a server that speaks OpenAI's API, and what its refusals mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from stentor.errors import (
    EngineFailed,
    InvalidRequest,
    ModelUnavailable,
    QueueFull,
    StentorError,
    WorkerLost,
    WorkerStalled,
)

CONNECT_TIMEOUT = 10.0
ANSWER_MOST = 16 * 2**20
"""Bytes of an answer that is no audio."""
WORDS_MOST = 300
"""Characters of a server's own words that a client is told."""
PAUSE_MOST = 2.0
"""Seconds for which a server that is busy is left alone before its slot is used again."""
PARAMS = frozenset({"input", "voice", "speed", "instructions", "language", "prompt", "temperature"})
"""Fields that are the client's; all others are ours."""
MISCONFIGURED = frozenset({401, 403, 404, 405})
BUSY = frozenset({408, 425, 429, 503})


class Http:
    """One connection for each request: closing it cancels what is done for it, and none is used
    just when the server closes it.
    """

    def __init__(self, *, key: str | None, stall_timeout: float) -> None:
        """`stall_timeout`: seconds without any byte of an answer that is due."""
        self._headers = {"Accept-Encoding": "identity"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._stall_timeout = stall_timeout
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def ask(
        self, method: str, url: str, **body: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer of 2xx whose body was not read yet. Raises StentorError, also for what goes
        wrong while it is read.
        """
        answer: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(self._stall_timeout):
                answer = await self._open().request(method, url, allow_redirects=False, **body)
                if not answer.ok or answer.status >= 300:
                    raise await _refusal(answer)
            yield answer
        except TimeoutError as error:
            raise WorkerStalled(
                f"the server gave no sign of life within {self._stall_timeout:g} s"
            ) from error
        except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
            raise EngineFailed("the server's answer is not HTTP") from error
        except (aiohttp.ClientError, OSError) as error:
            raise WorkerLost("the server went away under a call") from error
        finally:
            if answer is not None:
                answer.close()

    async def pieces(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Of the body, as they come. A body that is cut off raises, as `ask` says."""
        while True:
            async with asyncio.timeout(self._stall_timeout):
                piece = await answer.content.readany()
            if not piece:
                return
            yield piece

    async def json(self, answer: aiohttp.ClientResponse) -> Any:
        """Raises EngineFailed for what is none, or too much."""
        body = bytearray()
        async for piece in self.pieces(answer):
            body += piece
            if len(body) > ANSWER_MOST:
                raise EngineFailed("the server's answer is too long")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise EngineFailed("the server's answer is not JSON") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
            )
        return self._session


async def _refusal(answer: aiohttp.ClientResponse) -> StentorError:
    body = await answer.content.read(64 * 1024)
    said, param = _said(body)
    status = answer.status
    told = f"the server answered {status}" + (f": {said}" if said else "")
    if status in BUSY:
        pause = _seconds(answer.headers)
        await asyncio.sleep(min(pause, PAUSE_MOST))
        return QueueFull(told, retry_after=pause)
    if status in MISCONFIGURED:
        return ModelUnavailable(told)
    if 400 <= status < 500:
        return InvalidRequest(said or told, param=param)
    return EngineFailed(told)


def _said(body: bytes) -> tuple[str, str | None]:
    """A message and the field that it is about, in OpenAI's shape, FastAPI's, or any text."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return "", None  # a page of HTML, a traceback: nothing for a client
    error: Any = value.get("error", value) if isinstance(value, Mapping) else {}
    if isinstance(error, str):
        return error[:WORDS_MOST], None
    if not isinstance(error, Mapping):
        return "", None
    told = next((error[k] for k in ("message", "detail") if isinstance(error.get(k), str)), "")
    param = error.get("param")
    return told[:WORDS_MOST], param if param in PARAMS else None


def _seconds(headers: Mapping[str, str]) -> float:
    given = headers.get("Retry-After", "")
    return float(given) if given.isdecimal() and len(given) < 6 else 0.5
