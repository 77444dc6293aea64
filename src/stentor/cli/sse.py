"""Reading a stream of events, as OpenAI's audio routes send them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from stentor.errors import StentorError


def is_stream(answer: httpx2.Response) -> bool:
    return str(answer.headers.get("content-type", "")).startswith("text/event-stream")


async def events(answer: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """Up to the one that says that all is done. Raises StentorError for an error, and for a stream
    that was cut short.
    """
    async for line in answer.aiter_lines():
        if not line.startswith("data:"):
            continue
        data = _parsed(line.removeprefix("data:").strip())
        if "error" in data:
            raise StentorError(_message(data["error"]))
        yield data
        if str(data.get("type", "")).endswith(".done"):
            return
    raise StentorError("the server broke off in the middle of its answer")


def _message(error: Any) -> str:
    return str(error.get("message") if isinstance(error, dict) else error)


def _parsed(text: str) -> dict[str, Any]:
    if text == "[DONE]":  # how other servers of this kind end
        return {"type": "all.done"}
    try:
        data = json.loads(text)
    except ValueError as error:
        raise StentorError("the server sent an event that is no JSON") from error
    return data if isinstance(data, dict) else {}
