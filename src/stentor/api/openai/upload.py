"""Forms that bring a file."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from stentor.api.disconnect import ClientGone
from stentor.errors import StorageFull

MOST_FIELDS = 128


class BoundedForm(APIRoute):
    """Reads the form itself, before FastAPI would with bounds of its own: every file of a form
    takes memory, and one is what is asked for.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read_form_and_handle(request: Request) -> Response:
            try:
                await request.form(max_files=1, max_fields=MOST_FIELDS)
            except ClientDisconnect as error:
                raise ClientGone from error
            except OSError as error:
                raise StorageFull("the server has no room for the upload") from error
            return await handle(request)

        return read_form_and_handle
