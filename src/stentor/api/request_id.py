"""Every answer carries an id; every log line of a request names it."""

from __future__ import annotations

import time
import uuid

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stentor.api.errors import StreamBroken, error_response
from stentor.errors import InternalError
from stentor.telemetry.metrics import Metrics
from stentor.telemetry.told import listening

log = structlog.get_logger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROBES = frozenset({"/health", "/healthz", "/healthcheck", "/readyz", "/metrics"})
"""Asked every few seconds by machines; their lines would bury the others."""


class RequestId:
    """The outermost layer: also counts and logs what was answered, however it ended."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        status = 500
        answered = False
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                answered = True
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id), listening() as told:
            try:
                await self._app(scope, receive, send_with_id)
            except StreamBroken as error:
                # The server closes a connection whose answer was left incomplete.
                # Its code only: an engine's own words may hold the text that it was to speak.
                told["error"] = error.code
                log.error("stream_broken", error=error.code)
            except Exception:
                told["error"] = InternalError.code
                log.exception("internal_error")
                if not answered:
                    internal = InternalError("something went wrong inside the server")
                    await error_response(internal)(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - began
                # The route's pattern, not the path: a path is a client's text without bounds.
                route = getattr(scope.get("route"), "path", "unmatched")
                method = scope["method"] if scope["method"] in METHODS else "other"
                self._metrics.count_request(method, route, status, seconds)
                if "error" in told:
                    self._metrics.count_error(str(told["error"]), route)
                say = log.debug if route in PROBES else log.info
                say(
                    "request",
                    method=method,
                    route=route,
                    status=status,
                    seconds=round(seconds, 4),
                    **told,
                )
