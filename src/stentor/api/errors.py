"""Errors in the OpenAI shape: `{"error": {message, type, param, code}}`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from stentor.api.disconnect import ClientGone
from stentor.errors import NotFound, QueueFull, StentorError, Unauthorized
from stentor.mistakes import worded
from stentor.telemetry.told import tell

MESSAGE_MOST = 1000
CLIENT_CLOSED_REQUEST = 499
"""Never seen by a client, which is gone; it is what logs and metrics count."""


class StreamBroken(Exception):
    """An answer that had begun cannot be completed; the client must see that it broke."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def error_body(error: StentorError) -> dict[str, Any]:
    """For the client; that the request ended so is also told where requests are counted."""
    tell(error=error.code)
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    if isinstance(error, QueueFull):
        kind = "rate_limit_error"
    # A name in it may be a client's: of any length, and not even Unicode.
    message = str(error)[:MESSAGE_MOST].encode("utf-8", "replace").decode()
    return {"error": {"message": message, "type": kind, "param": error.param, "code": error.code}}


def error_response(error: StentorError) -> JSONResponse:
    headers = {}
    if error.retry_after is not None:
        headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    elif isinstance(error, Unauthorized):
        headers = {"WWW-Authenticate": "Bearer"}  # a 401 must say how, by RFC 9110
    return JSONResponse(error_body(error), error.status, headers)


def add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(StentorError)
    async def told(request: Request, error: StentorError) -> Response:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        message, param = first_mistake(error.errors())
        return _plain_response(400, message, "invalid_request", param)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == NotFound.status:
            return error_response(NotFound(f"nothing at {request.method} {request.url.path}"))
        detail = str(error.detail)
        if allowed := (error.headers or {}).get("Allow"):
            detail = f"{request.method} is not for {request.url.path}: it takes {allowed}"
        answer = _plain_response(error.status_code, detail, "invalid_request", None)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(ClientGone)
    async def gone(request: Request, error: ClientGone) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)


def _plain_response(status: int, message: str, code: str, param: str | None) -> JSONResponse:
    tell(error=code)
    detail = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": detail}, status)


def first_mistake(mistakes: Sequence[Mapping[str, Any]]) -> tuple[str, str | None]:
    """A sentence about the first mistake, and the field that it is in."""
    mistake = mistakes[0]
    if mistake["type"] == "json_invalid":
        return "the body is not valid JSON", None
    if mistake["type"] == "model_attributes_type" and mistake["loc"] == ("body",):
        return "the body is not a JSON object sent with Content-Type: application/json", None
    place = [str(part) for part in mistake["loc"] if part not in ("body", "query")]
    param = place[0] if place else None
    return f"{param or 'body'}: {worded(mistake)}", param
