"""`/upstream/{model}/{path}`: what a model's own server offers beside our API, as it is.

The server is started when it must be, counts as in use while a request runs, and sees neither our
API key nor who asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi import APIRouter
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from stentor.api.errors import error_response
from stentor.backends.served import Lent, ServedBackend
from stentor.errors import ModelUnavailable, NotFound, StentorError
from stentor.routing.models import Model, Models

PREFIX = "/upstream/"
PATTERN = PREFIX + "{model}/{path:path}"


def upstream_router(models: Models, *, keyed: bool) -> APIRouter:
    """`keyed`: who comes in brings our API key, which is nobody else's business."""
    upstream = Upstream(models, keyed=keyed)
    routes = [Route(PATTERN, upstream), WebSocketRoute(PATTERN, upstream)]
    return APIRouter(routes=routes)


@dataclass(frozen=True)
class _Pattern:
    """What logs and metrics name a request by, as they do the framework's own routes."""

    path: str = PATTERN


class Upstream:
    """An ASGI application for HTTP and WebSockets."""

    def __init__(self, models: Models, *, keyed: bool) -> None:
        self._models = models
        self._keyed = keyed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Imported only here: who has no such model does not wait for an HTTP client.
        from stentor.api.forward import Target, forward_http, forward_socket

        scope["route"] = _Pattern()
        name, path = split_path(scope)
        forward = forward_socket if scope["type"] == "websocket" else forward_http
        try:
            server = reach(self._models.find(name))
            target = Target(path, scope["query_string"], keyed=self._keyed)
            await forward(server, target, scope, receive, send)
        except StentorError as error:
            await error_response(error)(scope, receive, send)


@asynccontextmanager
async def reach(model: Model) -> AsyncIterator[Lent]:
    """Its first server that can be started, of healthy ones before others; it is not
    stopped in good order before the context is left. Takes a place in the queue, but no slot: what
    is asked of a server past our API may be a page of help as well as an hour's work.

    Raises NotFound for a model that has no such server, ModelUnavailable, QueueFull.
    """
    if not any(isinstance(each, ServedBackend) for each in model.backends):
        raise NotFound(f"model '{model.name}' has no server of its own behind it", param="model")
    with model.scheduler.admit() as admission:
        errors = []
        for index in model.scheduler.by_health():
            backend = model.backends[index]
            if not isinstance(backend, ServedBackend):
                continue
            await backend.service.opened()  # what gives way to another one would never leave
            model.scheduler.enter(admission, index)
            try:
                await backend.service.ensure_ready()
            except ModelUnavailable as error:
                errors.append(error)
                continue
            async with backend.lend() as lent:
                yield lent
            return
    raise ModelUnavailable.joined(errors, model=model.name)


def split_path(scope: Scope) -> tuple[str, str]:
    """The model's name, and the path behind it as the client wrote it, with its escapes."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    rest = raw.decode("latin-1").partition(PREFIX)[2]
    name, _, path = rest.partition("/")
    return unquote(name), f"/{path}"
